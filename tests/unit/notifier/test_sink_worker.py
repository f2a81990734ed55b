"""The real worker: what it sends and writes, and that neither hangs nor fails for others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS
from taskyard.notifier.cluster import NotLeadingError
from unit.notifier.telling import FORBIDDEN, Telling, failing, paused, sink_manifest
from unit.virtual_time import in_no_time


def test_a_notification_is_sent_once_and_written_down_once() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        paused(telling)
        await asyncio.sleep(3600)
        assert telling.receiver.events() == ["Paused"]
        assert telling.record()["build"] == 2
        assert telling.cluster.writes.count(("tasks", "web")) == 1
        assert telling.ready() == ("True", "Delivered")
        # Configured, and Delivered.
        assert telling.cluster.writes.count(("notificationsinks", "hook")) == 2

    in_no_time(work())


def test_nothing_is_sent_or_written_before_this_process_leads() -> None:
    async def work() -> None:
        telling = Telling()
        paused(telling)
        await asyncio.sleep(60)
        assert (telling.receiver.attempts, telling.cluster.writes) == ([], [])
        telling.begin()
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Paused"]

    in_no_time(work())


def test_what_cannot_be_written_down_is_not_sent_again_but_written_later() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(1)
        telling.cluster.failures = [FORBIDDEN] * 30
        paused(telling, sink=telling.cluster.objects["notificationsinks", "hook"])
        await asyncio.sleep(600)
        assert telling.receiver.events() == ["Paused"] and telling.record() == {}
        telling.cluster.failures = []
        await asyncio.sleep(61)
        assert telling.record()["sent"]["event"] == "Paused"
        assert telling.receiver.events() == ["Paused"]

    in_no_time(work())


def test_a_task_that_cannot_be_written_holds_up_no_other() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(1)
        written = telling.cluster.patch_status

        async def patch_status(*arguments: Any, **fields: Any) -> Any:
            if arguments[2] == "web":
                raise FORBIDDEN
            return await written(*arguments, **fields)

        telling.cluster.patch_status = patch_status  # type: ignore[method-assign]
        paused(telling, "web", "other", "third", sink=telling.cluster.objects["notificationsinks", "hook"])
        await asyncio.sleep(2)
        assert telling.receiver.events() == ["Paused"] * 3
        assert (telling.record("other")["build"], telling.record("third")["build"]) == (2, 2)

    in_no_time(work())


def test_a_defect_loses_no_task(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = failing(RuntimeError("a defect"))
        paused(telling, "web", "other")
        await asyncio.sleep(10)
        telling.receiver.answer = lambda sink, message: None
        await asyncio.sleep(60)
        assert telling.receiver.events() == ["Paused", "Paused"]

    in_no_time(work())
    assert "sink team/hook: defect" in caplog.text


def test_a_process_that_no_longer_leads_ends_its_work_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(1)

        def lost() -> None:
            raise NotLeadingError("lease", "lost")

        telling.cluster.leads = lost
        paused(telling, sink=telling.cluster.objects["notificationsinks", "hook"])
        await asyncio.sleep(3600)
        assert telling.record() == {}
        assert len(telling.receiver.attempts) == 1

    in_no_time(work())
    assert caplog.text == ""


@pytest.mark.parametrize("hanging", [["slow"], ["slow", "slower"]], ids=["one", "two"])
def test_sinks_that_hang_hold_up_no_other(hanging: list[str]) -> None:
    """Their messages are never answered."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.hanging.update(hanging)
        for name in hanging:
            telling.write(NOTIFICATION_SINKS, sink_manifest(name))
        paused(telling, "web", "other")
        await asyncio.sleep(1)
        assert telling.receiver.events("hook") == ["Paused", "Paused"]
        assert max(second for second, sink, _ in telling.receiver.taken if sink == "hook") < 0.5
        # One attempt each, which has no end.
        assert sorted(sink for _, sink, _ in telling.receiver.attempts if sink != "hook") == hanging
        await asyncio.sleep(3600)
        paused(telling, "third", sink=telling.cluster.objects["notificationsinks", "hook"])
        await asyncio.sleep(1)
        assert telling.receiver.events("hook") == ["Paused"] * 3
        assert [sink for _, sink, _ in telling.receiver.taken if sink != "hook"] == []

    in_no_time(work())
