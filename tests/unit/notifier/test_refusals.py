"""A notification that is refused by itself waits alone; what the receiver does not take at all, all wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.refusals import Refusals
from unit.core.builders import build_manifest, reservation
from unit.notifier.telling import Telling, report, sink_manifest, stop, told_task
from unit.virtual_time import gaps, in_no_time

DAY = 86_400.0
ONE, OTHER = ("team", "web"), ("team", "other")
TOO_LARGE = DeliveryError("DeliveryFailed", "it answered 413", is_of_message=True)
DOWN = DeliveryError("DeliveryFailed", "it answered 503")


def test_each_task_has_a_back_off_of_its_own_which_another_notification_ends() -> None:
    refusals = Refusals(first=1, longest=900, jitter=0)
    waits = []
    for now in range(0, 5000, 1000):
        refusals.add(ONE, "a", now=now, at_least=0)
        waits.append(refusals.wait(ONE, "a", now=now))
    assert waits == [1, 2, 4, 8, 16]
    assert refusals.wait(OTHER, "a", now=4000) == 0
    assert refusals.wait(ONE, "a", now=4016) == 0, "its time has come"
    assert refusals.wait(ONE, "b", now=4000) == 0, "another one"
    assert list(refusals) == []


def test_the_seconds_that_a_receiver_asks_for_count() -> None:
    refusals = Refusals(first=1, longest=900, jitter=0)
    refusals.add(ONE, "a", now=0, at_least=120)
    assert refusals.wait(ONE, "a", now=10) == 110


# --- in the worker


def paused(telling: Telling, name: str) -> None:
    uid = f"task-{name}"
    telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=uid))
    telling.write(WORKSPACE_BUILDS, stop(2, task=name, uid=uid))
    telling.write(TASKS, told_task(name, uid=uid, phase="Paused", build=2))


def resumed(telling: Telling, name: str) -> None:
    build = build_manifest(3, "Start", "Resume", "Succeeded", task=name, uid=f"task-{name}")
    telling.write(WORKSPACE_BUILDS, build)
    status = {"phase": "Active", "build": reservation(3, "Start", "Resume", task=name)}
    telling.change(TASKS, name, {"status": status})


def refusing(error: DeliveryError, task: str = "") -> Callable[..., None]:
    """Of one Task, or of all."""

    def answer(sink: object, message: Any) -> None:
        if not task or message.data.get("task", {}).get("name") == task:
            raise error

    return answer


def attempts(telling: Telling) -> list[float]:
    return [at for at, _, _ in telling.receiver.attempts]


def test_one_that_is_refused_by_itself_holds_up_no_other() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.receiver.answer = refusing(TOO_LARGE, "web")
        paused(telling, "web")
        await asyncio.sleep(3600)
        assert telling.ready() == ("False", "DeliveryFailed")
        assert telling.record()["failing"]["message"] == "it answered 413"
        assert "failingSince" not in telling.cluster.objects["notificationsinks", "hook"]["status"]
        began = asyncio.get_running_loop().time() - 1000
        paused(telling, "other")
        await asyncio.sleep(1)
        ((taken, _, _),) = telling.receiver.taken
        assert taken - began < 0.5, "at once"
        assert telling.record("other")["build"] == 2 and telling.ready() == ("True", "Delivered")
        assert telling.sinks.waiting == 1

    in_no_time(work())


def test_one_that_is_refused_is_tried_less_and_less_often_whatever_else_happens_and_given_up_at_its_time() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.receiver.answer = refusing(TOO_LARGE, "web")
        paused(telling, "web")
        paused(telling, "other")
        await asyncio.sleep(1)
        resumed(telling, "web")
        for number in range(4 * 24 - 1):
            await asyncio.sleep(900)
            # Writes to the Task, and news of others, are no reason to send it again.
            telling.change(TASKS, "web", {"status": {"inputs": {"queued": 0, "delivered": number}}})
            telling.change(TASKS, "other", {"status": {"inputs": {"queued": 0, "delivered": number}}})
        assert telling.given_up == []
        assert 96 <= len(attempts(telling)) < 160 and min(gaps(attempts(telling))[-20:]) > 600
        await asyncio.sleep(920)
        ((second, event, message),) = telling.given_up[:1]
        assert DAY <= second <= DAY + 5 and (event, message) == ("Paused", "it answered 413")
        assert telling.record()["givenUp"]["event"] == "Paused"
        assert telling.record()["failing"]["event"] == "Resumed", "the next one is tried at once"

    in_no_time(work())


def test_another_state_of_the_task_is_told_at_once() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))

        def answer(sink: object, message: Any) -> None:
            if message.data["event"] == "Idle":
                raise TOO_LARGE

        telling.receiver.answer = answer
        telling.write(TASKS, told_task(state=report("Idle")))
        await asyncio.sleep(3600)
        telling.change(TASKS, "web", {"status": {"state": report("Complete", second=3600)}})
        await asyncio.sleep(5)
        assert telling.receiver.events() == ["Complete"] and "failing" not in telling.record()
        assert telling.sinks.waiting == 0

    in_no_time(work())


def test_a_changed_sink_has_what_was_refused_tried_at_once() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.receiver.answer = refusing(TOO_LARGE)
        paused(telling, "web")
        await asyncio.sleep(3600)
        telling.receiver.answer = lambda sink, message: None
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"links": "https://x.test"}})
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Paused"]

    in_no_time(work())


def test_news_of_a_task_wakes_a_sink_only_as_its_back_off_allows() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        telling.receiver.answer = refusing(DOWN)
        paused(telling, "web")
        await asyncio.sleep(3600)
        before = len(attempts(telling))
        for number in range(60):
            paused(telling, f"t{number}")
            await asyncio.sleep(1)
        assert len(attempts(telling)) <= before + 1
        assert telling.sinks.waiting == 61

    in_no_time(work())


def test_a_test_message_that_is_refused_by_itself_holds_up_nothing() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()

        def answer(sink: object, message: Any) -> None:
            if message.data["event"] == "Test":
                raise TOO_LARGE

        telling.receiver.answer = answer
        for number in range(12):
            telling.write(NOTIFICATION_SINKS, sink_manifest(test=str(number)))
            await asyncio.sleep(2)
        paused(telling, "web")
        await asyncio.sleep(0.5)
        assert telling.receiver.events() == ["Paused"]

    in_no_time(work())
