"""A Task as the REST API shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taskyard.api.vocabulary import Transition
from taskyard.core.api_object import unpacked
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.prompts import Prompts
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family_of, version_of
from taskyard.gateway.rest.views import vocabulary


@dataclass(frozen=True)
class Setting:
    """What the Tasks of one namespace and one template have in common."""

    organization_id: str
    owner: Owner
    version_id: str
    family: TemplateFamily


def setting_of(cache: Cache, task: TaskView) -> Setting:
    """Looks up the setting of a Task."""
    version = version_of(cache, task)
    return Setting(
        organization_id=cache.organization_id,
        owner=namespaces.owner_named(cache, task.namespace),
        version_id=version.uid if version else identifiers.NONE,
        family=family_of(cache, task),
    )


class Settings:
    """The settings of many Tasks, for one response; what they share is looked up once."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._known: dict[tuple[Any, ...], Setting] = {}

    def of(self, task: TaskView) -> Setting:
        """The setting of a Task."""
        key = task.namespace, task.wanted_template, task.wanted_version, task.template, task.template_version
        if key not in self._known:
            self._known[key] = setting_of(self._cache, task)
        return self._known[key]


class Documents:
    """The response objects of many Tasks, for one response, which is made a part at a time."""

    def __init__(self, cache: Cache, prompts: Prompts) -> None:
        self._settings = Settings(cache)
        self._prompts = prompts
        self._fetched: dict[str, str] = {}

    def __call__(self, task: TaskView) -> dict[str, Any]:
        """The response object of a Task, one of those whose prompts were fetched last if its own is long."""
        prompt = self._fetched[task.uid] if task.packed_prompt is None else unpacked(task.packed_prompt)
        return document(task, self._settings.of(task), prompt)

    def lacks(self, tasks: Sequence[TaskView]) -> bool:
        """Whether prompts have to be fetched before these Tasks are shown."""
        return any(task.packed_prompt is None for task in tasks)

    async def fetch(self, tasks: Sequence[TaskView]) -> None:
        """Fetch the long prompts of these Tasks; those of others are forgotten. Raises ApiError."""
        self._fetched = await self._prompts.of_all(tasks)


def size(task: TaskView) -> int:
    """About the bytes of a Task's response object."""
    return 2000 + task.prompt_bytes


def document(task: TaskView, setting: Setting, prompt: str) -> dict[str, Any]:
    """The response object of a Task with that prompt. The fields of a deleted template are empty."""
    owner, family, lifecycle = setting.owner, setting.family, task.workspace.agent_lifecycle
    number = vocabulary.build_number(task)
    agent = identifiers.agent(task.uid, number) if vocabulary.has_agent(task) else None
    return {
        "id": task.uid,
        "organization_id": setting.organization_id,
        "owner_id": owner.id,
        "owner_name": owner.namespace,
        "owner_avatar_url": "",
        "name": task.name,
        "display_name": task.title,
        "template_id": family.id,
        "template_version_id": setting.version_id,
        "template_name": family.name,
        "template_display_name": family.display_name,
        "template_icon": family.icon,
        "workspace_id": task.uid,
        "workspace_name": task.name,
        "workspace_status": vocabulary.workspace_status(task),
        "workspace_build_number": number,
        "workspace_agent_id": agent,
        "workspace_agent_lifecycle": vocabulary.LIFECYCLES.get(lifecycle or "") if agent else None,
        "workspace_agent_health": vocabulary.agent_health(lifecycle) if agent else None,
        "workspace_app_id": identifiers.app(task.uid, number) if agent else None,
        "initial_prompt": prompt,
        "status": vocabulary.status(task),
        "current_state": current_state(task),
        "created_at": task.created_at,
        "updated_at": updated_at(task),
    }


def current_state(task: TaskView) -> dict[str, Any] | None:
    """The agent's last reported state; None when it comes from an earlier start."""
    state, build = task.state, task.build
    if not state or (build and build.transition == Transition.START and state.build != build.number):
        return None
    return {
        "timestamp": state.timestamp,
        "state": vocabulary.STATES.get(state.state, "working"),
        "message": state.message,
        "uri": state.uri,
    }


def updated_at(task: TaskView) -> str:
    """When the workspace last changed: the start of its newest build."""
    return (task.build.created_at if task.build else "") or task.created_at
