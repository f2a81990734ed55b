"""Which sinks have a worker, and what the workers learn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.fault import DeliveryError
from unit.core.builders import at, build_manifest, merge, reservation
from unit.notifier.telling import Telling, report, sink_manifest, told_task
from unit.virtual_time import in_no_time


def idle(telling: Telling) -> None:
    telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
    telling.write(TASKS, told_task(state=report("Idle")))


def test_the_ninth_sink_has_no_place_until_another_one_goes() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        for number in range(9):
            telling.write(NOTIFICATION_SINKS, sink_manifest(f"s{number}", second=number - 60))
        idle(telling)
        await asyncio.sleep(10)
        assert telling.ready("s8") == ("False", "TooManySinks")
        assert telling.receiver.events("s8") == [] and telling.receiver.events("s7") == ["Idle"]
        assert telling.sinks.waiting == 0
        telling.remove(NOTIFICATION_SINKS, "s0")
        await asyncio.sleep(10)
        assert telling.ready("s8") == ("True", "Delivered") and telling.receiver.events("s8") == ["Idle"]
        assert len(telling.cluster.objects["tasks", "web"]["status"]["notifications"]) == 8

    in_no_time(work())


def test_a_sink_that_is_being_deleted_gives_its_place_at_once() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        for number in range(9):
            telling.write(NOTIFICATION_SINKS, sink_manifest(f"s{number}", second=number - 60))
        await asyncio.sleep(1)
        telling.change(NOTIFICATION_SINKS, "s4", {"metadata": {"deletionTimestamp": "2026-01-31T12:00:00Z"}})
        await asyncio.sleep(1)
        assert telling.ready("s8") == ("True", "Configured")
        idle(telling)
        await asyncio.sleep(10)
        assert telling.receiver.events("s4") == []
        assert all(telling.receiver.events(f"s{number}") == ["Idle"] for number in (0, 3, 5, 8))

    in_no_time(work())


def test_a_sink_of_the_same_name_has_a_worker_of_its_own_though_no_watch_told_of_the_deletion() -> None:
    """As with a list after a watch that broke."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(uid="one", test="1"))
        await asyncio.sleep(1)
        telling.write(NOTIFICATION_SINKS, sink_manifest(uid="two", test="1"))
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Test", "Test"] and len(set(telling.receiver.ids)) == 2
        idle(telling)
        await asyncio.sleep(10)
        assert telling.receiver.events() == ["Test", "Test", "Idle"]
        assert telling.record()["sinkUID"] == "two"

    in_no_time(work())


def test_a_former_sink_writes_nothing_into_the_status_of_the_one_that_has_its_name_now() -> None:
    """Its test message was on its way when it was deleted."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.seconds = 5
        telling.write(NOTIFICATION_SINKS, sink_manifest(uid="one", test="1"))
        await asyncio.sleep(1)
        # The watch has not told it yet.
        new = telling.cluster.hold(NOTIFICATION_SINKS, sink_manifest(uid="two"))
        await asyncio.sleep(10)
        assert "status" not in telling.cluster.objects["notificationsinks", "hook"]
        telling.watched(NOTIFICATION_SINKS, new)
        await asyncio.sleep(1)
        assert telling.ready() == ("True", "Configured")

    in_no_time(work())


def test_what_was_read_after_a_conflict_is_news_for_all_sinks() -> None:
    """The watch tells nothing of a state that is known already."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest("a", events=["Failed"]))
        telling.write(NOTIFICATION_SINKS, sink_manifest("b", events=["Complete"]))
        idle(telling)
        await asyncio.sleep(10)
        telling.change(TASKS, "web", {"status": {"state": report("Failed", second=10)}})
        await asyncio.sleep(2.9)
        newer = merge(telling.cluster.objects["tasks", "web"], {"status": {"state": report("Complete", second=12)}})
        unseen = telling.cluster.hold(TASKS, newer)
        await asyncio.sleep(1)
        assert telling.receiver.events("a") == ["Failed"]
        telling.watched(TASKS, unseen)
        await asyncio.sleep(10)
        assert telling.receiver.events("b") == ["Complete"]

    in_no_time(work())


