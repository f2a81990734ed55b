"""A Task's workspace and its builds as the REST API shows them."""

from typing import Any

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import ReservedBuild, TaskView
from taskyard.gateway.rest.views import task as task_view
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views.expected_build import expected_build
from taskyard.gateway.rest.views.task import Setting

# About the bytes of a build, of which some have a long message, and of a workspace.
BUILD_BYTES, WORKSPACE_BYTES = 3000, 4000

_NONE = ReservedBuild()

_CONNECTED = (
    AgentLifecycle.STARTING,
    AgentLifecycle.READY,
    AgentLifecycle.START_ERROR,
    AgentLifecycle.START_TIMEOUT,
)


def workspace(cache: Cache, task: TaskView, setting: Setting | None = None) -> dict[str, Any]:
    """The workspace of a Task, including its newest build; the Task's setting is looked up unless it is given."""
    setting = setting or task_view.setting_of(cache, task)
    owner, family = setting.owner, setting.family
    fault = vocabulary.workspace_status(task) == "failed"
    return {
        "id": task.uid,
        "created_at": task.created_at,
        "updated_at": task_view.updated_at(task),
        "owner_id": owner.id,
        "owner_name": owner.namespace,
        "owner_avatar_url": "",
        "organization_id": setting.organization_id,
        "organization_name": vocabulary.ORGANIZATION,
        "template_id": family.id,
        "template_name": family.name,
        "template_display_name": family.display_name,
        "template_icon": family.icon,
        "template_active_version_id": family.active.uid if family.active else identifiers.NONE,
        "latest_build": build(cache, task, max(1, vocabulary.build_number(task)), owner=owner),
        "outdated": False,
        "name": task.name,
        "last_used_at": task_view.updated_at(task),
        "deleting_at": None,
        "dormant_at": None,
        "health": {"healthy": not fault, "failing_agents": []},
        "automatic_updates": "never",
        "favorite": False,
        "task_id": task.uid,
    }


def build(cache: Cache, task: TaskView, number: int, *, owner: Owner | None = None) -> dict[str, Any]:
    """A build of a Task, from its WorkspaceBuild, else from the Task's status, else from its spec: the build that was
    just requested and that the operator has not reserved yet. The Task's owner is looked up unless it is given."""
    owner = owner or namespaces.owner_named(cache, task.namespace)
    found, reserved = cache.builds_of(task).get(number), task.build or _NONE
    is_newest = reserved.number == number
    expected = expected_build(task)
    transition = (found and found.transition) or (reserved.transition if is_newest else expected.transition)
    reason = (found and found.reason) or (reserved.reason if is_newest else expected.reason)
    # The WorkspaceBuild of a newest build may come after the status that tells of it, and its own status later still.
    unknown = BuildPhase.PENDING if found else expected.phase
    phase = (found and found.phase) or (reserved.phase if is_newest else unknown)
    created_at = reserved.created_at if is_newest else (found or task).created_at
    name = (found and found.template_version) or task.template_version or task.wanted_version
    version = cache.template_versions.get((task.namespace, name))
    uid, went_wrong = task.uid, phase in (BuildPhase.FAILED, BuildPhase.CANCELED)
    return {
        "id": identifiers.build(uid, number),
        "created_at": created_at,
        "updated_at": (found and (found.finished_at or found.started_at)) or created_at,
        "workspace_id": uid,
        "workspace_name": task.name,
        "workspace_owner_id": owner.id,
        "workspace_owner_name": owner.namespace,
        "template_version_id": version.uid if version else identifiers.NONE,
        "template_version_name": name,
        "build_number": number,
        "transition": transition.lower(),
        "initiator_id": owner.id,
        "initiator_name": owner.namespace,
        "job": {
            "id": identifiers.job(uid, number),
            "created_at": created_at,
            "started_at": found.started_at if found else None,
            "completed_at": found.finished_at if found else None,
            "status": vocabulary.JOBS.get(phase, "unknown"),
            "error": found.message if found and went_wrong else "",
            "worker_id": None,
            "file_id": identifiers.NONE,
            "tags": {},
            "queue_position": 0,
            "queue_size": 0,
            "organization_id": cache.organization_id,
            "initiator_id": owner.id,
            "type": "workspace_build",
        },
        "reason": vocabulary.REASONS.get(reason, "initiator"),
        "resources": _resources(task, number) if is_newest and vocabulary.has_agent(task) else [],
        "deadline": task.idle_deadline if is_newest else None,
        "max_deadline": None,
        "status": vocabulary.workspace_status(task) if is_newest else build_status(transition, phase),
        "daily_cost": 0,
        "has_ai_task": True,
    }


def build_status(transition: str, phase: str) -> str:
    """The workspace's status according to a single build."""
    stops = transition == Transition.STOP
    shown: dict[str, str] = {
        BuildPhase.PENDING: "pending",
        BuildPhase.RUNNING: "stopping" if stops else "starting",
        BuildPhase.SUCCEEDED: "stopped" if stops else "running",
        BuildPhase.FAILED: "failed",
        BuildPhase.CANCELED: "canceled",
    }
    return shown.get(phase, "pending")


def _resources(task: TaskView, number: int) -> list[dict[str, Any]]:
    uid, lifecycle = task.uid, task.workspace.agent_lifecycle
    created_at = task_view.updated_at(task)
    connected = lifecycle in _CONNECTED
    return [
        {
            "id": identifiers.resource(uid, number),
            "created_at": created_at,
            "job_id": identifiers.job(uid, number),
            "workspace_transition": "start",
            "type": "kubernetes_pod",
            "name": task.workspace.pod or "",
            "hide": False,
            "icon": "",
            "agents": [
                {
                    "id": identifiers.agent(uid, number),
                    "created_at": created_at,
                    "updated_at": created_at,
                    "status": "connected" if connected else "connecting",
                    "lifecycle_state": vocabulary.LIFECYCLES.get(lifecycle or "", "created"),
                    "name": "agent",
                    "resource_id": identifiers.resource(uid, number),
                    "architecture": "",
                    "operating_system": "linux",
                    "health": vocabulary.agent_health(lifecycle),
                    "apps": [
                        {
                            "id": identifiers.app(uid, number),
                            "slug": "taskyard",
                            "display_name": "Taskyard",
                            "health": str(task.workspace.app_health or AppHealth.INITIALIZING).lower(),
                            "external": False,
                            "hidden": True,
                        }
                    ],
                }
            ],
            "metadata": [],
            "daily_cost": 0,
        }
    ]
