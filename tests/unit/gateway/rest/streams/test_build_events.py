"""The log of a build while it goes on."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from taskyard.gateway.http.websocket import Ping
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.streams import build_events
from taskyard.gateway.rest.streams.stream_access import StreamAccess
from unit.gateway.rest.objects import build, cache_with, reserved, task


class Access:
    """What the caller may see; it is checked whenever that is `due`."""

    def __init__(self, *, sees: bool = True) -> None:
        self.sees = sees
        self.due = False

    @property
    def due_in(self) -> float:
        return 0.0 if self.due else 10.0

    async def of_task(self, found: TaskView, *, last: tuple[bool, bool]) -> tuple[bool, bool]:
        self.due = False
        return self.sees, False


class Followed:
    """A log that is followed, look by look."""

    def __init__(self, cache: Cache, number: int, *, access: Access | None = None) -> None:
        self.access = access or Access()
        shown = cache.task(("team", "hello"))
        assert shown is not None
        access_of_stream = cast(StreamAccess, self.access)
        self._entries = build_events.follow(cache, access_of_stream, asyncio.Event(), shown, number, after=0)

    async def look(self) -> list[Any]:
        """What is new; the last is None as long as the log goes on."""
        found = []
        async for entry in self._entries:
            found.append(entry["stage"] if isinstance(entry, dict) else entry)
            if entry is None:
                break
        return found


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_events, "_LOOK_SECONDS", 0)


async def test_it_ends_with_the_build() -> None:
    cache = cache_with(task(build=reserved()))
    log = Followed(cache, 1)
    assert await log.look() == [None]
    cache.tasks.keep(task(build=reserved(phase="Running")))
    assert await log.look() == ["Starting the workspace", None]
    cache.tasks.keep(task(build=reserved(phase="Succeeded")))
    assert await log.look() == []


async def test_it_begins_before_the_build_is_reserved() -> None:
    cache = cache_with(task(build=reserved(1, phase="Succeeded")))
    log = Followed(cache, 2)
    assert await log.look() == [None]
    cache.tasks.keep(task(build=reserved(2, phase="Running")))
    assert await log.look() == ["Starting the workspace", None]


async def test_the_pause_of_a_task_that_was_created_paused_has_ended() -> None:
    shown = task(phase="Paused", paused=True)
    assert await Followed(cache_with(shown), 1).look() == ["Stopping the workspace"]


@pytest.mark.parametrize("newest", [2, 3])
async def test_it_ends_when_the_build_is_deleted(newest: int) -> None:
    cache = cache_with(task(build=reserved(newest)))
    cache.builds.put(made := build(1, phase="Running"))
    log = Followed(cache, 1)
    assert await log.look() == ["Starting the workspace", None]
    cache.builds.deleted(cache.builds.kind.of(made))
    assert await log.look() == []


async def test_it_does_not_end_when_the_newest_build_is_deleted() -> None:
    """The Task still tells of it."""
    cache = cache_with(task(build=reserved(phase="Running")))
    cache.builds.put(made := build(1, phase="Running"))
    log = Followed(cache, 1)
    await log.look()
    cache.builds.deleted(cache.builds.kind.of(made))
    assert await log.look() == [None]


async def test_it_ends_with_the_task() -> None:
    cache = cache_with(task(build=reserved()))
    log = Followed(cache, 1)
    await log.look()
    cache.tasks.deleted(task())
    assert await log.look() == []


async def test_each_check_of_the_access_comes_with_a_ping() -> None:
    cache = cache_with(task(build=reserved()))
    log = Followed(cache, 1)
    assert await log.look() == [None]
    log.access.due = True
    [ping, nothing] = await log.look()
    assert isinstance(ping, Ping)
    assert nothing is None
    assert await log.look() == [None]


async def test_it_ends_when_the_access_is_lost() -> None:
    log = Followed(cache_with(task(build=reserved())), 1, access=Access(sees=False))
    log.access.due = True
    assert await log.look() == []
