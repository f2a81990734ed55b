"""What a sink does not take is tried again: when, how often, and until it is given up. Hours pass in no time."""

from __future__ import annotations

import asyncio

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.fault import DeliveryError
from unit.core.builders import build_manifest, reservation
from unit.notifier.telling import REFUSED, Telling, failing, paused, report, sink_manifest, told_task
from unit.virtual_time import gaps, in_no_time

DAY = 86_400.0


def test_what_nobody_takes_is_tried_less_and_less_often_and_given_up_after_a_day() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = failing(REFUSED)
        paused(telling)
        await asyncio.sleep(DAY - 60)
        assert telling.given_up == []
        tried = gaps(at for at, _, _ in telling.receiver.attempts)
        assert tried[0] < 1.5 and max(tried) <= 901 and min(tried[-20:]) > 600
        assert 96 <= len(tried) < 160
        assert telling.record()["failing"]["message"] == "it answered 500"
        # The first failure, and nothing since.
        assert telling.cluster.writes.count(("tasks", "web")) == 1
        await asyncio.sleep(1000)
        ((second, event, message),) = telling.given_up
        assert DAY <= second <= DAY + 901 and (event, message) == ("Paused", "it answered 500")
        assert (
            telling.metrics.registry.get_sample_value("taskyard_notifications_given_up_total", {"type": "Webhook"}) == 1
        )
        record = telling.record()
        assert record["givenUp"]["event"] == "Paused" and record["build"] == 2 and "failing" not in record
        attempts = len(telling.receiver.attempts)
        await asyncio.sleep(DAY)
        assert len(telling.receiver.attempts) == attempts, "it is not tried again"
        telling.receiver.answer = lambda sink, message: None
        resumed = build_manifest(3, "Start", "Resume", "Succeeded", uid="task-web")
        telling.write(WORKSPACE_BUILDS, resumed)
        telling.change(TASKS, "web", {"status": {"phase": "Active", "build": reservation(3, "Start", "Resume")}})
        await asyncio.sleep(901)
        assert telling.receiver.events() == ["Resumed"]

    in_no_time(work())


def test_the_day_counts_from_the_first_attempt_of_the_one_that_is_tried_now() -> None:
    """A state that is overtaken is not tried for longer; the new one has its own day."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = failing(REFUSED)
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(TASKS, told_task(state=report("Idle")))
        await asyncio.sleep(DAY / 2)
        telling.change(TASKS, "web", {"status": {"state": report("Complete", second=DAY / 2)}})
        await asyncio.sleep(DAY * 0.75)
        assert telling.given_up == [] and telling.record()["failing"]["event"] == "Complete"
        await asyncio.sleep(DAY / 2)
        assert [event for _, event, _ in telling.given_up] == ["Complete"]

    in_no_time(work())


def test_the_seconds_that_a_receiver_asks_for_are_waited() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = failing(DeliveryError("DeliveryFailed", "it answered 429", retry_after=120))
        paused(telling)
        await asyncio.sleep(1000)
        assert 119 <= min(gaps(at for at, _, _ in telling.receiver.attempts)[:5]) <= 121

    in_no_time(work())


def test_a_failure_whose_words_change_is_not_tried_more_often() -> None:
    """Each is written into the statuses; the notifier's own writes are no change of the sink."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        number = 0

        def answer(*_: object) -> None:
            nonlocal number
            number += 1
            raise DeliveryError("DeliveryFailed", f"it answered in words number {number}")

        telling.receiver.answer = answer
        paused(telling)
        for _ in range(900):
            await asyncio.sleep(1)
            # The watch tells what was written a moment ago.
            telling.watched(NOTIFICATION_SINKS, telling.cluster.objects["notificationsinks", "hook"])
            telling.sinks.sink_changed(telling.cache.sinks_of("team")[0])
        assert 8 <= len(telling.receiver.attempts) <= 13

    in_no_time(work())


def test_a_sink_that_changes_during_an_attempt_is_tried_right_after_it() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.seconds, telling.receiver.answer = 15, failing(REFUSED)
        paused(telling)
        await asyncio.sleep(200)
        before = len(telling.receiver.attempts)
        for _ in range(900):
            if len(telling.receiver.attempts) == before:
                await asyncio.sleep(1)
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"secretRef": {"name": "better"}}})
        await asyncio.sleep(16)
        assert len(telling.receiver.attempts) == before + 2

    in_no_time(work())


def test_what_was_overtaken_by_what_was_told_is_no_longer_failing() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(TASKS, told_task(state=report("Idle")))
        await asyncio.sleep(5)
        telling.receiver.answer = failing(REFUSED)
        telling.change(TASKS, "web", {"status": {"state": report("Working", second=5)}})
        await asyncio.sleep(10)
        assert telling.record()["failing"]["event"] == "Working"
        telling.change(TASKS, "web", {"status": {"state": report("Idle", second=15)}})
        await asyncio.sleep(60)
        assert "failing" not in telling.record() and telling.receiver.events() == ["Idle"]
        written = len(telling.cluster.writes)
        await asyncio.sleep(3600)
        assert len(telling.cluster.writes) == written

    in_no_time(work())
