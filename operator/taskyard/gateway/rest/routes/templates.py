"""The routes that show templates, their versions and their presets."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization, namespaces
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.catalog import Preset, Template, TemplateVersion
from taskyard.gateway.rest.views import vocabulary


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Templates"])

    @router.get("/templates", **described("templates", "All templates that the caller may see", answer=list[Template]))
    async def templates(request: Request) -> JSONResponse:
        person = await context.person(request)
        return JSONResponse([_template(context.cache, found) for found in await _families(context, person)])

    @router.get("/templates/{template}", **described("template", "A template", 404, answer=Template))
    async def template(request: Request, template: str) -> JSONResponse:
        person = await context.person(request)
        uid = identifiers.parsed(template)
        for found in await _families(context, person):
            if uid == found.id or (found.name == template and found.namespace == context.home(person)):
                return JSONResponse(_template(context.cache, found))
        raise not_found()

    @router.get(
        "/templateversions/{version}",
        **described("templateVersion", "A template version", 404, answer=TemplateVersion),
    )
    async def version(request: Request, version: str) -> JSONResponse:
        person = await context.person(request)
        return JSONResponse(_version(context.cache, await _found(context, person, version)))

    @router.get(
        "/templateversions/{version}/presets",
        **described("presets", "The presets of a template version", 404, answer=list[Preset]),
    )
    async def presets(request: Request, version: str) -> JSONResponse:
        person = await context.person(request)
        found = await _found(context, person, version)
        return JSONResponse([_preset(found, preset) for preset in found["spec"].get("presets") or ()])

    return router


async def _families(context: RestContext, person: Person) -> list[TemplateFamily]:
    """The templates that the person may see, by namespace and name."""
    cache = context.cache
    known = {(entry["metadata"]["namespace"], entry["spec"]["template"]) for entry in cache.template_versions}
    known |= {(entry["metadata"]["namespace"], entry["metadata"]["name"]) for entry in cache.templates}
    readable = await context.authorization.namespaces(
        person, "list", authorization.TEMPLATE_VERSIONS, (namespace for namespace, _ in known)
    )
    found = [family(cache, namespace, name) for namespace, name in sorted(known) if namespace in readable]
    # A template whose active version does not exist (yet) cannot be used.
    return [entry for entry in found if entry.active is not None]


async def _found(context: RestContext, person: Person, identifier: str) -> Object:
    """The TemplateVersion of a UID, or of a name in the namespace that `me` stands for."""
    uid, home = identifiers.parsed(identifier), context.home(person)
    found = context.cache.template_version_of_uid(uid) if uid else None
    found = found or context.cache.template_versions.get((home, identifier))
    namespace = found["metadata"]["namespace"] if found else home
    name = found["metadata"]["name"] if found else identifier
    allowed = await context.may(person, "get", authorization.TEMPLATE_VERSIONS, namespace, name)
    if found is None or not allowed:
        raise not_found()
    return found


def _template(cache: Cache, found: TemplateFamily) -> dict[str, Any]:
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


def _version(cache: Cache, found: Object) -> dict[str, Any]:
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


def _preset(version: Object, preset: Object) -> dict[str, Any]:
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
