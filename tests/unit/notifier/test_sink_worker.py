"""The real worker, with hours that pass in no time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.core.times import micro
from taskyard.notifier.cluster import ApiError, NotLeadingError
from taskyard.notifier.fault import DeliveryError
from unit.core.builders import at, build_manifest, reservation
from unit.core.notifications.notified import asked
from unit.notifier.telling import Telling, report, sink_manifest, stop, told_task
from unit.virtual_time import gaps, in_no_time

DAY = 86_400.0
FORBIDDEN = ApiError("PATCH", "a policy forbids it", status=403)


def paused(telling: Telling, *names: str, sink: dict[str, Any] | None = None) -> None:
    """A sink, and Tasks that were paused in their second build."""
    telling.write(NOTIFICATION_SINKS, sink or sink_manifest())
    for name in names or ("web",):
        uid = f"task-{name}"
        telling.write(TASKS, told_task(name, uid=uid, phase="Paused", build=2))
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=uid))
        telling.write(WORKSPACE_BUILDS, stop(2, task=name, uid=uid))


def failing(error: DeliveryError) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


REFUSED = DeliveryError("DeliveryFailed", "it answered 500")


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


def test_a_test_message_is_not_sent_again_while_it_cannot_be_written_down() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.cluster.failures = [FORBIDDEN] * 5
        telling.write(NOTIFICATION_SINKS, sink_manifest(test="1"))
        await asyncio.sleep(600)
        assert telling.receiver.events() == ["Test"]
        assert telling.cluster.objects["notificationsinks", "hook"]["status"]["test"]["requested"] == "1"
        telling.change(NOTIFICATION_SINKS, "hook", {"metadata": {"annotations": {"taskyard.dev/test": "2"}}})
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Test", "Test"] and len(set(telling.receiver.ids)) == 2

    in_no_time(work())


@pytest.mark.parametrize("reason", ["SecretForbidden", "SecretMissing", "KeyMissing", "AddressRefused", "KeyInvalid"])
def test_what_a_change_of_the_secret_heals_is_looked_at_each_minute(reason: str) -> None:
    async def work() -> None:
        telling = Telling()
        looks: list[float] = []

        def address(sink: object) -> None:
            looks.append(asyncio.get_running_loop().time())
            if len(looks) < 20:
                raise DeliveryError(reason, "it cannot be read")

        telling.receiver.address = address
        telling.begin()
        paused(telling)
        await asyncio.sleep(300)
        assert telling.ready() == ("False", reason) and telling.receiver.events() == []
        await asyncio.sleep(1200)
        assert max(gaps(looks[:20])) <= 61
        assert telling.ready() == ("True", "Delivered") and telling.receiver.events() == ["Paused"]

    in_no_time(work())


@pytest.mark.parametrize("reason", ["SecretMissing", "AddressRefused"])
def test_the_condition_heals_though_nothing_is_left_to_tell(reason: str) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(1)
        assert telling.ready() == ("True", "Configured")
        telling.receiver.address = failing(DeliveryError(reason, "it cannot be read"))
        telling.write(TASKS, told_task(phase="Paused", build=2))
        telling.write(WORKSPACE_BUILDS, stop(2))
        await asyncio.sleep(5)
        assert telling.ready() == ("False", reason)
        telling.remove(TASKS, "web")
        telling.receiver.address = lambda sink: None
        await asyncio.sleep(130)
        assert telling.ready() == ("True", "Configured") and telling.receiver.events() == []

    in_no_time(work())


def test_a_test_that_found_no_secret_is_not_the_last_look_at_it() -> None:
    async def work() -> None:
        telling = Telling()
        telling.receiver.address = failing(DeliveryError("SecretMissing", "there is none"))
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(test="1"))
        await asyncio.sleep(100)
        assert telling.ready() == ("False", "SecretMissing")
        telling.receiver.address = lambda sink: None
        await asyncio.sleep(61)
        assert telling.ready() == ("True", "Configured") and telling.receiver.events() == []

    in_no_time(work())


def test_an_address_that_can_be_read_does_not_refute_a_message_that_was_not_taken() -> None:
    """After a restart, say."""

    async def work() -> None:
        telling = Telling()
        condition = {
            "type": "Ready",
            "status": "False",
            "reason": "DeliveryFailed",
            "message": "it answered 401",
            "lastTransitionTime": "2026-01-31T11:00:00Z",
        }
        sink = sink_manifest() | {"status": {"observedGeneration": 1, "conditions": [condition]}}
        telling.write(NOTIFICATION_SINKS, sink)
        telling.begin()
        await asyncio.sleep(3600)
        assert telling.cluster.writes == [] and telling.ready() == ("False", "DeliveryFailed")

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
        for _ in range(3600):
            await asyncio.sleep(1)
            # The watch tells what was written a moment ago.
            telling.watched(NOTIFICATION_SINKS, telling.cluster.objects["notificationsinks", "hook"])
            telling.sinks.sink_changed(telling.cache.sinks_of("team")[0])
        assert len(telling.receiver.attempts) <= 16

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


def test_a_defect_loses_no_task(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.answer = failing(RuntimeError("a defect"))  # type: ignore[arg-type]
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


def test_one_sink_that_hangs_holds_up_no_other() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest("slow"))

        def answer(sink: Any, message: object) -> None:
            if sink.name == "slow":
                raise REFUSED

        telling.receiver.answer = answer
        paused(telling, "web", "other")
        await asyncio.sleep(1)
        assert telling.receiver.events("hook") == ["Paused", "Paused"]
        assert telling.receiver.events("slow") == []

    in_no_time(work())
