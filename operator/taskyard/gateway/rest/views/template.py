"""Templates, their versions and their presets as the REST API shows them."""

from typing import Any

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family
from taskyard.gateway.rest.views import vocabulary


def template(cache: Cache, found: TemplateFamily) -> dict[str, Any]:
    """A template, without its versions."""
    owner = namespaces.owner_named(cache, found.namespace)
    return {
        "id": found.id,
        "created_at": found.created_at,
        "updated_at": found.active["metadata"]["creationTimestamp"] if found.active else found.created_at,
        "organization_id": cache.organization_id,
        "organization_name": vocabulary.ORGANIZATION,
        "organization_display_name": "Taskyard",
        "organization_icon": "",
        "name": found.name,
        "display_name": found.display_name,
        "provisioner": "terraform",
        "active_version_id": found.active["metadata"]["uid"] if found.active else identifiers.NONE,
        "active_user_count": -1,
        "build_time_stats": {},
        "description": found.description,
        "icon": found.icon,
        "default_ttl_ms": 0,
        "activity_bump_ms": 0,
        "deprecated": False,
        "deprecation_message": "",
        "created_by_id": owner.id,
        "created_by_name": found.namespace,
    }


def template_version(cache: Cache, found: Object) -> dict[str, Any]:
    """A template version; its job is the operator's check of it."""
    metadata, spec = found["metadata"], found["spec"]
    owner = namespaces.owner_named(cache, metadata["namespace"])
    valid: Object = next((c for c in found["status"].get("conditions") or () if c["type"] == "Valid"), {})
    failed = valid.get("status") == "False"
    return {
        "id": metadata["uid"],
        "template_id": family(cache, metadata["namespace"], spec["template"]).id,
        "organization_id": cache.organization_id,
        "created_at": metadata["creationTimestamp"],
        "updated_at": metadata["creationTimestamp"],
        "name": metadata["name"],
        "message": spec.get("displayName", ""),
        "job": {
            "id": identifiers.derived(metadata["uid"], "job"),
            "created_at": metadata["creationTimestamp"],
            "status": "failed" if failed else "succeeded" if valid else "pending",
            "error": valid.get("message", "") if failed else "",
            "file_id": identifiers.NONE,
            "tags": {},
            "queue_position": 0,
            "queue_size": 0,
            "organization_id": cache.organization_id,
            "initiator_id": owner.id,
            "type": "template_version_import",
        },
        "readme": spec.get("description", ""),
        "created_by": {"id": owner.id, "username": owner.namespace, "avatar_url": ""},
        "archived": False,
        "has_external_agent": False,
        "has_ai_task": bool(spec.get("agent")),
    }


def template_preset(version: Object, preset: Object) -> dict[str, Any]:
    """A preset, whose fields are capitalized as in the Coder API."""
    return {
        "ID": identifiers.preset(version["metadata"]["uid"], preset["name"]),
        "Name": preset["name"],
        "Parameters": [{"Name": entry["name"], "Value": entry["value"]} for entry in preset.get("parameters") or ()],
        "Default": bool(preset.get("default")),
        "DesiredPrebuildInstances": None,
        "Description": preset.get("description", ""),
        "Icon": "",
    }
