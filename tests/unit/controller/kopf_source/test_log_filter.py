"""kopf's words in the operator's log."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
from typing import Any

import pytest

from taskyard.controller.kopf_source import log_filter


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
        pytest.param("OS signals are ignored: not in the main thread.", id="meant to be so"),
        pytest.param("Multidimensional multitasker has failed: too old resource version", id="said before"),
        pytest.param("Unprocessed streams left for [(tasks.v1alpha1.taskyard.dev, 'uid')].", id="listed anew"),
    ],
)
def test_what_tells_nothing_is_left_out(message: str) -> None:
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


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        pytest.param("/lib/kopf/_cogs/clients/api.py", False, id="of kopf's"),
        pytest.param("/lib/aiohttp/client.py", False, id="of its client"),
        pytest.param("/lib/taskyard/controller/event_router.py", True, id="of our own"),
    ],
)
def test_what_kopf_has_left_behind_is_collected_without_a_trace(
    path: str, is_told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once as it is on its way out, once as it refuses to go."""
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


CANCELLED = """
from taskyard.controller.kopf_source.log_filter import quieten
async def {name}():
    pass
quieten()
{name}()
"""


@pytest.mark.parametrize(("name", "says"), [("worker", False), ("_wait_for_depletion", False), ("ours", True)])
def test_what_kopf_was_about_to_do_when_it_was_cancelled_is_no_news(name: str, says: bool) -> None:
    script = CANCELLED.format(name=name)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ("never awaited" in done.stderr) is says
