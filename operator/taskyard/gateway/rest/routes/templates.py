"""The routes that show templates, their versions and their presets."""

import functools

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.template import TemplateVersionView
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import OFFSET, TEMPLATE_Q, WHOLE_LIMIT, described
from taskyard.gateway.rest.openapi.schemas.catalog import Preset, Template, TemplateVersion
from taskyard.gateway.rest.routes.answering import parts
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
            parameters=[TEMPLATE_Q, WHOLE_LIMIT, OFFSET],
            links=True,
        ),
    )
    async def templates(request: Request) -> Response:
        person = await context.person(request)
        found = await template_search.listed(context, person, request.query_params.get("q", ""))
        shown = functools.partial(template_view.template, context.cache)
        return parts(context, request, person, "", found, shown, size=template_view.size)

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
        presets = await context.presets.of(found)
        return JSONResponse([template_view.template_preset(found, preset) for preset in presets])

    return router


async def _version(context: RestContext, person: Person, identifier: str) -> TemplateVersionView:
    """The TemplateVersion of a UID, or of a name in the namespace that `me` stands for."""
    uid, home = identifiers.parsed(identifier), context.home(person)
    found = context.cache.template_version_of_uid(uid) if uid else None
    found = found or context.cache.template_versions.get((home, identifier))
    namespace = found.namespace if found else home
    name = found.name if found else identifier
    allowed = await context.may(person, "get", authorization.TEMPLATE_VERSIONS, namespace, name)
    if found is None or not allowed:
        raise not_found()
    return found


def _usable(found: TemplateFamily) -> TemplateFamily:
    """The template, if its active version exists. Raises HttpError 404."""
    if found.active is None:
        raise not_found()
    return found
