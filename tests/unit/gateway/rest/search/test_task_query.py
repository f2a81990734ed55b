"""Section 2.2 of the contract: the grammar of a list's query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.rest.search.task_query import Query, parse
from taskyard.gateway.rest.search.terms import QueryError


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("", Query(), id="empty"),
        pytest.param("   ", Query(), id="spaces"),
        pytest.param("owner:jane", Query(owner="jane"), id="owner"),
        pytest.param("Owner:JANE Status:PAUSED", Query(owner="jane", status="paused"), id="lower case"),
        pytest.param("jane", Query(owner="jane"), id="a bare word is the owner"),
        pytest.param("jane doe", Query(owner="jane doe"), id="bare words are joined"),
        pytest.param('"jane doe"', Query(owner="jane doe"), id="quoted"),
        pytest.param('owner:"jane doe" organization:x', Query(owner="jane doe", organization="x"), id="quoted value"),
        pytest.param('owner:"a:b"', Query(owner="a:b"), id="a colon in quotes"),
        pytest.param("  owner:a   status:active ", Query(owner="a", status="active"), id="spaces around"),
    ],
)
def test_parse(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "field", "detail"),
    [
        pytest.param(":a", "q", "Query element \":a\" cannot start or end with ':'", id="begins with a colon"),
        pytest.param("a:", "q", "Query element \"a:\" cannot start or end with ':'", id="ends with a colon"),
        pytest.param(":", "q", "Query element \":\" cannot start or end with ':'", id="a colon alone"),
        pytest.param("a:b:c", "q", "Query element \"a:b:c\" can only contain 1 ':'", id="two colons"),
        pytest.param("color:red", "color", '"color" is not a valid query param', id="unknown key"),
        pytest.param("owner:a owner:b", "owner", 'Query param "owner" may be given once.', id="twice"),
        pytest.param("jane owner:b", "owner", 'Query param "owner" may be given once.', id="bare and by key"),
    ],
)
def test_what_is_no_query(text: str, field: str, detail: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.validations == [{"field": field, "detail": detail}]


def test_an_unknown_status_is_named_with_those_there_are() -> None:
    with pytest.raises(QueryError) as caught:
        parse("status:bogus")
    [fault] = caught.value.validations
    assert fault["field"] == "status"
    assert '"bogus"' in fault["detail"]
    assert "initializing" in fault["detail"]


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_says_why_not(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert all(fault["detail"] for fault in error.validations)
