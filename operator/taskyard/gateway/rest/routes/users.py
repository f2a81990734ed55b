"""The routes that a client calls first: the service, the caller, the organizations."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard import __version__
from taskyard.gateway.rest.access import authorization, namespaces
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import SYSTEM_NAMESPACE
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.catalog import BuildInfo, Organization, User
from taskyard.gateway.rest.views import vocabulary


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Callers"])

    @router.get("/buildinfo", **described("buildInfo", "The service and its version", answer=BuildInfo, public=True))
    async def buildinfo(request: Request) -> JSONResponse:
        # Without a token: clients call this before they have one.
        return JSONResponse(
            {
                "external_url": "",
                "version": f"v{__version__}",
                "dashboard_url": "",
                "telemetry": False,
                "workspace_proxy": False,
                "agent_api_version": "2.0",
                "provisioner_api_version": "1.0",
                "upgrade_message": "",
                "deployment_id": context.cache.organization_id,
            }
        )

    @router.get("/users/{user}", **described("user", "A user, which is a namespace", 404, answer=User))
    async def user(request: Request, user: str) -> JSONResponse:
        person = await context.person(request)
        home = context.home(person)
        owner = context.owner(user, person)
        if user.lower() == namespaces.ME:
            owner = namespaces.owner_named(context.cache, home)
        namespace = owner.namespace if owner else user.lower()
        allowed = namespace == home or await context.may(person, "list", authorization.TASKS, namespace)
        if owner is None or not allowed:
            raise not_found()
        name = person.user.username if namespace == home else owner.user
        return JSONResponse(_user(owner, name, context.cache.organization_id))

    @router.get("/organizations", **described("organizations", "The organizations: one", answer=list[Organization]))
    async def organizations(request: Request) -> JSONResponse:
        await context.person(request)
        return JSONResponse([_organization(context)])

    @router.get(
        "/organizations/{organization}", **described("organization", "An organization", 404, answer=Organization)
    )
    async def organization(request: Request, organization: str) -> JSONResponse:
        await context.person(request)
        if organization.lower() not in (context.cache.organization_id, vocabulary.ORGANIZATION):
            raise not_found()
        return JSONResponse(_organization(context))

    return router


def _user(owner: Owner, name: str, organization_id: str) -> dict[str, Any]:
    """A namespace as a user; the namespace's name is the username, since it is part of paths."""
    return {
        "id": owner.id,
        "username": owner.namespace,
        "name": name,
        "email": owner.user if "@" in owner.user else "",
        "avatar_url": "",
        "created_at": owner.created_at,
        "updated_at": owner.created_at,
        "last_seen_at": owner.created_at,
        "status": "active",
        "login_type": "none",
        "theme_preference": "",
        "organization_ids": [organization_id],
        "roles": [],
    }


def _organization(context: RestContext) -> dict[str, Any]:
    created_at = namespaces.owner_named(context.cache, SYSTEM_NAMESPACE).created_at
    return {
        "id": context.cache.organization_id,
        "name": vocabulary.ORGANIZATION,
        "display_name": "Taskyard",
        "icon": "",
        "description": "",
        "created_at": created_at,
        "updated_at": created_at,
        "is_default": True,
    }
