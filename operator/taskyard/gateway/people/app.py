"""The application behind the people's listener."""

from fastapi import FastAPI

from taskyard import __version__
from taskyard.gateway.app import add_error_answers
from taskyard.gateway.exchanges import Exchanges
from taskyard.gateway.metrics import Measured, Metrics
from taskyard.gateway.people import (
    accounts,
    controls,
    conversation,
    inputs,
    pages,
    streams,
    tasks,
    templates,
    workspaces,
)
from taskyard.gateway.people.context import People
from taskyard.gateway.people.documentation import add_documentation

_PARTS = (tasks, controls, conversation, pages, streams, inputs, workspaces, templates, accounts)


def people_app(people: People, metrics: Metrics) -> FastAPI:
    """Routes and error answers."""
    app = FastAPI(title="Taskyard", version=__version__, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Exchanges, stopping=people.stopping)
    app.add_middleware(Measured, metrics=metrics)
    for part in _PARTS:
        app.include_router(part.routes(people))
    add_documentation(app)
    add_error_answers(app)
    return app
