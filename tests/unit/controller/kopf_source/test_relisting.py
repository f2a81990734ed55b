"""Lists beside kopf's watches."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.controller.kopf_source import relisting as relisting_module
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS
from unit.controller.event_router_harness import SHELL, WEB, Taken
from unit.controller.fakes import api_error, until
from unit.core.builders import (
    task_manifest,
    template_version_manifest,
)


async def test_every_kind_is_listed_and_a_list_replaces_what_was_known() -> None:
    taken = Taken()
    taken.cluster.hold(TASKS, task_manifest())
    taken.cluster.hold(TEMPLATE_VERSIONS, template_version_manifest())
    # Deleted while the watch was down: kopf will never tell.
    taken.stores.tasks.put(task_manifest(name="gone"))
    await taken.relisting.list_all()
    assert {verb for verb, _, _ in taken.cluster.calls} == {"list"}
    assert [kind for _, kind, _ in taken.cluster.calls] == ["tasks", "templates", "templateversions"]
    assert taken.stores.tasks.get(("team", "gone")) is None
    tasks, inputs, versions = taken.added
    assert set(tasks) == {WEB, ("team", "gone")}
    assert (inputs, versions) == ([], [SHELL])


async def test_a_list_that_fails_is_told() -> None:
    taken = Taken()
    taken.cluster.failures["list"] = [api_error(503)]
    with pytest.raises(ApiError):
        await taken.relisting.list_all()


async def test_it_lists_again_when_kopf_does_and_again_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(relisting_module, "RELIST_DELAY_SECONDS", 0.01)
    taken = Taken()
    keeping = asyncio.create_task(taken.relisting.keep_listed())
    await asyncio.sleep(0.03)
    assert taken.cluster.calls == [], "nothing asks for a list"
    taken.cluster.failures["list"] = [api_error(503, message="away")]
    taken.cluster.hold(TASKS, task_manifest(version=105))
    taken.take(TASKS, None, task_manifest(version=104))
    await until(lambda: len(taken.cluster.calls) == 3)
    await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.wait({keeping})
    # The list is of metadata; what is newer in it than in the store is read.
    assert taken.cluster.calls == [("list", "tasks", ""), ("list", "tasks", ""), ("get", "tasks", "web")]
    assert [record.getMessage() for record in caplog.records] == ["tasks: TEST /x: away; listing again later"]
    assert taken.added[0] == [WEB, WEB]


async def test_it_lists_from_time_to_time_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relisting_module, "RELIST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(relisting_module, "RELIST_EVERY_SECONDS", 0.01)
    taken = Taken()
    keeping = asyncio.create_task(taken.relisting.keep_listed())
    await until(lambda: len(taken.cluster.calls) >= 8)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert {kind for _, kind, _ in taken.cluster.calls} == {"tasks", "templates", "templateversions"}


async def test_while_kopf_still_lists_nothing_is_listed_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relisting_module, "RELIST_DELAY_SECONDS", 0.05)
    taken = Taken()
    keeping = asyncio.create_task(taken.relisting.keep_listed())
    await asyncio.sleep(0)
    for number in range(30):
        taken.take(TASKS, None, task_manifest(name=f"task-{number}"))
        await asyncio.sleep(0.01)
    assert taken.cluster.calls == []
    await until(lambda: len(taken.cluster.calls) == 1)
    await asyncio.sleep(0.1)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert taken.cluster.calls == [("list", "tasks", "")], "once, when kopf's list has ended"
