"""Templates, their versions and their presets as the REST API shows them."""

from typing import Any

from taskyard.core.api_object import unpacked
from taskyard.gateway.http.list_answers import text_bytes
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.template import PresetView, TemplateVersionView
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family
from taskyard.gateway.rest.views import vocabulary


def size(found: TemplateFamily) -> int:
    """About the bytes of a template's response object."""
    return 1000 + sum(map(text_bytes, (found.display_name, found.description, found.icon)))


def template(cache: Cache, found: TemplateFamily) -> dict[str, Any]:
    """A template, without its versions."""
    owner = namespaces.owner_named(cache, found.namespace)
    return {
        "id": found.id,
        "created_at": found.created_at,
        "updated_at": found.active.created_at if found.active else found.created_at,
        "organization_id": cache.organization_id,
        "organization_name": vocabulary.ORGANIZATION,
        "organization_display_name": "Taskyard",
        "organization_icon": "",
        "name": found.name,
        "display_name": found.display_name,
        "provisioner": "terraform",
        "active_version_id": found.active.uid if found.active else identifiers.NONE,
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


def template_version(cache: Cache, found: TemplateVersionView) -> dict[str, Any]:
    """A template version; its job is the operator's check of it."""
    owner = namespaces.owner_named(cache, found.namespace)
    failed = found.valid == "False"
    return {
        "id": found.uid,
        "template_id": family(cache, found.namespace, found.template).id,
        "organization_id": cache.organization_id,
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "name": found.name,
        "message": found.display_name,
        "job": {
            "id": identifiers.derived(found.uid, "job"),
            "created_at": found.created_at,
            "status": "failed" if failed else "succeeded" if found.valid == "True" else "pending",
            "error": found.fault,
            "file_id": identifiers.NONE,
            "tags": {},
            "queue_position": 0,
            "queue_size": 0,
            "organization_id": cache.organization_id,
            "initiator_id": owner.id,
            "type": "template_version_import",
        },
        "readme": found.description,
        "created_by": {"id": owner.id, "username": owner.namespace, "avatar_url": ""},
        "archived": False,
        "has_external_agent": False,
        "has_ai_task": found.has_agent,
    }


def template_preset(version: TemplateVersionView, preset: PresetView) -> dict[str, Any]:
    """A preset, whose fields are capitalized as in the Coder API."""
    return {
        "ID": identifiers.preset(version.uid, preset.name),
        "Name": preset.name,
        "Parameters": [{"Name": name, "Value": unpacked(value)} for name, value in preset.parameters],
        "Default": preset.is_default,
        "DesiredPrebuildInstances": None,
        "Description": preset.description,
        "Icon": "",
    }
