"""Which Pod is the Pod of a Task's newest start build."""

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.core.ownership import TaskOwner
from taskyard.gateway.sidecars.objects import Build, Task, build_from, task_from
from taskyard.gateway.sidecars.pod_binding import PodBinding, needs_builds, newest_start, pod_binding_of
from unit.gateway.sidecars.builders import BUILD, EVIDENCE, TASK


def build(**changes: Any) -> Build:
    return replace(BUILD, **changes)


def task(**changes: Any) -> Task:
    return replace(TASK, **changes)


@pytest.mark.parametrize(
    ("changes", "binding"),
    [
        pytest.param({}, PodBinding.CURRENT, id="recorded Pod of the newest start build"),
        pytest.param({"build": None}, PodBinding.NO_BUILD, id="no build of its name"),
        pytest.param({"build": build(owner=None)}, PodBinding.NO_BUILD, id="build of nobody"),
        pytest.param({"build": build(transition=Transition.STOP)}, PodBinding.NOT_A_START, id="stop build"),
        pytest.param({"task": None}, PodBinding.NO_TASK, id="Task deleted"),
        pytest.param({"task": task(uid="other")}, PodBinding.NO_TASK, id="Task made again under its name"),
        pytest.param({"task": task(deleting=True)}, PodBinding.TASK_DELETED, id="Task being deleted"),
        pytest.param({"newest_start": 2}, PodBinding.SUPERSEDED, id="newer start build"),
        pytest.param({"newest_start": 0}, PodBinding.UNRECORDED, id="Task knows no build"),
        pytest.param({"build": build(pod_uid="")}, PodBinding.UNRECORDED, id="no Pod recorded"),
        pytest.param({"build": build(pod_uid="x")}, PodBinding.ANOTHER_POD, id="another Pod recorded"),
        pytest.param({"build": build(pod_uid="", phase=BuildPhase.FAILED)}, PodBinding.BUILD_ENDED, id="start failed"),
        pytest.param(
            {"build": build(pod_uid="", phase=BuildPhase.CANCELED)}, PodBinding.BUILD_ENDED, id="start canceled"
        ),
        pytest.param(
            {"build": build(pod_uid=""), "newest_start": 2}, PodBinding.SUPERSEDED, id="superseded before recorded"
        ),
        pytest.param(
            {"build": build(pod_uid="x"), "newest_start": 0}, PodBinding.UNRECORDED, id="Task restored from an old copy"
        ),
    ],
)
def test_the_binding_of_a_pod_to_its_task(changes: dict[str, Any], binding: PodBinding) -> None:
    assert pod_binding_of(replace(EVIDENCE, **changes)) is binding


@pytest.mark.parametrize(
    ("found", "builds", "number"),
    [
        pytest.param(task(newest_number=0, newest_transition=None), [], 0, id="before the first build"),
        pytest.param(task(newest_number=3), [], 3, id="a start that is only reserved yet"),
        pytest.param(
            task(newest_number=2, newest_transition=Transition.STOP),
            [build(), build(number=2, transition=Transition.STOP)],
            1,
            id="a stop after a start",
        ),
        pytest.param(
            task(newest_number=4, newest_transition=Transition.STOP),
            [
                build(),
                build(number=2, transition=Transition.STOP),
                build(number=3),
                build(number=4, transition=Transition.STOP),
            ],
            3,
            id="stopped again",
        ),
        pytest.param(
            task(newest_number=2, newest_transition=Transition.STOP),
            [build(), build(number=9, owner=TaskOwner("hello", "former task"))],
            1,
            id="builds of an earlier Task do not count",
        ),
        pytest.param(
            task(newest_number=2, newest_transition=Transition.STOP),
            [build(), build(number=9, owner=None)],
            1,
            id="builds of no Task do not count",
        ),
        pytest.param(task(newest_number=2, newest_transition=Transition.STOP), [], 0, id="its builds were removed"),
    ],
)
def test_the_newest_start_build(found: Task, builds: list[Build], number: int) -> None:
    assert newest_start(found, builds) == number


def test_builds_are_read_only_when_the_newest_is_a_stop() -> None:
    assert not needs_builds(task())
    assert not needs_builds(task(newest_number=0, newest_transition=None))
    assert needs_builds(task(newest_transition=Transition.STOP))


def test_only_a_controlling_task_owns_a_build() -> None:
    def owner(**changes: Any) -> Build:
        reference = {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": "Task",
            "name": "hello",
            "uid": "task-uid",
            "controller": True,
            **changes,
        }
        metadata = {"namespace": "demo", "name": "hello-1", "ownerReferences": [reference]}
        return build_from({"metadata": metadata, "spec": {"number": 1, "transition": "Start"}})

    assert owner().owner == TaskOwner("hello", "task-uid")
    assert owner(apiVersion="taskyard.dev/v2").owner == TaskOwner("hello", "task-uid")
    assert owner(controller=False).owner is None
    assert owner(kind="Pod").owner is None
    assert owner(apiVersion="tekton.dev/v1").owner is None


def test_objects_without_a_status_are_read() -> None:
    metadata = {"namespace": "demo", "name": "hello", "uid": "u", "resourceVersion": "1", "deletionTimestamp": "x"}
    found = task_from({"metadata": metadata, "spec": {"prompt": "p", "templateVersion": "v"}})
    assert (found.newest_number, found.newest_transition, found.template_version, found.deleting) == (
        0,
        None,
        "v",
        True,
    )
    assert build_from({"metadata": metadata}).pod_uid == ""


def test_words_of_a_newer_operator_are_no_start_and_no_end() -> None:
    metadata = {"namespace": "demo", "name": "hello-1"}
    spec = {"number": 1, "transition": "Restart", "reason": "Whim"}
    found = build_from({"metadata": metadata, "spec": spec, "status": {"phase": "Dreaming"}})
    assert (found.transition, found.phase) == (None, None)
    assert pod_binding_of(replace(EVIDENCE, build=build(transition=None))) is PodBinding.NOT_A_START
    assert pod_binding_of(replace(EVIDENCE, build=build(phase=None))) is PodBinding.CURRENT
