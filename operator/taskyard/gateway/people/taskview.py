"""A Task as the REST API shows it."""

from typing import Any

from taskyard.apiclient import Object
from taskyard.gateway.people import identifiers, owners, wire
from taskyard.gateway.people.cache import Cache
from taskyard.gateway.people.family import family_of, version_of


def document(cache: Cache, task: Object) -> dict[str, Any]:
    """The response object. A template that is gone leaves its fields empty."""
    metadata, spec, status = task["metadata"], task["spec"], task["status"]
    owner = owners.owner_named(cache, metadata["namespace"])
    version, family = version_of(cache, task), family_of(cache, task)
    workspace, number = status.get("workspace") or {}, wire.build_number(task)
    lifecycle = workspace.get("agentLifecycle")
    agent = identifiers.agent(metadata["uid"], number) if wire.has_agent(task) else None
    return {
        "id": metadata["uid"],
        "organization_id": cache.organization_id,
        "owner_id": owner.id,
        "owner_name": owner.namespace,
        "owner_avatar_url": "",
        "name": metadata["name"],
        "display_name": wire.title(task),
        "template_id": family.id,
        "template_version_id": version["metadata"]["uid"] if version else identifiers.NONE,
        "template_name": family.name,
        "template_display_name": family.display_name,
        "template_icon": family.icon,
        "workspace_id": metadata["uid"],
        "workspace_name": metadata["name"],
        "workspace_status": wire.workspace_status(task),
        "workspace_build_number": number,
        "workspace_agent_id": agent,
        "workspace_agent_lifecycle": wire.LIFECYCLES.get(lifecycle or "") if agent else None,
        "workspace_agent_health": wire.agent_health(lifecycle) if agent else None,
        "workspace_app_id": identifiers.app(metadata["uid"], number) if agent else None,
        "initial_prompt": spec.get("prompt", ""),
        "status": wire.status(task),
        "current_state": current_state(task),
        "created_at": metadata["creationTimestamp"],
        "updated_at": updated_at(task),
    }


def current_state(task: Object) -> dict[str, Any] | None:
    """The last word about what the agent does; of a former start it is none any more."""
    state, build = task["status"].get("state"), task["status"].get("build") or {}
    if not state or (build.get("transition") == "Start" and state["build"] != build.get("number")):
        return None
    return {
        "timestamp": state["timestamp"],
        "state": wire.STATES.get(state["state"], "working"),
        "message": state.get("message", ""),
        "uri": state.get("uri", ""),
    }


def updated_at(task: Object) -> str:
    """When the workspace last changed: its newest build's begin."""
    return str((task["status"].get("build") or {}).get("createdAt") or task["metadata"]["creationTimestamp"])
