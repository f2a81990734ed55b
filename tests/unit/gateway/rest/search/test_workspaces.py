"""The query of `GET /workspaces?q=`."""

from __future__ import annotations

import pytest

from taskyard.gateway.rest.search.terms import QueryError
from taskyard.gateway.rest.search.workspaces import WorkspaceQuery, parse
from unit.gateway.rest.objects import task

UID = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("", WorkspaceQuery(), id="all"),
        pytest.param("hello", WorkspaceQuery(name="hello"), id="a bare word is a name"),
        pytest.param("me/hello", WorkspaceQuery(owner="me", name="hello"), id="or an owner and a name"),
        pytest.param('owner:"me" status:"running"', WorkspaceQuery(owner="me", status="running"), id="quoted"),
        pytest.param("has-ai-task:true", WorkspaceQuery(has_ai_task=True), id="a boolean"),
    ],
)
def test_parse(text: str, query: WorkspaceQuery) -> None:
    """C6."""
    assert parse(text) == query


@pytest.mark.parametrize("text", ["colour:red", "status:bogus", "dormant:perhaps", "id:1", "a/b name:c"])
def test_what_is_no_query(text: str) -> None:
    """C6."""
    with pytest.raises(QueryError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        pytest.param("ell", True, id="a part of the name"),
        pytest.param("bye", False, id="no part of the name"),
        pytest.param("template:SHELL", True, id="its template"),
        pytest.param("template:shel", False, id="a part of the template's name"),
        pytest.param("status:pending", True, id="its status"),
        pytest.param("status:running", False, id="another status"),
        pytest.param(f"id:{UID}", True, id="its id"),
        pytest.param(f"id:{UID.replace('8', '9')}", False, id="another id"),
        pytest.param("has-ai-task:true outdated:false dormant:false shared:false", True, id="what each is"),
        pytest.param("has-ai-task:false", False, id="not a Task's"),
        pytest.param("outdated:true", False, id="outdated"),
        pytest.param("dormant:true", False, id="dormant"),
        pytest.param("shared:true", False, id="shared"),
        pytest.param("has_external_agent:true", False, id="an external agent"),
    ],
)
def test_what_a_query_selects(text: str, takes: bool) -> None:
    """C6."""
    assert parse(text).takes(task(uid=UID), template="shell") is takes
