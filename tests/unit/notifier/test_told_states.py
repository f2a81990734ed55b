"""Which state of a Task a worker tells: bursts, turns at the sink's pace, watches that are late."""

from __future__ import annotations

import asyncio

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.core.times import micro
from unit.core.builders import at, build_manifest
from unit.core.notifications.notified import asked
from unit.notifier.telling import Telling, report, sink_manifest, stop, told_task
from unit.virtual_time import in_no_time


def test_the_newest_state_is_told_when_its_turn_has_come_and_no_turn_is_lost() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(maxPerMinute=1))
        for name in ("web", "other"):
            telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=f"task-{name}"))
            telling.write(TASKS, told_task(name, uid=f"task-{name}", state=report("Idle")))
        await asyncio.sleep(60)
        (first,) = telling.receiver.taken
        waiting = "other" if telling.record("web") else "web"
        # It has to settle while its turn comes.
        await asyncio.sleep(2)
        telling.change(TASKS, waiting, {"status": {"state": report("Complete", second=62)}})
        await asyncio.sleep(5)
        assert telling.receiver.events() == ["Idle", "Complete"]
        assert first[0] < 5 < 60 < telling.receiver.taken[1][0] < 68

    in_no_time(work())


def test_a_state_waits_for_the_resume_that_led_to_it() -> None:
    """The watch of builds is behind that of Tasks."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(WORKSPACE_BUILDS, stop(2))
        telling.write(TASKS, told_task(build=3, state=report("Idle", build=3)))
        await asyncio.sleep(30)
        assert "Idle" not in telling.receiver.events()
        telling.write(WORKSPACE_BUILDS, build_manifest(3, "Start", "Resume", "Succeeded"))
        await asyncio.sleep(4)
        assert telling.receiver.events() == ["Paused", "Resumed", "Idle"]

    in_no_time(work())


def test_a_burst_is_told_by_its_last_state() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(TASKS, told_task(state=report("Idle")))
        for second in range(1, 20):
            await asyncio.sleep(1)
            state = report(("Working", "Idle")[second % 2], second=second)
            telling.change(TASKS, "web", {"status": {"state": state}})
        await asyncio.sleep(2)
        assert telling.receiver.events() == []
        await asyncio.sleep(10)
        assert telling.receiver.events() == ["Idle"]
        assert telling.record()["stateTime"] == micro(at(19))

    in_no_time(work())


def test_a_task_that_never_settles_hides_neither_its_state_nor_its_question() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(TASKS, told_task(state=report("Idle"), conditions=[asked(0, id_="q-1")]))
        for second in range(2, 300, 2):
            await asyncio.sleep(2)
            state = report(("Working", "Idle")[second // 2 % 2], second=second)
            telling.change(TASKS, "web", {"status": {"state": state}})
        told = telling.receiver.events()
        assert {"InputRequired", "Idle"} <= set(told)
        assert len(told) <= 21, "twice a minute at most, and not each time"

    in_no_time(work())
