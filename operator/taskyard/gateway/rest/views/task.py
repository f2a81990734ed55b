"""A Task as the REST API shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from taskyard.api.workspacebuild import Transition
from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family_of, version_of
from taskyard.gateway.rest.views import vocabulary


@dataclass(frozen=True)
class Setting:
    """What the Tasks of one namespace and one template have in common."""

    organization_id: str
    owner: Owner
    version_id: str
    family: TemplateFamily


def setting_of(cache: Cache, task: Object) -> Setting:
    """Looks up the setting of a Task."""
    version = version_of(cache, task)
    return Setting(
        organization_id=cache.organization_id,
        owner=namespaces.owner_named(cache, task["metadata"]["namespace"]),
        version_id=version["metadata"]["uid"] if version else identifiers.NONE,
        family=family_of(cache, task),
    )


class Settings:
    """The settings of many Tasks, for one response; what they share is looked up once."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._known: dict[tuple[Any, ...], Setting] = {}

    def of(self, task: Object) -> Setting:
        """The setting of a Task."""
        spec, status = task["spec"], task["status"]
        named = [part.get(field) for part in (spec, status) for field in ("template", "templateVersion")]
        key = (task["metadata"]["namespace"], *named)
        if key not in self._known:
            self._known[key] = setting_of(self._cache, task)
        return self._known[key]


def documents(cache: Cache, tasks: Iterable[Object]) -> list[dict[str, Any]]:
    """The response objects of many Tasks."""
    settings = Settings(cache)
    return [document(task, settings.of(task)) for task in tasks]


def document(task: Object, setting: Setting) -> dict[str, Any]:
    """The response object of a Task. The fields of a deleted template are empty."""
    metadata, spec, status = task["metadata"], task["spec"], task["status"]
    owner, family = setting.owner, setting.family
    workspace, number = status.get("workspace") or {}, vocabulary.build_number(task)
    lifecycle = workspace.get("agentLifecycle")
    agent = identifiers.agent(metadata["uid"], number) if vocabulary.has_agent(task) else None
    return {
        "id": metadata["uid"],
        "organization_id": setting.organization_id,
        "owner_id": owner.id,
        "owner_name": owner.namespace,
        "owner_avatar_url": "",
        "name": metadata["name"],
        "display_name": vocabulary.title(task),
        "template_id": family.id,
        "template_version_id": setting.version_id,
        "template_name": family.name,
        "template_display_name": family.display_name,
        "template_icon": family.icon,
        "workspace_id": metadata["uid"],
        "workspace_name": metadata["name"],
        "workspace_status": vocabulary.workspace_status(task),
        "workspace_build_number": number,
        "workspace_agent_id": agent,
        "workspace_agent_lifecycle": vocabulary.LIFECYCLES.get(lifecycle or "") if agent else None,
        "workspace_agent_health": vocabulary.agent_health(lifecycle) if agent else None,
        "workspace_app_id": identifiers.app(metadata["uid"], number) if agent else None,
        "initial_prompt": spec.get("prompt", ""),
        "status": vocabulary.status(task),
        "current_state": current_state(task),
        "created_at": metadata["creationTimestamp"],
        "updated_at": updated_at(task),
    }


def current_state(task: Object) -> dict[str, Any] | None:
    """The agent's last reported state; None when it comes from an earlier start."""
    state, build = task["status"].get("state"), task["status"].get("build") or {}
    if not state or (build.get("transition") == Transition.START and state["build"] != build.get("number")):
        return None
    return {
        "timestamp": state["timestamp"],
        "state": vocabulary.STATES.get(state["state"], "working"),
        "message": state.get("message", ""),
        "uri": state.get("uri", ""),
    }


def updated_at(task: Object) -> str:
    """When the workspace last changed: the start of its newest build."""
    return str((task["status"].get("build") or {}).get("createdAt") or task["metadata"]["creationTimestamp"])
