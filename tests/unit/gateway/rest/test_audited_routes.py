"""Each route of the REST API has a decision about its audit."""

from typing import Any

import pytest
from fastapi import APIRouter

from taskyard.gateway.audit.line import Verb
from taskyard.gateway.rest import openapi_file
from taskyard.gateway.rest.audited_routes import ROUTES, NotAudited, audited

DOCUMENT = openapi_file.document()
WRITES = ("POST", "PUT", "PATCH", "DELETE")


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_the_table_has_the_routes_that_there_are_and_no_others() -> None:
    # The application itself does not start with a route that the table lacks; a row without a route is found here.
    undescribed = {("GET", "/openapi.json"), ("GET", "/docs")}
    undescribed |= {(method, "/api/v2/tasks/{user}/") for method in ("GET", "DELETE")}
    assert set(ROUTES) == described() | undescribed


def test_a_route_without_a_decision_stops_the_gateway_from_starting() -> None:
    router = APIRouter(prefix="/api/v1alpha1")

    @router.post("/tasks/{user}/{task}/upload")
    async def upload() -> None: ...

    with pytest.raises(KeyError, match="upload"):
        audited(router.routes)


def test_every_write_is_audited_and_what_is_not_has_a_reason() -> None:
    incomplete = ("DELETE", "/api/v2/tasks/{user}/")
    for route, decision in ROUTES.items():
        if route[0] in WRITES and route != incomplete:
            assert isinstance(decision, Verb), route
        if isinstance(decision, NotAudited):
            assert len(decision.reason) > 20


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in (Verb.ANSWER, Verb.FOLLOW)])
def test_each_verb_is_that_of_a_route(verb: Any) -> None:
    assert verb in ROUTES.values()
