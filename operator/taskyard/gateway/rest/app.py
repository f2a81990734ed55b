"""The application behind the listener for people."""

from fastapi import FastAPI

from taskyard import __version__
from taskyard.gateway.audit.middleware import Auditing
from taskyard.gateway.http.errors import add_error_answers
from taskyard.gateway.http.lifecycle import RequestLifecycle
from taskyard.gateway.http.missed_routes import MissedRoutes
from taskyard.gateway.metrics import Measured
from taskyard.gateway.rest.audited_routes import audited
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.docs_routes import add_documentation
from taskyard.gateway.rest.routes import (
    conversation,
    inputs,
    lifecycle,
    organization_templates,
    organizations,
    paged,
    streams,
    tasks,
    templates,
    users,
    workspaces,
)

_PARTS = (
    tasks,
    lifecycle,
    conversation,
    paged,
    streams,
    inputs,
    workspaces,
    templates,
    organization_templates,
    organizations,
    users,
)


def rest_app(context: RestContext) -> FastAPI:
    """The application, with all routes and error handlers."""
    app = FastAPI(title="Taskyard", version=__version__, openapi_url=None, redirect_slashes=False)
    app.add_middleware(RequestLifecycle, stopping=context.stopping)
    app.add_middleware(Measured, metrics=context.metrics)
    routers = [part.routes(context) for part in _PARTS]
    for router in routers:
        app.include_router(router)
    add_documentation(app)
    routes = audited(route for routes in (*(router.routes for router in routers), app.routes) for route in routes)
    app.add_middleware(Auditing, log=context.audit, routes=routes)
    add_error_answers(app, context.metrics, missed=MissedRoutes(context.monotonic))
    return app
