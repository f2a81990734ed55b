"""kopf's records in the operator's log, and the end of its run."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import threading
import time
from typing import Any

import kopf
import pytest

from taskyard.controller.kopf_source import log_filter, runner


def record(name: str, message: str, *arguments: object) -> logging.LogRecord:
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        return logging.LogRecord(name, logging.ERROR, "x.py", 1, message, arguments, sys.exc_info())


def test_a_record_of_kopf_is_one_line_without_a_trace() -> None:
    found = record("kopf._core.reactor", "Watcher failed:\n  %s", "no\nroute")
    assert log_filter.tidy(found)
    assert found.getMessage() == "Watcher failed: no route"
    assert found.exc_info is None


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("OS signals are ignored: not in the main thread.", id="intended"),
        pytest.param("Multidimensional multitasker has failed: too old resource version", id="logged before"),
        pytest.param("Unprocessed streams left for [(tasks.v1alpha1.taskyard.dev, 'uid')].", id="listed again"),
    ],
)
def test_uninformative_records_are_dropped(message: str) -> None:
    assert not log_filter.tidy(record("kopf", message))


def test_a_watch_that_is_ended_while_it_begins_is_no_fault() -> None:
    message = "Exception in callback stream.<locals>.request_cancel_callback() at /lib/kopf/_cogs/clients/api.py:237"
    assert not log_filter.tidy(record("asyncio", message))


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        pytest.param("/lib/kopf/_cogs/clients/watching.py", False, id="of kopf's"),
        pytest.param("/lib/taskyard/watchcache/reading.py", True, id="of our own"),
    ],
)
def test_a_watch_that_is_broken_off_at_the_end_is_no_fault_if_it_is_kopfs(path: str, is_told: bool) -> None:
    message = "an error occurred during closing of asynchronous generator <async_generator object watch>\nasyncgen: <…>"
    try:
        exec(compile("raise RuntimeError('it did not stop')", path, "exec"))
    except RuntimeError:
        found = logging.LogRecord("asyncio", logging.ERROR, "x.py", 1, message, (), sys.exc_info())
    assert log_filter.tidy(found) is is_told
    assert bool(found.exc_info) is is_told


@pytest.mark.parametrize("name", ["taskyard.controller.queue", "kopfish"])
def test_other_records_stay_as_they_are(name: str) -> None:
    found = record(name, "a defect:\n%s", "x")
    assert log_filter.tidy(found)
    assert found.getMessage() == "a defect:\nx"
    assert found.exc_info


def test_kopf_writes_nothing_and_ends_nothing() -> None:
    settings = runner.settings()
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
    assert runner.run(lambda resource, event: None, stop) == cause
    assert time.monotonic() - began < 30
    assert stop.is_set()
    assert "broken off at its end: a watch" in caplog.text


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        pytest.param("/lib/kopf/_cogs/clients/api.py", False, id="of kopf's"),
        pytest.param("/lib/aiohttp/client.py", False, id="of its client"),
        pytest.param("/lib/taskyard/controller/event_router.py", True, id="of our own"),
    ],
)
def test_what_kopf_leaves_behind_is_collected_without_a_trace(
    path: str, is_told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once while it ends, once when it refuses to end."""
    found: dict[str, Any] = {"asyncio": asyncio}
    exec(
        compile(
            "async def leaves():\n"
            "    try:\n"
            "        await asyncio.sleep(60)\n"
            "    finally:\n"
            "        asyncio.get_running_loop()\n"
            "async def stays():\n"
            "    while True:\n"
            "        try:\n"
            "            await asyncio.sleep(60)\n"
            "        except BaseException:\n"
            "            await asyncio.sleep(0)\n",
            path,
            "exec",
        ),
        found,
    )
    monkeypatch.setattr(sys, "unraisablehook", log_filter.collected)
    for name in ("leaves", "stays"):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda _loop, _context: None)
        left = loop.create_task(found[name]())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        del loop, left
        gc.collect()
    assert ("RuntimeError" in capsys.readouterr().err) is is_told