def test_a_change_that_came_with_the_answer_to_a_write_is_news() -> None:
    """Somebody asks for a test while the status is written; the watch is behind."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(0.001)
        changed = telling.cluster.objects["notificationsinks", "hook"]
        changed["metadata"]["annotations"] = {"taskyard.dev/test": "1"}
        unseen = telling.cluster.hold(NOTIFICATION_SINKS, changed)
        await asyncio.sleep(1)
        telling.watched(NOTIFICATION_SINKS, unseen)
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Test"]

    in_no_time(work())


def paused(telling: Telling, name: str, **labels: str) -> None:
    """A Task that was paused a moment ago."""
    uid, second = f"task-{name}", asyncio.get_running_loop().time() - 1000
    ended = build_manifest(2, "Stop", "ManualPause", "Succeeded", task=name, uid=uid, finished_at=at(second))
    telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=uid))
    telling.write(WORKSPACE_BUILDS, ended)
    task = told_task(name, uid=uid, phase="Paused", build=2)
    task["metadata"]["labels"] = labels
    telling.write(TASKS, task)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"events": ["Idle"]}, {"events": ["Idle", "Paused"]}, id="of another event"),
        pytest.param(
            {"selector": {"matchLabels": {"team": "b"}}}, {"selector": {"matchLabels": {"team": "a"}}}, id="of others"
        ),
        pytest.param({"selector": {"matchLabels": {"team": "b"}}}, {"selector": None}, id="of all"),
    ],
)
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_sink_that_selects_more_is_told_nothing_of_before(
    before: dict[str, Any], after: dict[str, Any], is_killed: bool
) -> None:
    """Also by a notifier that starts afterwards."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(**before))
        for name in ("one", "two"):
            paused(telling, name, team="a")
        await asyncio.sleep(3600)
        assert telling.receiver.events() == []
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": after})
        await asyncio.sleep(60)
        if is_killed:
            telling.sinks.close()
            telling.begin_again()
        paused(telling, "three", team="a")
        await asyncio.sleep(60)
        assert telling.receiver.events() == ["Paused"] and telling.record("three") and not telling.record("one")

    in_no_time(work())


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_task_whose_labels_come_to_be_selected_has_nothing_told_of_before(is_killed: bool) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(selector={"matchLabels": {"team": "a"}}))
        paused(telling, "one", team="b")
        paused(telling, "two", team="b")
        await asyncio.sleep(3600)
        telling.change(TASKS, "one", {"metadata": {"labels": {"team": "a"}}})
        await asyncio.sleep(60)
        assert telling.receiver.events() == []
        if is_killed:
            telling.sinks.close()
            telling.begin_again()
        build = build_manifest(3, "Start", "Resume", "Succeeded", task="one", uid="task-one", created_at=at(3660))
        telling.write(WORKSPACE_BUILDS, build)
        resumed = {"phase": "Active", "build": reservation(3, "Start", "Resume", task="one")}
        telling.change(TASKS, "one", {"status": resumed})
        await asyncio.sleep(60)
        assert telling.receiver.events() == ["Resumed"] and telling.record("two") == {}

    in_no_time(work())


def test_a_sink_that_selects_more_is_still_told_of_what_it_had_selected() -> None:
    """Its receiver took nothing when it was changed."""

    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(events=["Paused"], selector={"matchLabels": {"team": "a"}}))

        def down(*_: object) -> None:
            raise DeliveryError("DeliveryFailed", "it answered 500")

        telling.receiver.answer = down
        paused(telling, "one", team="a")
        paused(telling, "two", team="b")
        await asyncio.sleep(3600)
        telling.receiver.answer = lambda sink, message: None
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"events": ["Paused", "Idle"], "selector": None}})
        await asyncio.sleep(60)
        assert telling.receiver.events() == ["Paused"] and telling.record("one") and not telling.record("two")

    in_no_time(work())


def test_a_value_that_asks_for_a_test_again_sends_another_message() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        for value in "ABABA":
            asked = {"annotations": {"taskyard.dev/test": value}}
            telling.change(NOTIFICATION_SINKS, "hook", {"metadata": asked})
            # All of them within a second.
            await asyncio.sleep(0.1)
        assert telling.receiver.events() == ["Test"] * 5 and len(set(telling.receiver.ids)) == 5

    in_no_time(work())


def test_a_deleted_sink_is_told_nothing_and_its_entry_goes_with_the_next_write() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        for name in ("a", "b"):
            telling.write(NOTIFICATION_SINKS, sink_manifest(name))
        idle(telling)
        await asyncio.sleep(10)
        assert telling.record(sink="a") and telling.record(sink="b")
        telling.remove(NOTIFICATION_SINKS, "a")
        written = len(telling.cluster.writes)
        await asyncio.sleep(60)
        assert len(telling.cluster.writes) == written, "a deleted sink costs no write"
        telling.change(TASKS, "web", {"status": {"state": report("Complete", second=70)}})
        await asyncio.sleep(10)
        assert telling.receiver.events("a") == ["Idle"] and telling.receiver.events("b") == ["Idle", "Complete"]
        assert telling.record(sink="a") == {} and telling.record(sink="b")["state"] == "Complete"

    in_no_time(work())


def test_closed_workers_send_nothing_more() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.receiver.seconds = 10
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        idle(telling)
        await asyncio.sleep(5)
        assert len(telling.receiver.attempts) == 1
        telling.sinks.close()
        await asyncio.sleep(60)
        assert telling.receiver.taken == [] and len(telling.receiver.attempts) == 1

    in_no_time(work())
