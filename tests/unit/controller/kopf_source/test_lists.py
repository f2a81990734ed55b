"""The lists before kopf's watches."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from kopf._cogs.clients import fetching

from taskyard.controller.kopf_source import lists as lists_module
from taskyard.controller.kopf_source import runner
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS
from unit.controller.event_router_harness import SHELL, WEB, Taken
from unit.controller.fakes import api_error
from unit.core.builders import task_manifest, template_version_manifest


async def test_a_list_replaces_what_was_known_and_tells_what_changed() -> None:
    taken = Taken()
    taken.cluster.hold(TASKS, task_manifest())
    taken.cluster.hold(TEMPLATE_VERSIONS, template_version_manifest())
    # Deleted while the watch was down: kopf would never tell.
    taken.stores.tasks.put(task_manifest(name="gone"))
    version = await taken.lists.list("tasks")
    assert version == str(taken.cluster.version), "a watch goes on from there"
    assert taken.cluster.calls == [("list", "tasks", "")]
    assert taken.stores.tasks.get(("team", "gone")) is None
    tasks, inputs, versions = taken.added
    assert set(tasks) == {WEB, ("team", "gone")}
    assert (inputs, versions) == ([], [])
    await taken.lists.list("templateversions")
    assert taken.added == ([WEB], [], [SHELL]), "the Task that names it is looked at too"


async def test_nothing_is_decided_before_every_kind_was_listed() -> None:
    taken = Taken()
    waiting = asyncio.create_task(taken.lists.listed())
    for plural in ("tasks", "templates", "templateversions"):
        await asyncio.sleep(0)
        assert not waiting.done()
        await taken.lists.list(plural)
    await asyncio.wait_for(waiting, 5)


async def test_a_list_that_fails_is_tried_until_it_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lists_module, "RETRY_FIRST_SECONDS", 0.001)
    taken = Taken()
    taken.cluster.hold(TASKS, task_manifest())
    taken.cluster.failures["list"] = [api_error(503, message="away"), api_error(503, message="away")]
    caplog.set_level(logging.INFO)
    await taken.lists.list("tasks")
    assert taken.cluster.calls == 3 * [("list", "tasks", "")]
    assert taken.stores.tasks.get(WEB) is not None
    said = [record.getMessage() for record in caplog.records]
    assert [line.rpartition(" in ")[0] for line in said] == 2 * ["tasks: TEST /x: away; listing again"]


async def test_kopf_lists_nothing_by_itself() -> None:
    """What it calls for a list returns no object, and the version from which it watches."""
    asked = []

    async def list_kind(plural: str) -> str:
        asked.append(plural)
        return "4711"

    class Resource:
        plural = "tasks"

    listing: Any = fetching.fetch_objs
    found = listing(settings=runner.settings(list_kind), resource=Resource(), namespace=None, logger=None)
    assert [page async for page in found] == [((), "4711")]
    assert asked == ["tasks"]
