"""Events are written in parallel to the work: bounded, silent about what is being deleted, and without delaying it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taskyard.controller.cache.stores import Stores
from taskyard.controller.observability import recorder as recorder_module
from taskyard.controller.observability.recorder import Recorder
from taskyard.core.task_view import TaskView
from unit.controller.fakes import FakeCluster, api_error, until
from unit.core.builders import (
    NOW,
    build_manifest,
    owned_by_tekton,
    reservation,
    task_manifest,
    template_version_manifest,
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(recorder_module, "RETRY_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(recorder_module, "BATCH_SECONDS", 0.0)
    yield


class RecorderHarness:
    """Stores that a recorder observes, and the Events that it wrote and dropped."""

    def __init__(self) -> None:
        self.cluster, self.stores, self.dropped = FakeCluster(), Stores(), list[str]()
        self.version = 100
        self.recorder = Recorder(self.cluster, instance="pod-1", clock=lambda: NOW, dropped=self.dropped.append)
        self.recorder.observe_stores(self.stores)

    def task(self, phase: str, **fields: Any) -> None:
        """The Task's newest status."""
        self.version += 1
        self.stores.tasks.put(task_manifest(version=self.version, status={"phase": phase}, **fields))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [manifest for (plural, _, _), manifest in self.cluster.objects.items() if plural == "events"]

    @property
    def reasons(self) -> list[str]:
        return [event["reason"] for event in self.events]


@asynccontextmanager
async def running(harness: RecorderHarness) -> AsyncIterator[RecorderHarness]:
    work = asyncio.create_task(harness.recorder.run())
    await asyncio.sleep(0)
    try:
        yield harness
    finally:
        work.cancel()
        await asyncio.wait({work})


async def test_warnings_about_template_versions_are_told() -> None:
    warned = {"type": "Valid", "status": "True", "reason": "UnknownField", "message": "It warns."}
    async with running(RecorderHarness()) as harness:
        harness.stores.template_versions.put(template_version_manifest())
        harness.stores.template_versions.put(
            template_version_manifest(version=101) | {"status": {"conditions": [warned]}}
        )
        await until(lambda: len(harness.events) == 1)
    [event] = harness.events
    assert (event["reason"], event["regarding"]["kind"], event["regarding"]["name"]) == (
        "UnknownField",
        "TemplateVersion",
        "shell-v1",
    )


async def test_changes_of_tasks_and_builds_are_told() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Initializing")
        harness.task("Active")
        harness.stores.builds.put(build_manifest())
        harness.stores.builds.put(build_manifest(phase="Failed", message="no node", version=101))
        await until(lambda: len(harness.events) == 2)
    assert harness.reasons == ["Active", "BuildFailed"]
    assert harness.events[1]["regarding"]["name"] == "web"
    assert harness.events[1]["note"].endswith("has failed: no node")


async def test_builds_of_a_tekton_task_are_not_told_of() -> None:
    async with running(RecorderHarness()) as harness:
        harness.stores.builds.put(owned_by_tekton(build_manifest()))
        harness.stores.builds.put(owned_by_tekton(build_manifest(phase="Failed", message="no node", version=101)))
        await asyncio.sleep(0.02)
    assert harness.events == []


async def test_what_was_there_before_is_no_news() -> None:
    harness = RecorderHarness()
    harness.task("Pending")
    harness.task("Active")
    async with running(harness):
        harness.task("Active")
        harness.stores.builds.put(build_manifest(phase="Succeeded"))
        await asyncio.sleep(0.02)
    assert harness.events == []


async def test_another_task_of_the_same_name_starts_without_history() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Active", uid="former")
        harness.task("Pending", uid="newer")
        await asyncio.sleep(0.02)
    assert harness.events == []


async def test_a_deleted_task_has_no_further_events() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Active")
        harness.task("Unknown", deleting=True)
        await asyncio.sleep(0.02)
    assert harness.events == []


async def test_repetitions_become_a_series() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Active")
        for _ in range(3):
            harness.task("Error")
            harness.task("Active")
            await asyncio.sleep(0.01)
        await until(lambda: all(event.get("series", {}).get("count") == 3 for event in harness.events))
    assert sorted(harness.reasons) == ["Active", "Error"]


async def test_a_fault_that_passes_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with running(RecorderHarness()) as harness:
        harness.cluster.failures["create"] = [api_error(0), api_error(429)]
        harness.task("Pending")
        harness.task("Active")
        await until(lambda: len(harness.events) == 1)
    assert (harness.dropped, caplog.records) == ([], [])


