"""Paged lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.routes.paging import newest_first, page


def place(entry: tuple[int, str]) -> tuple[int | str, ...]:
    return entry


@given(st.lists(st.tuples(st.integers(), st.text()), unique=True), st.integers(1, 500))
def test_the_pages_together_are_the_list_in_order(entries: list[tuple[int, str]], limit: int) -> None:
    found, token = [], ""
    while True:
        part = page(entries, {"limit": str(limit), "continue": token}, place=place)
        found += part.entries
        token = part.token
        if not token:
            break
        assert len(part.entries) == limit
    assert found == sorted(entries)


def test_what_comes_and_goes_meanwhile_hides_and_repeats_nothing_else() -> None:
    first = page([(1, "a"), (2, "b"), (4, "d")], {"limit": "2"}, place=place)
    second = page([(0, "new"), (1, "a"), (3, "c"), (4, "d")], {"continue": first.token}, place=place)
    assert (first.entries, second.entries) == ([(1, "a"), (2, "b")], [(3, "c"), (4, "d")])


def test_the_last_page_has_no_token() -> None:
    assert page([(1, "a")], {"limit": "1"}, place=place).token == ""
    assert page([], {}, place=place).body("tasks", []) == {"tasks": [], "count": 0}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"limit": "0"}, id="no entries"),
        pytest.param({"limit": "501"}, id="too many"),
        pytest.param({"limit": "-1"}, id="less than none"),
        pytest.param({"limit": "ten"}, id="no number"),
        pytest.param({"limit": "9" * 5000}, id="a number of many digits"),
        pytest.param({"limit": "٣"}, id="digits of another script"),
        pytest.param({"continue": "%"}, id="no base64"),
        pytest.param({"continue": "e30"}, id="an object"),
        pytest.param({"continue": "W10"}, id="an empty place"),
        pytest.param({"continue": "WzFd"}, id="a place of another list"),
        pytest.param({"continue": "WyJhIiwxXQ"}, id="a place of other types"),
        pytest.param({"continue": "W251bGwsImEiXQ"}, id="a place of nothing"),
        pytest.param({"continue": "W" * 2000}, id="too long"),
    ],
)
def test_a_page_that_cannot_be_asked_for_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(HttpError) as refused:
        page([(1, "a")], query, place=place)
    assert refused.value.status == 400
    assert refused.value.validations[0]["field"] == next(iter(query))


def test_newer_timestamps_stand_before_older_ones() -> None:
    assert (
        newest_first("2026-01-31T12:00:01Z")
        < newest_first("2026-01-31T12:00:00Z")
        < newest_first("2025-12-31T23:59:59Z")
    )
