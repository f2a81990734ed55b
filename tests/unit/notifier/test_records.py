"""Entries of several sinks in one list, written while others write too."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from taskyard.core.notifications.record import Record
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, Resource
from taskyard.notifier.cluster import ConflictError
from taskyard.notifier.records import TRIES, Records
from unit.notifier.telling import Telling, report, sink_manifest, told_task
from unit.virtual_time import in_no_time


def prepared(*sinks: str) -> tuple[Telling, Records, NotifiedTask]:
    telling = Telling()
    for name in sinks:
        telling.write(NOTIFICATION_SINKS, sink_manifest(name))
    telling.write(TASKS, told_task())
    (task,) = telling.cache.tasks_of("team")
    return telling, Records(telling.cluster, telling.cache), task


def entry(sink: str, build: int = 1) -> Record:
    return Record(sink, f"sink-{sink}", build)


def test_entries_that_are_stored_at_the_same_time_are_all_kept() -> None:
    async def work() -> None:
        names = [f"s{number}" for number in range(8)]
        telling, records, task = prepared(*names)
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(records.store(task, entry(name)))
        assert all(telling.record(sink=name)["build"] == 1 for name in names)

    in_no_time(work())


def test_a_write_of_somebody_elses_is_kept_though_the_watch_is_behind() -> None:
    async def work() -> None:
        telling, records, task = prepared("a", "b")
        await records.store(task, entry("a"))
        newer = telling.cluster.objects["tasks", "web"]
        newer["status"]["state"] = report("Complete")
        telling.cluster.hold(TASKS, newer)
        await records.store(task, entry("b"))
        status = telling.cluster.objects["tasks", "web"]["status"]
        assert status["state"]["state"] == "Complete"
        assert [each["sink"] for each in status["notifications"]] == ["a", "b"]
        (known,) = telling.cache.tasks_of("team")
        assert known.state is not None and known.state.state == "Complete"

    in_no_time(work())


def test_a_conflict_that_does_not_end_is_an_error() -> None:
    async def work() -> None:
        telling, records, task = prepared("a")
        conflict = ConflictError("PATCH", "it has changed", status=409)
        telling.cluster.failures = [conflict] * (TRIES - 1)
        await records.store(task, entry("a"))
        telling.cluster.failures = [conflict] * TRIES
        with pytest.raises(ConflictError):
            await records.store(task, entry("a", 2))
        assert telling.record(sink="a")["build"] == 1

    in_no_time(work())


@pytest.mark.parametrize("gone", ["the Task", "another Task of its name", "the sink", "another sink of its name"])
def test_nothing_is_written_for_what_is_gone(gone: str) -> None:
    async def work() -> None:
        telling, records, task = prepared("a")
        match gone:
            case "the Task":
                telling.remove(TASKS, "web")
            case "another Task of its name":
                telling.remove(TASKS, "web")
                telling.write(TASKS, told_task(uid="another"))
            case "the sink":
                telling.remove(NOTIFICATION_SINKS, "a")
            case _:
                telling.write(NOTIFICATION_SINKS, sink_manifest("a", uid="another"))
        await records.store(task, entry("a"))
        assert telling.cluster.writes == []

    in_no_time(work())


def test_a_task_that_is_deleted_during_the_write_is_no_error() -> None:
    async def work() -> None:
        telling, records, task = prepared("a")
        telling.cluster.objects.pop(("tasks", "web"))
        await records.store(task, entry("a"))
        assert telling.cluster.writes == []

    in_no_time(work())


def test_entries_of_sinks_that_are_gone_are_left_out() -> None:
    async def work() -> None:
        telling, records, task = prepared("a", "b")
        await records.store(task, entry("a"))
        telling.remove(NOTIFICATION_SINKS, "a")
        await records.store(task, entry("b"))
        assert telling.record(sink="a") == {} and telling.record(sink="b")["build"] == 1
        # One of the same name is another sink.
        telling.write(NOTIFICATION_SINKS, sink_manifest("a", uid="another"))
        await records.store(task, replace(entry("a"), sink_uid="another", build=5))
        assert telling.record(sink="a")["sinkUID"] == "another"

    in_no_time(work())


def test_a_namespace_whose_writes_wait_keeps_no_other_from_its_own() -> None:
    """Whatever number of its Tasks is written at the same time."""

    async def work() -> None:
        telling, records, task = prepared("a")
        patch = telling.cluster.patch_status

        async def paced(resource: Resource, namespace: str, name: str, *arguments: Any, **options: Any) -> Any:
            if name.startswith("slow"):
                await asyncio.sleep(60)
            return await patch(resource, namespace, name, *arguments, **options)

        telling.cluster.patch_status = paced  # type: ignore[method-assign]
        names = [f"slow-{number}" for number in range(2000)]
        for name in names:
            telling.write(TASKS, told_task(name, uid=f"uid-{name}"))
        slow = [known for known in telling.cache.tasks_of("team") if known.name in names]
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for known in slow:
                group.create_task(records.store(known, entry("a")))
            await asyncio.sleep(0.1)
            began = loop.time()
            await records.store(task, entry("a"))
            assert loop.time() - began < 1
        assert loop.time() - began < 61, "each waits for itself"
        assert not records._locks

    in_no_time(work())