async def test_a_fault_that_stays_is_one_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    async with running(RecorderHarness()) as harness:
        harness.cluster.failures["create"] = [api_error(403, "Forbidden", "may not")]
        harness.task("Pending")
        harness.task("Active")
        await until(lambda: harness.dropped == ["Failed"])
        harness.task("Error")
        await until(lambda: harness.reasons == ["Error"])
    assert [record.getMessage() for record in caplog.records] == [
        "task team/web: event Active is not written: TEST /x: may not"
    ]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(api_error(403, "Forbidden", causes=("NamespaceTerminating",)), id="namespace is terminating"),
        pytest.param(api_error(404, "NotFound"), id="namespace is gone"),
    ],
)
async def test_in_a_terminating_namespace_no_event_is_written_and_nothing_logged(
    error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(RecorderHarness()) as harness:
        harness.cluster.failures["create"] = [error]
        harness.task("Pending")
        harness.task("Active")
        await until(lambda: not harness.cluster.failures["create"])
        await asyncio.sleep(0.01)
    assert (harness.events, harness.dropped, caplog.records) == ([], [], [])


async def test_a_try_whose_answer_was_lost_is_not_told_twice() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Pending")
        harness.cluster.failures["create"] = [api_error(409, "AlreadyExists")]
        harness.task("Active")
        await until(lambda: not harness.cluster.failures["create"])
        await asyncio.sleep(0.01)
    assert harness.dropped == []
    assert [call[0] for call in harness.cluster.calls] == ["create"]


async def test_a_series_whose_event_has_expired_is_written_again() -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Active")
        harness.task("Error")
        await until(lambda: harness.reasons == ["Error"])
        harness.cluster.objects.clear()
        harness.task("Active")
        harness.task("Error")
        await until(lambda: sorted(harness.reasons) == ["Active", "Error"])
    assert {event["reason"]: event.get("series", {}).get("count") for event in harness.events}["Error"] == 2


async def test_when_too_many_wait_the_rest_is_dropped_and_counted() -> None:
    harness = RecorderHarness()
    async with running(harness):
        harness.recorder._queue = asyncio.Queue(2)
        for number in range(5):
            harness.stores.tasks.put(task_manifest(name=f"t{number}", uid=f"u{number}", status={"phase": "Pending"}))
            harness.stores.tasks.put(
                task_manifest(name=f"t{number}", uid=f"u{number}", version=101, status={"phase": "Active"})
            )
    assert harness.dropped == ["QueueFull"] * 3


async def test_a_defect_of_an_observer_does_not_affect_others(caplog: pytest.LogCaptureFixture) -> None:
    async with running(RecorderHarness()) as harness:
        harness.task("Pending")
        harness.version += 1
        broken = task_manifest(version=harness.version, status={"phase": "Active", "build": {"broken": True}})
        assert harness.stores.tasks.put(broken)
        assert harness.stores.tasks.get(("team", "web")) == TaskView.of(broken)
        broken_again = task_manifest(version=harness.version + 1, status={"build": reservation()})
        assert harness.stores.tasks.put(broken_again)
    assert "team/web: defect in an observer" in caplog.text


def asks(message: str | None) -> dict[str, Any]:
    holds, text = ("False", "The agent asks nothing.") if message is None else ("True", message)
    return {
        "phase": "Active",
        "conditions": [{"type": "InputRequired", "status": holds, "reason": "X", "message": text}],
    }


async def test_question_that_opens_again_is_told_once_also_by_the_next_operator() -> None:
    harness = RecorderHarness()
    version = 200
    for _ in range(2):
        async with running(harness):
            for message in (None, "rm waits: abc", None, "rm waits: abc", None, "vim waits: def"):
                version += 1
                harness.stores.tasks.put(task_manifest(version=version, status=asks(message)))
            await until(lambda: harness.reasons.count("InputRequired") >= 2)
            await asyncio.sleep(0.05)
        harness.recorder = Recorder(
            harness.cluster, instance="pod-2", clock=lambda: NOW, dropped=harness.dropped.append
        )
        harness.recorder.observe_stores(harness.stores)
    asked = [event for event in harness.events if event["reason"] == "InputRequired"]
    assert [event["note"] for event in asked] == ["rm waits: abc", "vim waits: def"]
    assert not any("series" in event for event in asked) and harness.dropped == []
