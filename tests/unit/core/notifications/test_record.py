"""What a Task's status says that a sink was told."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.task import TaskNotifications
from taskyard.api.vocabulary import State
from taskyard.core.notifications import record
from taskyard.core.notifications.record import Failing, Record, Sent
from taskyard.core.times import micro, rfc3339
from unit.core.builders import at

NEW = Record("owner", "uid-1")
FULL = Record(
    "owner",
    "uid-1",
    since=rfc3339(at(0)),
    build=3,
    state=State.IDLE,
    state_time=micro(at(1)),
    question="q-1",
    error=rfc3339(at(2)),
    sent=Sent("a", "Idle", rfc3339(at(3))),
    failing=Failing("b", "Paused", rfc3339(at(4)), "not reached"),
    given_up=Sent("c", "Error", rfc3339(at(5))),
)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(NEW, id="a new one"),
        pytest.param(FULL, id="one with everything"),
        pytest.param(NEW.taken("a", "Idle", now=at(1)), id="after the first notification"),
    ],
)
def test_it_is_stored_as_the_api_has_it_and_found_again(entry: Record) -> None:
    TaskNotifications.model_validate(entry.document)
    assert Record.of(entry.document) == entry
    assert None not in entry.document.values()


def test_what_was_taken_ends_what_failed() -> None:
    taken = FULL.taken("b", "Paused", now=at(9))
    assert (taken.sent, taken.failing) == (Sent("b", "Paused", rfc3339(at(9))), None)
    assert taken.given_up == FULL.given_up


def test_what_failed_is_named_with_since_when_it_waits() -> None:
    first = NEW.not_taken("b", "Paused", "not reached", since=at(0))
    assert first.failing == Failing("b", "Paused", rfc3339(at(0)), "not reached")
    another = first.not_taken("d", "Idle", "answered 500", since=at(90))
    assert another.failing == Failing("d", "Idle", rfc3339(at(90)), "answered 500")


def test_what_was_given_up_is_named() -> None:
    after = NEW.not_taken("b", "Paused", "not reached", since=at(0)).without("b", "Paused", now=at(9))
    assert (after.given_up, after.failing) == (Sent("b", "Paused", rfc3339(at(9))), None)


def test_a_long_cause_is_shortened() -> None:
    failing = NEW.not_taken("b", "Paused", "x" * 100_000, since=at(0)).failing
    assert failing is not None
    assert 2000 < len(failing.message) <= 2048
    assert failing.message.endswith("more characters)")


OTHER = Record("other", "uid-2", build=7)


@pytest.mark.parametrize(
    ("uid", "expected"),
    [pytest.param("uid-1", FULL, id="its own"), pytest.param("uid-9", Record("owner", "uid-9"), id="of a former sink")],
)
def test_a_sink_has_the_record_of_its_uid_or_a_new_one(uid: str, expected: Record) -> None:
    assert record.of_sink((OTHER, FULL), name="owner", uid=uid) == expected


@pytest.mark.parametrize(
    ("stored", "sinks", "expected"),
    [
        pytest.param((), {"owner": "uid-1"}, ["owner"], id="the first one"),
        pytest.param((OTHER,), {"owner": "uid-1", "other": "uid-2"}, ["other", "owner"], id="beside another sink's"),
        pytest.param((OTHER,), {"owner": "uid-1"}, ["owner"], id="without that of a sink that is gone"),
        pytest.param((OTHER,), {"owner": "uid-1", "other": "new"}, ["owner"], id="without that of a former sink"),
        pytest.param((FULL,), {"owner": "uid-1"}, ["owner"], id="instead of the one before"),
    ],
)
def test_the_list_has_one_entry_for_each_sink(
    stored: tuple[Record, ...], sinks: dict[str, str], expected: list[str]
) -> None:
    entry = NEW.taken("z", "Idle", now=at(1))
    found: list[dict[str, Any]] = record.with_record(stored, entry, sinks=sinks)
    assert sorted(each["sink"] for each in found) == sorted(expected)
    assert entry.document in found
