"""From events to keys."""

from __future__ import annotations

import pytest

from taskyard.controller.cache.kinds import NameView
from taskyard.core.parameters import Examined
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS, TEMPLATES
from taskyard.core.task_view import TaskView
from unit.controller.event_router_harness import SHELL, WEB, Taken
from unit.core.builders import (
    build,
    claim,
    input_manifest,
    pod,
    reservation,
    task_input,
    task_manifest,
    template_manifest,
    template_version_manifest,
)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED"])
def test_a_task_is_looked_at_when_it_comes_or_changes(kind: str) -> None:
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


def test_what_a_live_read_has_shown_is_handled_when_its_event_arrives() -> None:
    taken = Taken()
    taken.stores.inputs.put(input_manifest())
    taken.stores.tasks.put(task_manifest(version=101, status={"phase": "Active"}))
    taken.take(TASKS, "MODIFIED", task_manifest(version=101, status={"phase": "Active"}))
    assert taken.added == ([WEB], [WEB], [])


def test_the_operators_own_write_is_no_news_when_its_event_arrives() -> None:
    taken = Taken()
    written = task_manifest(version=101, status={"phase": "Active"})
    taken.stores.tasks.put(written)
    taken.stores.own_writes.add(TaskView.of(written))
    taken.take(TASKS, "MODIFIED", written)
    assert taken.added == ([], [], [])
    # Once: the next state is somebody else's, and kopf's lists are compared with the store.
    taken.take(TASKS, "MODIFIED", task_manifest(version=102, status={"phase": "Active"}))
    assert taken.added == ([WEB], [], [])


def test_a_deletion_is_news_whoever_wrote_last() -> None:
    taken = Taken()
    written = task_manifest(version=101)
    taken.stores.tasks.put(written)
    taken.stores.own_writes.add(TaskView.of(written))
    taken.take(TASKS, "DELETED", written)
    assert taken.added == ([WEB], [], [])
    assert len(taken.stores.tasks) == 0


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
    taken.router.secret_changed(NameView("team", "mine", "uid-1", 7))
    taken.router.secret_changed(NameView("team", "another", "uid-2", 7))
    taken.router.secret_changed(NameView("elsewhere", "mine", "uid-3", 7))
    assert taken.added == ([WEB], [], [])


def test_a_secret_concerns_the_tasks_that_may_name_it_since_what_they_name_is_too_large_to_be_kept() -> None:
    taken = Taken()
    large = [{"name": f"p{number}", "value": "x" * 8_000} for number in range(2)]
    token = {"name": "token", "secretRef": {"name": "mine", "key": "k"}}
    for name, given in (("large", [*large, token]), ("other", [])):
        taken.take(TASKS, "ADDED", task_manifest(name=name, uid=f"uid-{name}", parameters=given))
        key = ("team", name)
        taken.stores.examined[key] = Examined(f"uid-{name}", 1, "template-1", None)
    taken.tasks.keys.clear()
    taken.router.secret_changed(NameView("team", "mine", "uid-1", 7))
    taken.router.secret_changed(NameView("elsewhere", "mine", "uid-3", 7))
    assert taken.tasks.keys == [("team", "large")]
    assert list(taken.stores.examined) == [("team", "other")], "what was found about the others holds"


def test_an_input_concerns_the_queue_and_the_task() -> None:
    taken = Taken()
    taken.router.input_changed(task_input())
    assert taken.added == ([WEB], [WEB], [])


def test_children_concern_their_task() -> None:
    taken = Taken()
    taken.router.child_changed(pod())
    taken.router.child_changed(build())
    taken.router.child_changed(claim())
    assert taken.added == ([WEB, WEB, WEB], [], [])


def test_a_task_that_was_never_started_goes_before_those_that_a_start_only_looks_at() -> None:
    taken = Taken()
    _, changed = next(entry for entry in taken.router.watched if entry[0] is taken.stores.tasks)
    changed(TaskView.of(task_manifest(name="started", status={"build": reservation(1)})))
    assert taken.tasks.news == []
    changed(TaskView.of(task_manifest(name="new")))
    assert taken.tasks.news == [("team", "new")]
