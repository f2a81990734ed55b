"""The newest known state of objects, whatever order their states arrive in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.watchcache import store as store_module
from taskyard.watchcache.kind import Key, Kind, key_of
from taskyard.watchcache.store import Store
from unit.watchcache.things import RESOURCE, THINGS, Thing, thing, thing_manifest


def groups_of(found: Thing) -> Iterator[Key]:
    yield "team", found.group


def filled(*things: Thing) -> Store[Thing]:
    store = Store(THINGS, groups_of)
    for found in things:
        store.keep(found)
    return store


def names(things: Iterable[Thing]) -> list[str]:
    return sorted(found.name for found in things)


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
    assert store.keep(thing(at=later)) is kept
    found = store.get(("team", "a"))
    assert found
    assert found.version == max(former, later)


def test_an_answer_of_the_api_server_is_kept_as_its_view() -> None:
    store = filled(thing(at=5))
    assert not store.put(thing_manifest(at=5))
    assert store.put(thing_manifest(at=6))
    assert store.get(("team", "a")) == thing(at=6)


def test_an_object_that_moves_to_another_group_leaves_the_former() -> None:
    store = filled(thing(at=1, group="g"), thing("b", group="g"))
    store.keep(thing(at=2, group="h"))
    assert names(store.grouped(("team", "g"))) == ["b"]
    assert names(store.grouped(("team", "h"))) == ["a"]
    store.keep(thing("b", at=3, group="h"))
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
    assert Store(THINGS, groups_of).remove(("team", "a")) is None
    assert Store(THINGS, groups_of).get(("team", "a")) is None
    assert Store(THINGS, groups_of).grouped(("team", "a")) == []


def test_what_a_list_lacks_is_gone() -> None:
    store = filled(thing("gone", 1), thing("same", 2), thing("changed", 8))
    assert names(store.unlisted({("team", "same"), ("team", "changed")}, listed_at="9")) == ["gone"]
    assert names(store) == ["changed", "same"]
    assert store.unlisted({("team", "same"), ("team", "changed")}, listed_at="9") == []


def test_what_was_written_after_the_list_was_made_stays() -> None:
    store = filled(thing("written", 12), thing("newer", 11), thing("older", 10))
    assert names(store.unlisted({("team", "newer")}, listed_at="10")) == ["older"]
    assert names(store) == ["newer", "written"]


def test_an_empty_list_empties_the_store() -> None:
    store = filled(thing("a"), thing("b"))
    assert names(store.unlisted(set(), listed_at="5")) == ["a", "b"]
    assert len(store) == 0
    assert store.grouped(("team", "g")) == []


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "remove"]), st.sampled_from("abc"), st.integers(1, 20), st.sampled_from("gh")),
    max_size=30,
)


@given(OPERATIONS)
def test_groups_always_hold_the_objects_that_say_so(operations: list[tuple[str, str, int, str]]) -> None:
    store = Store(THINGS, groups_of)
    for verb, name, at, group in operations:
        if verb == "put":
            store.keep(thing(name, at, group=group))
        else:
            store.remove(("team", name))
        for each in "gh":
            assert names(store.grouped(("team", each))) == names(m for m in store if m.group == each)
    assert {key_of(found) for found in store} == {("team", found.name) for found in store}


def test_an_answer_that_comes_after_the_deletion_does_not_bring_an_object_back() -> None:
    store = filled(thing(at=5))
    store.deleted(thing(at=7))
    assert not store.keep(thing(at=6))
    assert len(store) == 0
    # Seen again because it bears the label again, or another object of its name.
    assert store.keep(thing(at=8))
    assert store.keep(thing(at=9, uid="another"))


def test_a_deletion_of_what_was_never_seen_counts_too() -> None:
    store = Store(THINGS, groups_of)
    store.deleted(thing(at=7))
    assert not store.keep(thing(at=6))


def test_the_newest_state_is_known() -> None:
    store = filled(thing(at=5))
    assert [store.knows(thing(at=at)) for at in (4, 5, 6)] == [False, True, False]
    assert not store.knows(thing("other", at=5))


def test_a_group_is_there_as_long_as_one_of_its_objects() -> None:
    store = filled(thing(at=5, group="g"))
    assert store.has(("team", "g"))
    store.remove(("team", "a"))
    assert not store.has(("team", "g"))


def test_a_group_counts_its_objects() -> None:
    """One, two and many are kept in different ways."""
    store, group = filled(), ("team", "g")
    for number, name in enumerate("abc"):
        assert store.count(group) == number
        store.keep(thing(name))
    for number, name in ((3, "b"), (2, "a"), (1, "c")):
        assert (store.count(group), store.has(group)) == (number, True)
        assert store.remove(("team", name)) is not None
    assert (store.count(group), store.has(group), store.grouped(group)) == (0, False, [])


def test_an_observer_hears_each_state_with_the_former_one() -> None:
    store, heard = filled(), list[tuple[Thing | None, Thing]]()
    store.observe(lambda former, found: heard.append((former, found)))
    for found in (thing(at=5), thing(at=7), thing(at=6), thing(at=9, uid="another")):
        store.keep(found)
    assert heard == [(None, thing(at=5)), (thing(at=5), thing(at=7)), (None, thing(at=9, uid="another"))]


def test_a_failing_observer_keeps_no_object_from_the_store(caplog: pytest.LogCaptureFixture) -> None:
    store, heard = filled(), list[Thing]()

    def fail(former: Thing | None, found: Thing) -> None:
        raise RuntimeError("broken")

    store.observe(fail)
    store.observe(lambda former, found: heard.append(found))
    assert store.keep(thing())
    assert (names(store), heard) == (["a"], [thing()])
    assert "team/a: defect in an observer" in caplog.text


def test_the_memory_of_deletions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_REMEMBERED_DELETIONS", 2)
    store = filled()
    for name in "abc":
        store.deleted(thing(name, at=7))
    assert [store.keep(thing(name, at=6)) for name in "abc"] == [True, False, False]


def test_what_left_the_selection_and_is_read_all_the_same_is_known() -> None:
    """A watch by a label tells of an object that has lost it like of one that is gone, in the very state that a read
    then shows; a deletion is newer than every state."""
    store = filled(thing(at=5))
    store.deleted(thing(at=7))
    assert store.keep(thing(at=7))
    assert store.get(("team", "a")) == thing(at=7)


def test_a_state_from_before_a_list_that_lacks_the_object_does_not_bring_it_back() -> None:
    """An event that waited, or the answer to a write that took its time: no watch would ever tell of the deletion."""
    store = filled(thing("a", 4), thing("b", 4))
    store.unlisted({("team", "b")}, listed_at="20")
    assert not store.keep(thing("a", 5))
    assert not store.keep(thing("never-seen", 20))
    assert store.keep(thing("b", 5))
    assert store.keep(thing("a", 21, uid="another"))
    # A list is believed whatever it shows, also after the cluster was restored from a backup.
    assert store.keep(thing("older", 3), is_listed=True)


def test_what_a_label_selects_may_be_read_without_being_listed() -> None:
    selecting = Store(Kind(replace(RESOURCE, selector="a=b"), THINGS._shape, Thing.of))
    selecting.unlisted(set(), listed_at="20")
    assert selecting.keep(thing("a", 5))
