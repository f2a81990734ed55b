"""What the queries of all lists share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from taskyard.gateway.rest.search.terms import MAX_QUERY_CHARACTERS, MAX_TERMS, QueryError, SearchTerms

UID = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"


def terms(text: str) -> SearchTerms:
    return SearchTerms(text, bare=lambda words: {"name": words})


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        pytest.param('organization:"A B"', lambda found: found.text("organization"), "a b", id="a quoted value"),
        pytest.param('"organization":x', lambda found: found.text("organization"), "x", id="a quoted key"),
        pytest.param('name:""', lambda found: found.text("name"), "", id="an empty quoted value"),
        pytest.param("", lambda found: found.text("name"), "", id="no value"),
        pytest.param("one two", lambda found: found.text("name"), "one two", id="bare words"),
        pytest.param("a:true", lambda found: found.flag("a"), True, id="true"),
        pytest.param("a:T", lambda found: found.flag("a"), True, id="t"),
        pytest.param("a:1", lambda found: found.flag("a"), True, id="1"),
        pytest.param('a:"FALSE"', lambda found: found.flag("a"), False, id="false"),
        pytest.param("", lambda found: found.flag("a"), None, id="neither"),
        pytest.param(f"a:{UID.upper()},{UID}", lambda found: found.uuids("a"), {UID}, id="UUIDs"),
        pytest.param("a:x", lambda found: found.choice("a", ("x", "y")), "x", id="a choice"),
    ],
)
def test_values(text: str, read: Callable[[SearchTerms], Any], value: Any) -> None:
    found = terms(text)
    assert read(found) == value
    found.check()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("a:maybe", lambda found: found.flag("a"), id="no boolean"),
        pytest.param(f"a:{UID},x", lambda found: found.uuids("a"), id="no UUID"),
        pytest.param("a:z", lambda found: found.choice("a", ("x", "y")), id="no choice"),
        pytest.param("a:z", lambda found: None, id="an unknown key"),
        pytest.param("a:z a:z", lambda found: found.text("a"), id="twice"),
    ],
)
def test_what_is_wrong_is_said_of_its_key(text: str, read: Callable[[SearchTerms], Any]) -> None:
    """C4."""
    found = terms(text)
    read(found)
    with pytest.raises(QueryError) as caught:
        found.check()
    assert [fault["field"] for fault in caught.value.validations] == ["a"]


def test_all_faults_are_told_at_once() -> None:
    found = terms("a:maybe b:1 c:2")
    found.flag("a")
    with pytest.raises(QueryError) as caught:
        found.check()
    assert [fault["field"] for fault in caught.value.validations] == ["b", "c", "a"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * (MAX_QUERY_CHARACTERS + 1), id="characters"),
        pytest.param("a:b " * (MAX_TERMS + 1), id="terms"),
        pytest.param("a " * (MAX_TERMS + 1), id="words"),
    ],
)
def test_a_query_of_too_many_is_refused_before_it_is_read(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        terms(text)
    assert caught.value.bound == "query"
    [fault] = caught.value.response("task").validations
    assert (fault["field"], "at most" in fault["detail"], len(fault["detail"]) < 100) == ("q", True, True)


def test_the_longest_query_is_read_at_once() -> None:
    text = "name:" + '"' + "a: " * ((MAX_QUERY_CHARACTERS - 10) // 3) + '"'
    began = time.perf_counter()
    assert len(terms(text).text("name")) > 4000
    terms("ids:" + ",".join([UID] * 100)).uuids("ids")
    assert time.perf_counter() - began < 0.1
