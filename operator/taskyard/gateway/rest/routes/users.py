"""The routes that a client calls first: the service and the caller."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard import __version__
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.catalog import BuildInfo, User
from taskyard.gateway.rest.routes.visible_user import VisibleUser, visible_user


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
        return JSONResponse(_user(await visible_user(context, person, user), context.cache.organization_id))

    return router


def _user(found: VisibleUser, organization_id: str) -> dict[str, Any]:
    """A namespace as a user; the namespace's name is the username, since it is part of paths."""
    owner = found.owner
    return {
        "id": owner.id,
        "username": owner.namespace,
        "name": found.name,
        "email": found.email,
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
