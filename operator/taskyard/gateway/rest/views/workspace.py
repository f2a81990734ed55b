"""A Task's workspace and its builds as the REST API shows them."""

from typing import Any

from taskyard.api.workspacebuild import BuildPhase, Transition
from taskyard.apiclient import Object
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.views import task as task_view
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views.expected_build import expected_build
from taskyard.gateway.rest.views.task import Setting

_CONNECTED = (
    AgentLifecycle.STARTING,
    AgentLifecycle.READY,
    AgentLifecycle.START_ERROR,
    AgentLifecycle.START_TIMEOUT,
)


def workspace(cache: Cache, task: Object, setting: Setting | None = None) -> dict[str, Any]:
    """The workspace of a Task, including its newest build; the Task's setting is looked up unless it is given."""
    setting, metadata = setting or task_view.setting_of(cache, task), task["metadata"]
    owner, family = setting.owner, setting.family
    fault = vocabulary.workspace_status(task) == "failed"
    return {
        "id": metadata["uid"],
        "created_at": metadata["creationTimestamp"],
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
        "template_active_version_id": family.active["metadata"]["uid"] if family.active else identifiers.NONE,
        "latest_build": build(cache, task, max(1, vocabulary.build_number(task)), owner=owner),
        "outdated": False,
        "name": metadata["name"],
        "last_used_at": task_view.updated_at(task),
        "deleting_at": None,
        "dormant_at": None,
        "health": {"healthy": not fault, "failing_agents": []},
        "automatic_updates": "never",
        "favorite": False,
        "task_id": metadata["uid"],
    }


def build(cache: Cache, task: Object, number: int, *, owner: Owner | None = None) -> dict[str, Any]:
    """A build of a Task, from its WorkspaceBuild, else from the Task's status, else from its spec: the build that was
    just requested and that the operator has not reserved yet. The Task's owner is looked up unless it is given."""
    metadata, status = task["metadata"], task["status"]
    owner = owner or namespaces.owner_named(cache, metadata["namespace"])
    found = cache.builds_of(task).get(number)
    reserved: Object = status.get("build") or {}
    is_newest = reserved.get("number") == number
    spec: Object = found["spec"] if found else {}
    shown: Object = found["status"] if found else {}
    expected = expected_build(task)
    transition = spec.get("transition") or (reserved["transition"] if is_newest else expected.transition)
    reason = spec.get("reason") or (reserved["reason"] if is_newest else expected.reason)
    # The WorkspaceBuild of a newest build may come after the status that tells of it, and its own status later still.
    unknown = BuildPhase.PENDING if found else expected.phase
    phase = shown.get("phase") or (reserved["phase"] if is_newest else unknown)
    created_at = reserved["createdAt"] if is_newest else (found or task)["metadata"]["creationTimestamp"]
    name = spec.get("templateVersion") or status.get("templateVersion") or task["spec"].get("templateVersion", "")
    version = cache.template_versions.get((metadata["namespace"], name))
    uid = metadata["uid"]
    return {
        "id": identifiers.build(uid, number),
        "created_at": created_at,
        "updated_at": shown.get("finishedAt") or shown.get("startedAt") or created_at,
        "workspace_id": uid,
        "workspace_name": metadata["name"],
        "workspace_owner_id": owner.id,
        "workspace_owner_name": owner.namespace,
        "template_version_id": version["metadata"]["uid"] if version else identifiers.NONE,
        "template_version_name": name,
        "build_number": number,
        "transition": transition.lower(),
        "initiator_id": owner.id,
        "initiator_name": owner.namespace,
        "job": {
            "id": identifiers.job(uid, number),
            "created_at": created_at,
            "started_at": shown.get("startedAt"),
            "completed_at": shown.get("finishedAt"),
            "status": vocabulary.JOBS.get(phase, "unknown"),
            "error": shown.get("message", "") if phase in (BuildPhase.FAILED, BuildPhase.CANCELED) else "",
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
        "deadline": status.get("idleDeadline") if is_newest else None,
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


def _resources(task: Object, number: int) -> list[dict[str, Any]]:
    uid, workspace = task["metadata"]["uid"], task["status"].get("workspace") or {}
    lifecycle = workspace.get("agentLifecycle")
    created_at = task_view.updated_at(task)
    connected = lifecycle in _CONNECTED
    return [
        {
            "id": identifiers.resource(uid, number),
            "created_at": created_at,
            "job_id": identifiers.job(uid, number),
            "workspace_transition": "start",
            "type": "kubernetes_pod",
            "name": workspace.get("pod") or "",
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
                            "health": str(workspace.get("appHealth") or AppHealth.INITIALIZING).lower(),
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
