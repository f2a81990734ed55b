"""A run of kopf, and what follows it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from typing import Any

import kopf
import pytest

from taskyard.controller.cache import kinds
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.kopf_source import runner
from taskyard.controller.kopf_source.lines import Received, loads
from taskyard.controller.kopf_source.lists import ListKind
from taskyard.core.resources import TASKS, Resource
from taskyard.core.task_view import TaskView
from taskyard.watchcache.kind import NameView
from unit.core.builders import task, task_manifest

TASK = kinds.task_kind(TaskChoices())


def received(kind: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """An event as kopf gets it."""
    return loads(json.dumps({"type": kind, "object": manifest}))


async def nothing_listed(plural: str) -> str:
    return "1"


def test_kopf_writes_nothing_and_ends_nothing() -> None:
    settings = runner.settings(nothing_listed)
    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.process.ultimate_exiting_timeout is None


async def deaf() -> None:
    """Ignores cancellation, like a watch of kopf that waits for credentials which never arrive."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


async def broken() -> None:
    raise RuntimeError("too old\nresource version")


@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        pytest.param(broken, "too old resource version", id="with a fault"),
        pytest.param(lambda: asyncio.sleep(0), "kopf stopped", id="by itself"),
    ],
)
def test_a_run_ends_with_the_first_of_its_parts_whatever_the_others_do(
    ends: Any,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def spawn(**_: object) -> list[asyncio.Task[Any]]:
        return [asyncio.create_task(deaf(), name="a watch"), asyncio.create_task(ends())]

    monkeypatch.setattr(kopf, "spawn_tasks", spawn)
    monkeypatch.setattr(runner, "ENDING_SECONDS", 0.1)
    stop, began = threading.Event(), time.monotonic()
    caplog.set_level(logging.INFO)
    assert runner.run(lambda resource, event: None, stop, nothing_listed) == cause
    assert time.monotonic() - began < 30
    assert stop.is_set()
    assert "cancelled at its end: a watch" in caplog.text


async def test_after_two_thousand_runs_that_ended_the_next_one_still_begins_and_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs, delays, restarts = 0, list[float](), list[str]()
    sleep = asyncio.sleep

    mine = asyncio.get_running_loop()

    async def remember(seconds: float) -> None:
        # Loops in other threads, of kopf's runs in other tests, sleep as before.
        if asyncio.get_running_loop() is not mine:
            await sleep(seconds)
            return
        delays.append(seconds)
        await sleep(0)

    def run(take: runner.HandOn, stop: threading.Event, list_kind: ListKind) -> str:
        nonlocal runs
        runs += 1
        if runs > 2000:
            take(TASKS, received("ADDED", task_manifest()))
            stop.wait(60)
        return "no route"

    monkeypatch.setattr(runner, "run", run)
    monkeypatch.setattr(runner.asyncio, "sleep", remember)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    heard, taken, made_in = asyncio.Event(), list[object](), list[threading.Thread]()

    def view(resource: Resource, event: str, metadata: Any, raw: bytes) -> TaskView:
        made_in.append(threading.current_thread())
        return TASK.decode(raw)

    def take(*event: object) -> None:
        taken.append(event)
        heard.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watching = group.create_task(runner.watch(view, take, list_kind=nothing_listed, restarted=restarts.append))
        await heard.wait()
        watching.cancel()
    assert taken == [(TASKS, "ADDED", task())]
    assert threading.current_thread() not in made_in, "only the view crosses over to this loop"
    assert delays[:6] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert (len(delays), delays[-1]) == (2000, 30.0)
    assert restarts == 2000 * ["kopf"]


async def test_the_deletion_of_an_object_that_cannot_be_read_is_news(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It was known as it had been before."""
    odd = task_manifest() | {"spec": None}
    taken, heard = list[object](), asyncio.Event()

    def run(hand_on: runner.HandOn, stop: threading.Event, list_kind: ListKind) -> str:
        hand_on(TASKS, received("MODIFIED", odd))
        hand_on(TASKS, {"type": "MODIFIED", "object": Received(task_manifest())})
        hand_on(TASKS, received("DELETED", odd))
        stop.wait(60)
        return "stopped"

    def take(*event: object) -> None:
        taken.append(event)
        heard.set()

    monkeypatch.setattr(runner, "run", run)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        watching = group.create_task(
            runner.watch(lambda *found: TASK.decode(found[-1]), take, list_kind=nothing_listed)
        )
        await heard.wait()
        watching.cancel()
    assert taken == [(TASKS, "DELETED", NameView("team", "web", task().uid, task().version))]
    assert len(caplog.records) == 3
    assert "nested more than 100 levels deep" in caplog.records[1].getMessage()
