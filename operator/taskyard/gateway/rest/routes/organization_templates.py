"""The routes that show the templates of an organization by their names.

Names are by namespace here, and the organization is the cluster: a template is named alone, or with its namespace as
`NAMESPACE/NAME`, which a client of the Coder API can send as the name.
"""

import functools

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import OFFSET, WHOLE_LIMIT, described
from taskyard.gateway.rest.openapi.schemas.catalog import Template, TemplateVersion
from taskyard.gateway.rest.routes.answering import parts
from taskyard.gateway.rest.search import templates as template_search
from taskyard.gateway.rest.views import template as template_view

_SUMMARY = "A template of an organization by its name"
_VERSION_SUMMARY = "A version of a template by their names"


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2/organizations/{organization}/templates", tags=["Templates"])

    @router.get(
        "",
        **described(
            "organizationTemplates",
            "The templates of an organization",
            *(400, 404),
            answer=list[Template],
            parameters=[WHOLE_LIMIT, OFFSET],
            links=True,
        ),
    )
    async def templates(request: Request, organization: str) -> Response:
        person = await context.person(request)
        context.check_organization(organization)
        found = await template_search.listed(context, person, "")
        shown = functools.partial(template_view.template, context.cache)
        return parts(context, request, person, "", found, shown, size=template_view.size)

    @router.get("/{name}", **described("organizationTemplate", _SUMMARY, 400, 404, answer=Template))
    async def template(request: Request, organization: str, name: str) -> JSONResponse:
        return await _template(await context.person(request), organization, name)

    @router.get(
        "/{namespace}/{name}",
        **described("organizationTemplateOfNamespace", f"{_SUMMARY} and namespace", 404, answer=Template),
    )
    async def template_of_namespace(request: Request, organization: str, namespace: str, name: str) -> JSONResponse:
        return await _template(await context.person(request), organization, name, namespace=namespace)

    @router.get(
        "/{name}/versions/{version}",
        **described("organizationTemplateVersion", _VERSION_SUMMARY, 400, 404, answer=TemplateVersion),
    )
    async def version(request: Request, organization: str, name: str, version: str) -> JSONResponse:
        return await _version(await context.person(request), organization, name, version)

    @router.get(
        "/{namespace}/{name}/versions/{version}",
        **described(
            "organizationTemplateVersionOfNamespace",
            f"{_VERSION_SUMMARY} and namespace",
            404,
            answer=TemplateVersion,
        ),
    )
    async def version_of_namespace(
        request: Request, organization: str, namespace: str, name: str, version: str
    ) -> JSONResponse:
        return await _version(await context.person(request), organization, name, version, namespace=namespace)

    async def _template(person: Person, organization: str, name: str, *, namespace: str = "") -> JSONResponse:
        context.check_organization(organization)
        found = await template_search.named(context, person, name, namespace=namespace)
        if found.active is None:
            raise not_found()
        return JSONResponse(template_view.template(context.cache, found))

    async def _version(
        person: Person, organization: str, name: str, version: str, *, namespace: str = ""
    ) -> JSONResponse:
        context.check_organization(organization)
        family = await template_search.named(context, person, name, namespace=namespace)
        uid = identifiers.parsed(version)
        for found in context.cache.versions_of(family.namespace, family.name):
            if found.name == version.lower() or found.uid == uid:
                # Whether the caller may list them has been asked; a right to `get` may be missing all the same.
                if not await context.may(person, "get", authorization.TEMPLATE_VERSIONS, family.namespace, found.name):
                    break
                return JSONResponse(template_view.template_version(context.cache, found))
        raise not_found()

    return router
