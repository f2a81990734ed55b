"""The routes that show templates, their versions and their presets."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import TEMPLATE_Q, described
from taskyard.gateway.rest.openapi.schemas.catalog import Preset, Template, TemplateVersion
from taskyard.gateway.rest.search import templates as template_search
from taskyard.gateway.rest.views import template as template_view


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Templates"])

    @router.get(
        "/templates",
        **described(
            "templates",
            "The templates that the caller may see, those of the namespace of `me` first",
            400,
            answer=list[Template],
            parameters=[TEMPLATE_Q],
        ),
    )
    async def templates(request: Request) -> JSONResponse:
        person = await context.person(request)
        found = await template_search.listed(context, person, request.query_params.get("q", ""))
        return JSONResponse([template_view.template(context.cache, entry) for entry in found])

    @router.get("/templates/{template}", **described("template", "A template", 404, answer=Template))
    async def template(request: Request, template: str) -> JSONResponse:
        person = await context.person(request)
        uid, home = identifiers.parsed(template), context.home(person)
        for found in await template_search.visible(context, person):
            if uid == found.id or (found.name == template and found.namespace == home):
                return JSONResponse(template_view.template(context.cache, _usable(found)))
        raise not_found()

    @router.get(
        "/templateversions/{version}",
        **described("templateVersion", "A template version", 404, answer=TemplateVersion),
    )
    async def version(request: Request, version: str) -> JSONResponse:
        person = await context.person(request)
        return JSONResponse(template_view.template_version(context.cache, await _version(context, person, version)))

    @router.get(
        "/templateversions/{version}/presets",
        **described("presets", "The presets of a template version", 404, answer=list[Preset]),
    )
    async def presets(request: Request, version: str) -> JSONResponse:
        person = await context.person(request)
        found = await _version(context, person, version)
        shown = found["spec"].get("presets") or ()
        return JSONResponse([template_view.template_preset(found, preset) for preset in shown])

    return router


async def _version(context: RestContext, person: Person, identifier: str) -> Object:
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


def _usable(found: TemplateFamily) -> TemplateFamily:
    """The template, if its active version exists. Raises HttpError 404."""
    if found.active is None:
        raise not_found()
    return found
