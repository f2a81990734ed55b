"""From events to keys."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from taskyard.controller.cluster import TASK_INPUTS, TASKS, TEMPLATE_VERSIONS, TEMPLATES, ApiError
from taskyard.controller.event_router import EventRouter
from taskyard.controller.kopf_source import relisting as relisting_module
from taskyard.controller.kopf_source.relisting import Relisting
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.stores import Stores
from taskyard.watchcache.store import Key
from unit.controller.fakes import FakeCluster, api_error, until
from unit.core.builders import (
    build_manifest,
    input_manifest,
    pod_manifest,
    task_manifest,
    template_manifest,
    template_version_manifest,
)

WEB = ("team", "web")
SHELL = ("team", "shell-v1")


class Keys(KeyedQueue):
    """A queue that only records its keys."""

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def add(self, key: Key) -> None:
        self.keys.append(key)


@dataclass
class Taken:
    """An event router with its stores, and the keys that it added."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    stores: Stores = field(default_factory=Stores)
    tasks: Keys = field(default_factory=Keys)
    inputs: Keys = field(default_factory=Keys)
    templates: Keys = field(default_factory=Keys)
    versions: Keys = field(default_factory=Keys)

    def __post_init__(self) -> None:
        self.router = EventRouter(
            self.stores,
            tasks=self.tasks,
            inputs=self.inputs,
            templates=self.templates,
            versions=self.versions,
        )
        self.relisting = Relisting(self.cluster, self.router)

    def take(self, resource: Any, kind: str | None, manifest: dict[str, Any]) -> None:
        self.relisting.take(resource, {"type": kind, "object": manifest})

    @property
    def added(self) -> tuple[list[Key], list[Key], list[Key]]:
        """The keys of Tasks, inputs and versions that were added since the last call."""
        found = self.tasks.keys, self.inputs.keys, self.versions.keys
        self.tasks.keys, self.inputs.keys, self.versions.keys = [], [], []
        return found


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
def test_a_task_is_looked_at_when_it_comes_or_changes(kind: str | None) -> None:
    taken = Taken()
    taken.take(TASKS, kind, task_manifest())
    assert taken.added == ([WEB], [], [])
    taken.take(TASKS, kind, task_manifest(version=101))
    assert taken.added == ([WEB], [], [])


def test_an_older_state_is_ignored() -> None:
    taken = Taken()
    taken.take(TASKS, "ADDED", task_manifest(version=101))
    assert taken.added == ([WEB], [], [])
    taken.take(TASKS, "MODIFIED", task_manifest(version=100))
    assert taken.added == ([], [], [])


def test_the_operators_own_write_is_handled_when_its_event_arrives() -> None:
    taken = Taken()
    taken.stores.inputs.put(input_manifest())
    # The answer to the operator's own write is stored before the watch reports it.
    taken.stores.tasks.put(task_manifest(version=101, status={"phase": "Active"}))
    taken.take(TASKS, "MODIFIED", task_manifest(version=101, status={"phase": "Active"}))
    assert taken.added == ([WEB], [WEB], [])
    taken.stores.inputs.put(input_manifest(version=102, status={"phase": "Rejected"}))
    taken.take(TASK_INPUTS, "MODIFIED", input_manifest(version=102, status={"phase": "Rejected"}))
    assert taken.added == ([WEB], [WEB], [])


def test_an_unchanged_object_that_kopf_lists_again_is_ignored() -> None:
    taken = Taken()
    taken.stores.tasks.put(task_manifest(version=101))
    taken.take(TASKS, None, task_manifest(version=101))
    assert taken.added == ([], [], [])


def test_a_changed_task_has_its_inputs_looked_at_when_there_are_any() -> None:
    taken = Taken()
    taken.stores.inputs.put(input_manifest())
    taken.take(TASKS, "MODIFIED", task_manifest())
    assert taken.added == ([WEB], [WEB], [])


def test_a_deleted_task_is_forgotten_and_looked_at() -> None:
    taken = Taken()
    taken.take(TASKS, "ADDED", task_manifest())
    taken.take(TASKS, "DELETED", task_manifest(version=102))
    assert taken.stores.tasks.get(WEB) is None
    assert taken.added == ([WEB, WEB], [], [])


def test_the_deletion_of_an_earlier_task_of_the_name_leaves_the_new_one() -> None:
    taken = Taken()
    taken.take(TASKS, "ADDED", task_manifest(uid="new", version=105))
    taken.take(TASKS, "DELETED", task_manifest(uid="old", version=104))
    assert taken.stores.tasks.get(WEB) is not None


