"""The routes of organizations: there is one, the cluster, and every user is a member of it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.gateway.rest.access import namespaces
from taskyard.gateway.rest.cache.cache import SYSTEM_NAMESPACE, Cache
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.catalog import Member, Organization
from taskyard.gateway.rest.routes.visible_user import VisibleUser, visible_user
from taskyard.gateway.rest.views import vocabulary


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Callers"])

    @router.get("/organizations", **described("organizations", "The organizations: one", answer=list[Organization]))
    async def organizations(request: Request) -> JSONResponse:
        await context.person(request)
        return JSONResponse([_organization(context.cache)])

    @router.get(
        "/organizations/{organization}", **described("organization", "An organization", 404, answer=Organization)
    )
    async def organization(request: Request, organization: str) -> JSONResponse:
        await context.person(request)
        context.check_organization(organization)
        return JSONResponse(_organization(context.cache))

    @router.get(
        "/organizations/{organization}/members/{user}",
        **described("member", "A user as a member of an organization", 404, answer=Member),
    )
    async def member(request: Request, organization: str, user: str) -> JSONResponse:
        person = await context.person(request)
        context.check_organization(organization)
        return JSONResponse(_member(await visible_user(context, person, user), context.cache.organization_id))

    @router.get(
        "/users/{user}/organizations",
        **described("userOrganizations", "The organizations of a user", 404, answer=list[Organization]),
    )
    async def of_user(request: Request, user: str) -> JSONResponse:
        person = await context.person(request)
        await visible_user(context, person, user)
        return JSONResponse([_organization(context.cache)])

    @router.get(
        "/users/{user}/organizations/{organization}",
        **described("userOrganization", "An organization of a user", 404, answer=Organization),
    )
    async def one_of_user(request: Request, user: str, organization: str) -> JSONResponse:
        person = await context.person(request)
        context.check_organization(organization)
        await visible_user(context, person, user)
        return JSONResponse(_organization(context.cache))

    return router


def _organization(cache: Cache) -> dict[str, Any]:
    created_at = namespaces.owner_named(cache, SYSTEM_NAMESPACE).created_at
    return {
        "id": cache.organization_id,
        "name": vocabulary.ORGANIZATION,
        "display_name": "Taskyard",
        "icon": "",
        "description": "",
        "created_at": created_at,
        "updated_at": created_at,
        "is_default": True,
    }


def _member(found: VisibleUser, organization_id: str) -> dict[str, Any]:
    owner = found.owner
    return {
        "user_id": owner.id,
        "organization_id": organization_id,
        "created_at": owner.created_at,
        "updated_at": owner.created_at,
        "roles": [],
        "username": owner.namespace,
        "name": found.name,
        "avatar_url": "",
        "email": found.email,
        "global_roles": [],
    }
