"""Paged lists."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.routes.paging import LIST_BYTES, LIST_ENTRIES, PAGE_BYTES, page, part


def place(entry: tuple[int, str]) -> tuple[int | str, ...]:
    return entry


def size(entry: object) -> int:
    return 100


@given(st.lists(st.tuples(st.integers(), st.text()), unique=True), st.integers(1, 500))
def test_the_pages_together_are_the_list_in_order(entries: list[tuple[int, str]], limit: int) -> None:
    found, token = [], ""
    while True:
        part = page(entries, {"limit": str(limit), "continue": token}, place=place, size=size)
        found += part.entries
        token = part.token
        if not token:
            break
        assert len(part.entries) == limit
    assert found == sorted(entries)


def test_what_comes_and_goes_meanwhile_hides_and_repeats_nothing_else() -> None:
    first = page([(1, "a"), (2, "b"), (4, "d")], {"limit": "2"}, place=place, size=size)
    second = page([(0, "new"), (1, "a"), (3, "c"), (4, "d")], {"continue": first.token}, place=place, size=size)
    assert (first.entries, second.entries) == ([(1, "a"), (2, "b")], [(3, "c"), (4, "d")])


def test_the_last_page_has_no_token() -> None:
    assert page([(1, "a")], {"limit": "1"}, place=place, size=size).token == ""
    assert page([], {}, place=place, size=size).more == {"count": 0}


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
        page([(1, "a")], query, place=place, size=size)
    assert refused.value.status == 400
    assert refused.value.validations[0]["field"] == next(iter(query))
    assert refused.value.detail.startswith(f'Query param "{next(iter(query))}"') and len(refused.value.detail) < 140


def large(entry: object) -> int:
    return PAGE_BYTES // 3


def test_a_page_ends_before_it_becomes_too_large_and_the_next_one_goes_on() -> None:
    entries, found, token, pages = [(number, "x") for number in range(10)], [], "", 0
    while True:
        one = page(entries, {"limit": "500", "continue": token}, place=place, size=large)
        found += one.entries
        pages += 1
        token = one.token
        if not token:
            break
        assert (len(one.entries), one.is_cut) == (3, True)
    assert (found, pages, one.is_cut) == (entries, 4, False)


def test_an_entry_that_is_too_large_has_a_page_of_its_own() -> None:
    one = page([(1, "a"), (2, "b")], {}, place=place, size=lambda entry: PAGE_BYTES + 1)
    assert (one.entries, bool(one.token)) == ([(1, "a")], True)


@pytest.mark.parametrize(
    ("query", "found", "following"),
    [
        pytest.param({}, "abc", 0, id="all"),
        pytest.param({"limit": "2"}, "ab", 2, id="limit"),
        pytest.param({"limit": "0"}, "abc", 0, id="a limit of 0 is none"),
        pytest.param({"offset": "1"}, "bc", 0, id="offset"),
        pytest.param({"offset": "1", "limit": "1"}, "b", 2, id="both"),
        pytest.param({"offset": "9"}, "", 0, id="beyond the end"),
    ],
)
def test_a_part_of_the_list(query: dict[str, str], found: str, following: int) -> None:
    one = part("abc", query, size=size)
    assert ("".join(one.entries), one.following, one.is_cut) == (found, following, False)


def test_a_part_ends_before_it_becomes_too_large_or_too_long_and_the_next_one_goes_on() -> None:
    one = part(range(10), {"limit": "9"}, size=lambda entry: LIST_BYTES // 4)
    assert (list(one.entries), one.following, one.is_cut) == ([0, 1, 2, 3], 4, True)
    rest = part(range(10), {"offset": "4"}, size=lambda entry: LIST_BYTES // 4)
    assert (list(rest.entries), rest.following) == ([4, 5, 6, 7], 8)
    many = part(range(3 * LIST_ENTRIES), {}, size=lambda entry: 1)
    assert (len(many.entries), many.following, many.is_cut) == (LIST_ENTRIES, LIST_ENTRIES, True)


@pytest.mark.parametrize("query", [{"limit": "-1"}, {"offset": "x"}, {"limit": "1" * 30}, {"offset": "²"}])
def test_a_part_that_is_none(query: dict[str, str]) -> None:
    with pytest.raises(HttpError) as caught:
        part([], query, size=size)
    assert caught.value.status == 400
    assert [fault["field"] for fault in caught.value.validations] == list(query)
    assert [fault["detail"] for fault in caught.value.validations] == [caught.value.detail]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda query: page([(1, "a")], query, place=place, size=size), "from 1 to 500"),
        (lambda query: part([], query, size=size), "from 0 to 999999999"),
    ],
)
def test_number_that_is_out_of_range_is_told_with_its_parameter_and_the_range(ask: Any, said: str) -> None:
    with pytest.raises(HttpError) as refused:
        ask({"limit": "-1"})
    assert refused.value.detail == f'Query param "limit" must be a number {said}, not "-1".'
