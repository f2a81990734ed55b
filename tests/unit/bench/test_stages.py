"""How far Pods and Tasks have come."""

from typing import Any

import pytest

from bench import stages
from bench.start import bare_pod, middle_of


def pod(*conditions: str, state: str = "waiting") -> dict[str, Any]:
    return {
        "metadata": {"name": "one"},
        "status": {
            "conditions": [
                {"type": name.removeprefix("not "), "status": str(not name.startswith("not "))} for name in conditions
            ],
            "containerStatuses": [{"name": "agent", "state": {state: {}}}],
        },
    }


@pytest.mark.parametrize(
    ("found", "reached"),
    [
        pytest.param({"metadata": {"name": "one"}}, {stages.CREATED}, id="new"),
        pytest.param(pod("not PodScheduled"), {stages.CREATED}, id="waits for a node"),
        pytest.param(pod("PodScheduled", "not Ready"), {stages.CREATED, stages.SCHEDULED}, id="bound"),
        pytest.param(
            pod("PodScheduled", "PodReadyToStartContainers", "not Ready", state="running"),
            {stages.CREATED, stages.SCHEDULED, stages.SANDBOX, stages.RUNNING},
            id="its agent runs",
        ),
        pytest.param(
            pod("PodScheduled", "Initialized", "Ready", state="running"),
            {stages.CREATED, stages.SCHEDULED, stages.RUNNING, stages.READY},
            id="ready",
        ),
    ],
)
def test_a_pod_shows_the_stages_it_has_reached(found: dict[str, Any], reached: set[str]) -> None:
    assert stages.of_pod(found) == reached


def test_a_task_shows_its_phase_in_its_build() -> None:
    assert stages.of_task({"metadata": {"name": "one"}}) == set()
    assert stages.of_task({"status": {"phase": "Active", "build": {"number": 3}}}) == {"Active 3"}


def test_the_middle_of_several_courses_is_taken_stage_by_stage() -> None:
    courses = [{"created": 1.0, "ready": 9.0}, {"created": 3.0, "ready": 7.0}, {"created": 2.0, "ready": 8.0}]
    assert middle_of(courses) == {"created": 2.0, "ready": 8.0}


def test_a_bare_pod_has_the_same_images_and_the_home_and_waits_for_nothing() -> None:
    sidecar = {"name": "sidecar", "image": "taskyard", "restartPolicy": "Always", "readinessProbe": {}, "lifecycle": {}}
    agent = {"name": "agent", "image": "debian", "command": ["taskyard-init"], "env": [{"name": "A", "value": "b"}]}
    claim = {"name": "home", "persistentVolumeClaim": {"claimName": "one-home"}}
    spec = {
        "nodeName": "node",
        "initContainers": [sidecar],
        "containers": [agent],
        "volumes": [{"name": "bin", "emptyDir": {}}, claim],
    }
    assert bare_pod({"spec": spec})["spec"] == {
        "initContainers": [
            {"name": "sidecar", "image": "taskyard", "restartPolicy": "Always", "command": ["sleep", "3600"]}
        ],
        "containers": [
            {
                "name": "agent",
                "image": "debian",
                "command": ["sleep", "3600"],
                "volumeMounts": [{"name": "home", "mountPath": "/home/agent"}],
            }
        ],
        "volumes": [claim],
        "terminationGracePeriodSeconds": 0,
    }
    assert spec["containers"] == [agent] and agent["command"] == ["taskyard-init"]
