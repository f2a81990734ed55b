"""Since when a Task is as it is, and which sinks count."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cache import Cache
from unit.core.builders import NOW, at
from unit.notifier.telling import report, sink_manifest, told_task


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(clock=clock)


def put(cache: Cache, version: int, manifest: dict[str, Any]) -> NotifiedTask:
    manifest["metadata"]["resourceVersion"] = str(version)
    cache.tasks.put(manifest)
    (task,) = cache.tasks_of("team")
    return task


def question(text: str) -> dict[str, Any]:
    since = {"lastTransitionTime": "2026-01-31T12:00:00Z"}
    return {"type": "InputRequired", "status": "True", "reason": "PermissionRequested", "message": text, **since}


@pytest.mark.parametrize(
    ("status", "is_other"),
    [
        pytest.param({"state": report("Idle", message="other words")}, False, id="words"),
        pytest.param({"state": report("Idle"), "inputs": {"queued": 1, "delivered": 0}}, False, id="what is not told"),
        pytest.param({"state": report("Working")}, True, id="state"),
        pytest.param({"state": report("Idle", build=2)}, True, id="build"),
        pytest.param({"state": report("Idle"), "conditions": [question("Really?")]}, True, id="question"),
    ],
)
def test_a_task_is_seen_anew_when_it_shows_something_else(
    cache: Cache, clock: Clock, status: dict[str, Any], is_other: bool
) -> None:
    put(cache, 1, told_task(state=report("Idle")))
    clock.now = at(10)
    task = put(cache, 2, told_task(**status))
    clock.now = at(20)
    assert cache.seen_at(task) == (at(10) if is_other else NOW)


def test_another_task_of_the_name_is_seen_anew(cache: Cache, clock: Clock) -> None:
    task = put(cache, 1, told_task(state=report("Idle")))
    clock.now = at(10)
    cache.forget(task)
    cache.tasks.remove(("team", "web"))
    again = put(cache, 2, told_task(uid="another", state=report("Idle")))
    assert cache.seen_at(again) == at(10)


def test_nothing_was_seen_later_than_now(cache: Cache, clock: Clock) -> None:
    """The clock steps back: what has settled need not wait until it has caught up."""
    clock.now = at(3600)
    task = put(cache, 1, told_task(state=report("Idle")))
    clock.now = NOW
    assert cache.seen_at(task) == NOW
    clock.now = at(5)
    assert cache.seen_at(task) == NOW


def test_the_eight_oldest_sinks_of_a_namespace_are_served(cache: Cache) -> None:
    # Of the same age the name decides.
    seconds = {"a": -1, "b": -9, "c": -9, "d": -8, "e": -7, "f": -6, "g": -5, "h": -4, "i": -1}
    for name, second in seconds.items():
        cache.sinks.put(sink_manifest(name, second=second))
    assert [sink.name for sink in cache.sinks_of("team")] == ["b", "c", "d", "e", "f", "g", "h", "a"]
    served = {sink.name: cache.serves(sink) for sink in cache.sinks}
    assert served == {name: name != "i" for name in seconds}
    assert cache.sinks_of("elsewhere") == []
