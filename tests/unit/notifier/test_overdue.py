"""What waits for a dead receiver for a day is given up then, whether it was tried or not."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.cluster import ApiError
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.overdue import Overdue
from unit.core.builders import at, build_manifest
from unit.notifier.telling import Telling, report, sink_manifest, told_task
from unit.virtual_time import in_no_time

DAY = 86_400.0
TASK, OTHER = ("team", "web"), ("team", "other")


def test_a_task_is_looked_at_once_at_each_news_and_when_its_time_has_come() -> None:
    async def work() -> None:
        stirred = asyncio.Event()
        overdue = Overdue(stirred)
        overdue.add(TASK)
        assert overdue.pop() is None and not stirred.is_set(), "nothing fails"
        overdue.begin([TASK, OTHER])
        overdue.begin([TASK])
        assert stirred.is_set() and [overdue.pop(), overdue.pop(), overdue.pop()] == [TASK, OTHER, None]
        overdue.later(TASK, 60)
        overdue.later(OTHER, 30)
        await asyncio.sleep(31)
        assert [overdue.pop(), overdue.pop()] == [OTHER, None]
        overdue.add(TASK)
        assert overdue.pop() == TASK
        await asyncio.sleep(60)
        assert overdue.pop() is None, "news of it came first"
        overdue.later(TASK, 60)
        overdue.end()
        await asyncio.sleep(61)
        assert overdue.pop() is None

    in_no_time(work())


# --- in the worker


def dead(*_: object) -> None:
    raise DeliveryError("DeliveryFailed", "it cannot be reached")


def pauses(telling: Telling, *names: str) -> None:
    """Tasks that were paused a moment ago."""
    second = asyncio.get_running_loop().time() - 1000
    for name in names:
        uid = f"task-{name}"
        ended = build_manifest(2, "Stop", "ManualPause", "Succeeded", task=name, uid=uid, finished_at=at(second))
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=uid))
        telling.write(WORKSPACE_BUILDS, ended)
        telling.write(TASKS, told_task(name, uid=uid, phase="Paused", build=2))


def given_up(telling: Telling) -> float:
    found = telling.metrics.registry.get_sample_value("taskyard_notifications_given_up_total", {"type": "Webhook"})
    assert found is not None
    return found


MANY = [f"t{number}" for number in range(500)]


def test_many_that_wait_are_given_up_at_their_time_in_one_sweep() -> None:
    """Some hundred attempts are made in a day, and five hundred Tasks wait."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = dead
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        pauses(telling, *MANY)
        await asyncio.sleep(6 * 3600)
        pauses(telling, "late")
        await asyncio.sleep(18 * 3600 - 30)
        assert telling.given_up == [] and telling.sinks.waiting == 501
        await asyncio.sleep(90)
        assert len(telling.given_up) == 500 == given_up(telling)
        assert {event for _, event, _ in telling.given_up} == {"Paused"}
        assert {message for _, _, message in telling.given_up} == {"it cannot be reached"}
        assert all(DAY <= second < DAY + 30 for second, _, _ in telling.given_up)
        assert len(telling.receiver.attempts) < 160
        for name in MANY:
            assert telling.record(name)["givenUp"]["event"] == "Paused" and telling.record(name)["build"] == 2
        assert telling.record("late").get("givenUp") is None
        await asyncio.sleep(6 * 3600 - 120)
        assert len(telling.given_up) == 500
        await asyncio.sleep(120)
        assert len(telling.given_up) == 501 and telling.given_up[-1][0] < 1.25 * DAY + 30
        written = len(telling.cluster.writes)
        await asyncio.sleep(DAY)
        assert len(telling.given_up) == 501 and len(telling.cluster.writes) == written

    in_no_time(work())


@pytest.mark.parametrize("reason", ["SecretMissing", "AddressRefused"])
def test_what_waits_for_a_sink_that_could_never_be_used_is_given_up_too(reason: str) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()

        def address(sink: object) -> None:
            raise DeliveryError(reason, "it cannot be used")

        telling.receiver.address = address
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        pauses(telling, "web", "other")
        await asyncio.sleep(DAY - 30)
        assert telling.given_up == []
        await asyncio.sleep(60)
        assert [message for _, _, message in telling.given_up] == ["it cannot be used"] * 2
        assert telling.receiver.attempts == []

    in_no_time(work())


def test_a_notifier_that_was_off_for_days_gives_up_nothing_that_is_taken() -> None:
    async def work() -> None:
        telling = Telling()
        sink = sink_manifest() | {"status": {"failingSince": "2026-01-31T12:00:00Z", "observedGeneration": 1}}
        telling.write(NOTIFICATION_SINKS, sink)
        pauses(telling, "web", "other")
        await asyncio.sleep(3 * DAY)
        telling.begin()
        await asyncio.sleep(60)
        assert telling.receiver.events() == ["Paused", "Paused"] and telling.given_up == []
        assert "failingSince" not in telling.cluster.objects["notificationsinks", "hook"]["status"]

    in_no_time(work())


def test_the_day_goes_on_after_a_restart_also_for_what_was_never_tried() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = dead
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        pauses(telling, *MANY)
        await asyncio.sleep(DAY / 2)
        telling.sinks.close()
        telling.begin_again()
        await asyncio.sleep(DAY / 2 - 30)
        assert telling.given_up == []
        await asyncio.sleep(60)
        assert len(telling.given_up) == 500

    in_no_time(work())


def test_a_receiver_that_takes_something_again_has_nothing_given_up() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = dead
        telling.write(NOTIFICATION_SINKS, sink_manifest(maxPerMinute=1))
        pauses(telling, *MANY)
        await asyncio.sleep(DAY - 1800)
        telling.receiver.answer = lambda sink, message: None
        await asyncio.sleep(3600)
        # One a minute: many are still waiting, for a receiver that works.
        tried = {name for name in MANY if telling.record(name)}
        assert telling.given_up == [] and 20 < len(telling.receiver.taken) < 100
        telling.receiver.answer = dead
        await asyncio.sleep(3600)
        lost = {name for name in MANY if "givenUp" in telling.record(name)}
        assert len(tried) < 250 and lost <= tried, "it has failed for an hour, and only what was tried waits for a day"

    in_no_time(work())


def test_an_event_that_cannot_be_written_is_written_later() -> None:
    async def work() -> None:
        telling = Telling()
        telling.receiver.answer = dead
        telling.event_failures = [ApiError("POST", "nothing came", status=0)] * 3
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        pauses(telling, "web", "other")
        await asyncio.sleep(DAY + 300)
        assert sorted(event for _, event, _ in telling.given_up) == ["Paused", "Paused"]
        assert given_up(telling) == 2 and telling.event_failures == []

    in_no_time(work())


def test_a_state_that_settles_while_the_receiver_fails_has_its_day_too() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = dead
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        pauses(telling, "first")
        await asyncio.sleep(3600)
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
        telling.write(TASKS, told_task(state=report("Idle", second=3600)))
        await asyncio.sleep(DAY - 60)
        assert [event for _, event, _ in telling.given_up] == ["Paused"]
        await asyncio.sleep(120)
        assert [event for _, event, _ in telling.given_up] == ["Paused", "Idle"]

    in_no_time(work())
