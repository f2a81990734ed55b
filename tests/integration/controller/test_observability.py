"""Events and metrics of a real operator, while a Task starts and is paused."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import manifests
import plainhttp
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, phase_is
from localcluster import programs

EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"
START = ["BuildStarted", "Active"]
PAUSE = ["BuildStarted", "Paused"]

Object = dict[str, Any]


@pytest.fixture
def paused(kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str) -> Iterator[str]:
    """The namespace of a Task that was started, has worked, and was paused."""
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)
    report(kube, namespace, "Working", "Reading the code")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    yield namespace


def report(kube: Kube, namespace: str, state: str, message: str) -> None:
    """Writes what the gateway writes when the agent reports."""
    status = {"state": {"state": state, "message": message, "timestamp": "2026-01-01T00:00:00Z", "build": 1}}
    kube.patch("tasks", namespace, "hello", {"status": status}, subresource="status")


def events(kube: Kube, namespace: str) -> list[Object]:
    """The Events of the Task, oldest first."""
    uid = (kube.get("tasks", namespace, "hello") or {})["metadata"]["uid"]
    found = kube.request("GET", EVENTS.format(namespace))["items"]
    return sorted((e for e in found if e["regarding"].get("uid") == uid), key=lambda e: e["eventTime"])


def wait_for_events(kube: Kube, namespace: str, count: int) -> list[Object]:
    """Returns the Events once there are `count` of them."""
    end = time.monotonic() + 15
    while len(found := events(kube, namespace)) < count and time.monotonic() < end:
        time.sleep(0.05)
    return found


def samples(operator: OperatorProcess) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The parsed samples of `/metrics`."""
    answer = plainhttp.get(f"{operator.address}/metrics").raise_for_status()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def sample(operator: OperatorProcess, name: str, **labels: str) -> float:
    return samples(operator)[name, tuple(sorted(labels.items()))]


def test_each_build_and_each_change_of_phase_and_state_has_one_event(kube: Kube, paused: str) -> None:
    found = wait_for_events(kube, paused, len(START + PAUSE))
    assert Counter(event["reason"] for event in found) == Counter(START + PAUSE)
    assert all("series" not in event and event["type"] == "Normal" for event in found)
    notes = {event["note"] for event in found}
    assert {"Build hello-1 (Start, Initial) has begun.", "Build hello-2 (Stop, ManualPause) has begun."} <= notes
    assert "Reading the code" not in notes, "a build's first Working is no news"
    assert {event["reportingController"] for event in found} == {"taskyard.dev/operator"}


def kubectl(kubeconfig: Path, *arguments: str) -> str:
    return subprocess.run(
        [programs.kubectl(), "--kubeconfig", kubeconfig, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HOME": "/nonexistent"},
    ).stdout


def test_the_events_are_in_kubectl_describe_and_kubectl_events(kube: Kube, kubeconfig: Path, paused: str) -> None:
    wait_for_events(kube, paused, len(START + PAUSE))
    described = kubectl(kubeconfig, "describe", "task", "hello", "-n", paused)
    table = described[described.index("\nEvents:") :]
    assert "taskyard.dev/operator" in table
    told = kubectl(kubeconfig, "events", "--for", "task/hello", "-n", paused)
    for reason in START + PAUSE:
        assert f" {reason} " in table, table
        assert f" {reason} " in told, told


def test_a_restarted_operator_repeats_no_event(kube: Kube, operator: OperatorProcess, paused: str) -> None:
    before = wait_for_events(kube, paused, len(START + PAUSE))
    operator.kill()
    operator.wait_dead()
    operator.start()
    operator.wait_ready()
    time.sleep(1)
    assert [e["metadata"]["name"] for e in events(kube, paused)] == [e["metadata"]["name"] for e in before]


def test_the_events_of_a_flapping_agent_are_counted_in_one_series(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)
    for _ in range(40):
        report(kube, namespace, "Working", "Thinking")
        report(kube, namespace, "Idle", "Waiting")
    time.sleep(1)
    found = events(kube, namespace)
    reasons = Counter(event["reason"] for event in found)
    assert (reasons["AgentWorking"], reasons["AgentIdle"]) == (1, 1)
    counts = [event["series"]["count"] for event in found if event["reason"].startswith("Agent")]
    assert all(2 <= count <= 40 for count in counts), counts
    assert sample(operator, "taskyard_events_dropped_total", cause="Limited") == 0


def ask(kube: Kube, namespace: str, message: str | None) -> None:
    """Writes what the gateway writes when the agent asks something, and when nothing is asked any more."""
    conditions = (kube.get("tasks", namespace, "hello") or {})["status"]["conditions"]
    asked = {
        "type": "InputRequired",
        "status": "True" if message else "False",
        "reason": "WaitsForInput" if message else "NothingAsked",
        "message": message or "The agent asks nothing.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"conditions": [*(c for c in conditions if c["type"] != "InputRequired"), asked]}
    kube.patch("tasks", namespace, "hello", {"status": status}, subresource="status")


def test_a_question_is_one_event_also_after_a_restart_of_the_operator(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)
    first, second = (f'rm waits for input: "Delete {name}?". Its id: {name}' for name in ("one", "two"))

    def told(count: int) -> list[str]:
        end = time.monotonic() + 10
        while True:
            notes = [event["note"] for event in events(kube, namespace) if event["reason"] == "InputRequired"]
            if len(notes) >= count or time.monotonic() > end:
                return notes
            time.sleep(0.05)

    for message in (first, None, first):
        ask(kube, namespace, message)
        time.sleep(0.3)
    assert told(1) == [first]
    ask(kube, namespace, None)
    operator.kill()
    operator.wait_dead()
    operator.start()
    operator.wait_ready()
    for message in (first, second):
        ask(kube, namespace, message)
        time.sleep(0.3)
    assert told(2) == [first, second]
    assert not any("series" in event for event in events(kube, namespace) if event["reason"] == "InputRequired")
    assert sample(operator, "taskyard_events_dropped_total", cause="Failed") == 0


def test_metrics_count_what_happened(operator: OperatorProcess, paused: str) -> None:
    found = samples(operator)

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    # The operator sees every namespace: other tests may have left Tasks in theirs.
    assert value("taskyard_tasks", phase="Paused", state="Working") >= 1
    assert value("taskyard_builds_total", transition="Start", reason="Initial", result="Succeeded") == 1
    assert value("taskyard_builds_total", transition="Stop", reason="ManualPause", result="Succeeded") == 1
    assert sum(number for (name, _), number in found.items() if name == "taskyard_builds_total") == 2
    assert value("taskyard_start_duration_seconds_count", reason="Initial") == 1
    assert 0 < value("taskyard_start_duration_seconds_sum", reason="Initial") < 30
    assert value("taskyard_build_duration_seconds_count", transition="Stop", result="Succeeded") == 1
    assert value("taskyard_queue_depth", queue="tasks") == 0
    assert value("taskyard_queue_age_seconds", queue="tasks") == 0
    assert value("taskyard_reconcile_duration_seconds_count", queue="tasks") >= 2
    assert value("taskyard_reconcile_errors_total", queue="tasks", kind="Defect") == 0
    assert value("taskyard_api_requests_total", component="operator", verb="PATCH", code="200") >= 3
    assert value("taskyard_api_requests_total", component="operator", verb="WATCH", code="200") >= 3
    assert all(not name.endswith("_created") for name, _ in found)