def test_a_template_version_is_checked_and_all_its_tasks_are_looked_at() -> None:
    taken = Taken()
    for name, version in (("a", "shell-v1"), ("b", "other"), ("c", "shell-v1")):
        taken.stores.tasks.put(task_manifest(name=name, templateVersion=version))
    taken.take(TEMPLATE_VERSIONS, "ADDED", template_version_manifest())
    tasks, inputs, versions = taken.added
    assert sorted(tasks) == [("team", "a"), ("team", "c")]
    assert (inputs, versions) == ([], [SHELL])


def test_a_template_is_checked_and_all_its_tasks_are_looked_at() -> None:
    taken = Taken()
    for name, template in (("a", "shell"), ("b", "other"), ("c", "shell")):
        taken.stores.tasks.put(task_manifest(name=name, template=template, templateVersion=None))
    taken.take(TEMPLATES, "ADDED", template_manifest())
    assert taken.templates.keys == [("team", "shell")]
    assert sorted(taken.tasks.keys) == [("team", "a"), ("team", "c")]


def test_a_version_concerns_the_template_that_makes_it_active_and_its_tasks() -> None:
    taken = Taken()
    taken.stores.templates.put(template_manifest())
    taken.stores.tasks.put(task_manifest(template="shell", templateVersion=None))
    taken.take(TEMPLATE_VERSIONS, "ADDED", template_version_manifest())
    assert (taken.templates.keys, taken.added) == ([("team", "shell")], ([WEB], [], [SHELL]))


def test_a_version_concerns_a_task_that_still_runs_with_it() -> None:
    taken = Taken()
    taken.stores.tasks.put(
        task_manifest(template="shell", templateVersion=None, status={"templateVersion": "shell-v1"})
    )
    taken.take(TEMPLATE_VERSIONS, "DELETED", template_version_manifest())
    assert taken.added == ([WEB], [], [SHELL])


def test_a_secret_concerns_the_tasks_that_name_it() -> None:
    taken = Taken()
    given = [{"name": "token", "secretRef": {"name": "mine", "key": "k"}}, {"name": "branch", "value": "main"}]
    taken.stores.tasks.put(task_manifest(parameters=given))
    taken.stores.tasks.put(task_manifest(name="other"))
    taken.router.secret_changed({"metadata": {"namespace": "team", "name": "mine"}})
    taken.router.secret_changed({"metadata": {"namespace": "team", "name": "another"}})
    taken.router.secret_changed({"metadata": {"namespace": "elsewhere", "name": "mine"}})
    assert taken.added == ([WEB], [], [])


def test_an_input_concerns_the_queue_and_the_task() -> None:
    taken = Taken()
    taken.take(TASK_INPUTS, "ADDED", input_manifest())
    assert taken.added == ([WEB], [WEB], [])


def test_children_concern_their_task() -> None:
    taken = Taken()
    taken.router.child_changed(pod_manifest())
    taken.router.build_changed(build_manifest())
    assert taken.added == ([WEB, WEB], [], [])


async def test_every_kind_is_listed_and_a_list_replaces_what_was_known() -> None:
    taken = Taken()
    taken.cluster.hold(TASKS, task_manifest())
    taken.cluster.hold(TASK_INPUTS, input_manifest())
    taken.cluster.hold(TEMPLATE_VERSIONS, template_version_manifest())
    # Deleted while the watch was down: kopf will never report it.
    taken.stores.tasks.put(task_manifest(name="gone"))
    await taken.relisting.list_all()
    assert {verb: kind for verb, kind, _ in taken.cluster.calls} == {"list": "taskinputs"}
    assert [kind for _, kind, _ in taken.cluster.calls] == ["tasks", "templates", "templateversions", "taskinputs"]
    assert taken.stores.tasks.get(("team", "gone")) is None
    tasks, inputs, versions = taken.added
    assert set(tasks) == {WEB, ("team", "gone")}
    assert (inputs, versions) == ([WEB], [SHELL])


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
    await until(lambda: len(taken.cluster.calls) == 2)
    await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert taken.cluster.calls == [("list", "tasks", "")] * 2
    assert [record.getMessage() for record in caplog.records] == ["tasks: TEST /x: away; listing again later"]
    assert taken.added[0] == [WEB, WEB]


async def test_it_also_lists_periodically(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relisting_module, "RELIST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(relisting_module, "RELIST_EVERY_SECONDS", 0.01)
    taken = Taken()
    keeping = asyncio.create_task(taken.relisting.keep_listed())
    await until(lambda: len(taken.cluster.calls) >= 8)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert {kind for _, kind, _ in taken.cluster.calls} == {"tasks", "templates", "templateversions", "taskinputs"}
