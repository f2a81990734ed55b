"""The newest known state of objects, whatever order their states arrive in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.watchcache.store import Key, Store, key_of, version

Manifest = dict[str, Any]


def thing(name: str = "a", at: int = 1, *, group: str = "g", uid: str | None = None) -> Manifest:
    return {
        "metadata": {"namespace": "team", "name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(at)},
        "group": group,
    }


def group_of(manifest: Manifest) -> Key:
    return "team", manifest["group"]


def filled(*manifests: Manifest) -> Store:
    store = Store(group_of)
    for manifest in manifests:
        store.put(manifest)
    return store


def names(manifests: Iterable[Manifest]) -> list[str]:
    return sorted(manifest["metadata"]["name"] for manifest in manifests)


@pytest.mark.parametrize(
    ("former", "later", "kept"),
    [
        pytest.param(1, 2, True, id="newer"),
        pytest.param(2, 2, False, id="the same"),
        pytest.param(2, 1, False, id="older"),
        pytest.param(9, 10, True, id="as numbers, not as text"),
    ],
)
def test_an_older_state_never_replaces_a_newer_one(former: int, later: int, kept: bool) -> None:
    store = filled(thing(at=former))
    assert store.put(thing(at=later)) is kept
    found = store.get(("team", "a"))
    assert found
    assert version(found) == max(former, later)


def test_an_object_that_moves_to_another_group_leaves_the_former() -> None:
    store = filled(thing(at=1, group="g"), thing("b", group="g"))
    store.put(thing(at=2, group="h"))
    assert names(store.grouped(("team", "g"))) == ["b"]
    assert names(store.grouped(("team", "h"))) == ["a"]
    store.put(thing("b", at=3, group="h"))
    assert store.grouped(("team", "g")) == []
    assert names(store.grouped(("team", "h"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("uid", "gone"),
    [
        pytest.param(None, True, id="whoever it is"),
        pytest.param("uid-a", True, id="that very one"),
        pytest.param("another", False, id="another of its name"),
    ],
)
def test_removing(uid: str | None, gone: bool) -> None:
    store = filled(thing())
    assert (store.remove(("team", "a"), uid=uid) is not None) is gone
    assert len(store) == (0 if gone else 1)
    assert len(store.grouped(("team", "g"))) == len(store)


def test_what_is_not_there_is_removed_without_complaint() -> None:
    assert Store(group_of).remove(("team", "a")) is None
    assert Store(group_of).get(("team", "a")) is None
    assert Store(group_of).grouped(("team", "a")) == []


def test_a_list_replaces_what_there_was() -> None:
    store = filled(thing("gone", 1), thing("same", 2), thing("changed", 3))
    changed = store.replace([thing("same", 2), thing("changed", 8), thing("new", 7)], listed_at="9")
    assert names(changed) == ["changed", "gone", "new"]
    assert names(store) == ["changed", "new", "same"]


def test_what_was_written_after_the_list_was_made_stays() -> None:
    store = filled(thing("written", 12), thing("newer", 11))
    assert store.replace([thing("newer", 5)], listed_at="10") == []
    assert names(store) == ["newer", "written"]
    found = store.get(("team", "newer"))
    assert found
    assert version(found) == 11


def test_an_empty_list_empties_the_store() -> None:
    store = filled(thing("a"), thing("b"))
    assert names(store.replace([], listed_at="5")) == ["a", "b"]
    assert len(store) == 0
    assert store.grouped(("team", "g")) == []


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "remove"]), st.sampled_from("abc"), st.integers(1, 20), st.sampled_from("gh")),
    max_size=30,
)


@given(OPERATIONS)
def test_groups_always_hold_the_objects_that_say_so(operations: list[tuple[str, str, int, str]]) -> None:
    store = Store(group_of)
    for verb, name, at, group in operations:
        if verb == "put":
            store.put(thing(name, at, group=group))
        else:
            store.remove(("team", name))
        for each in "gh":
            assert names(store.grouped(("team", each))) == names(m for m in store if m["group"] == each)
    assert {key_of(manifest) for manifest in store} == {("team", m["metadata"]["name"]) for m in store}


def test_an_answer_that_comes_after_the_deletion_does_not_bring_an_object_back() -> None:
    store = filled(thing(at=5))
    store.deleted(thing(at=7))
    assert not store.put(thing(at=6))
    assert len(store) == 0
    # Seen again because it bears the label again, or another object of its name.
    assert store.put(thing(at=8))
    assert store.put(thing(at=9, uid="another"))


def test_a_deletion_of_what_was_never_seen_counts_too() -> None:
    store = Store(group_of)
    store.deleted(thing(at=7))
    assert not store.put(thing(at=6))


def test_the_newest_state_is_known() -> None:
    store = filled(thing(at=5))
    assert [store.knows(thing(at=at)) for at in (4, 5, 6)] == [False, True, False]
    assert not store.knows(thing("other", at=5))


def test_a_group_is_there_as_long_as_one_of_its_objects() -> None:
    store = filled(thing(at=5, group="g"))
    assert store.has(("team", "g"))
    store.remove(("team", "a"))
    assert not store.has(("team", "g"))
