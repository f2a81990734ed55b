"""The patch that leads from one status document to another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import status
from unit.core.builders import (
    merge,
)

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(["", "a", "b"]),
    st.lists(st.integers(0, 2), max_size=2),
)
KEYS = st.sampled_from("abcd")
PRESENT = st.recursive(
    st.dictionaries(KEYS, LEAVES.filter(lambda leaf: leaf is not None), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES.filter(lambda leaf: leaf is not None), max_size=4),
    max_leaves=8,
)
WANTED = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES, max_size=4),
    max_leaves=8,
)


def shows(found: Any, wanted: Any) -> bool:
    """Whether `found` has the wanted values: no value where None is wanted, and any other fields."""
    if wanted is None:
        return found is None
    if not isinstance(wanted, dict):
        return bool(found == wanted)
    # An empty object counts as absent.
    found = {} if found is None else found
    return isinstance(found, dict) and all(shows(found.get(key), value) for key, value in wanted.items())


def is_leafless(wanted: Any) -> bool:
    return isinstance(wanted, dict) and all(value is None or is_leafless(value) for value in wanted.values())


def replaces_a_leaf_by_nothing(current: Any, wanted: Any) -> bool:
    """Whether an empty object is wanted in place of a plain value: no status has such a field."""
    if is_leafless(wanted):
        return current is not None and not isinstance(current, dict)
    if not isinstance(wanted, dict) or not isinstance(current, dict):
        return False
    return any(replaces_a_leaf_by_nothing(current.get(key), value) for key, value in wanted.items())


@given(current=PRESENT, wanted=WANTED)
def test_a_patch_makes_the_current_document_show_the_wanted_one(
    current: dict[str, Any], wanted: dict[str, Any]
) -> None:
    if any(replaces_a_leaf_by_nothing(current.get(key), value) for key, value in wanted.items()):
        return
    patched = merge(current, status.patch(current, wanted))
    assert shows(patched, wanted)
    for key in current.keys() - wanted.keys():
        assert patched[key] == current[key], "what is not wanted otherwise stays"


@given(current=PRESENT)
def test_a_patch_to_what_is_there_is_empty(current: dict[str, Any]) -> None:
    assert status.patch(current, current) == {}


@pytest.mark.parametrize(
    ("current", "wanted", "patch"),
    [
        pytest.param({"a": 1}, {"a": 1}, {}, id="the same"),
        pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="another value"),
        pytest.param({}, {"a": 1}, {"a": 1}, id="a new value"),
        pytest.param({"a": 1}, {"a": None}, {"a": None}, id="no value any more"),
        pytest.param({}, {"a": None}, {}, id="no value, as before"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}, id="one of many"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1}}, {}, id="the same within"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {"b": None}}, id="one gone within"),
        pytest.param({}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}, id="a new object without its gaps"),
        pytest.param({}, {"a": {"b": None}}, {}, id="a new object of nothing but gaps"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, {"a": [1]}, id="lists are replaced as a whole"),
        pytest.param({"z": 1}, {}, {}, id="others' fields stay"),
    ],
)
def test_patch(current: dict[str, Any], wanted: dict[str, Any], patch: dict[str, Any]) -> None:
    assert status.patch(current, wanted) == patch
