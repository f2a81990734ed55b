"""The operator's metrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from taskyard.controller.cache.stores import Stores
from taskyard.controller.observability.metrics import Metrics
from taskyard.controller.queue import KeyedQueue
from unit.controller.fakes import api_error
from unit.core.builders import at, build_manifest, input_manifest, reservation, task_manifest, template_version_manifest


class MetricsHarness:
    """Stores that the metrics observe, half a minute after the builds' reservation."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.metrics = Metrics(clock=self.clock)
        self.metrics.observe_stores(self.stores)

    def clock(self) -> datetime:
        return at(30)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_tasks_are_counted_by_phase_and_state() -> None:
    harness = MetricsHarness()
    for number, status in enumerate(
        [
            {"phase": "Active", "state": {"state": "Working"}},
            {"phase": "Active", "state": {"state": "Working"}},
            {"phase": "Paused"},
            {},
        ]
    ):
        harness.stores.tasks.put(task_manifest(name=f"t{number}", uid=f"u{number}", status=status))
    assert harness.value("taskyard_tasks", phase="Active", state="Working") == 2
    assert harness.value("taskyard_tasks", phase="Paused", state="none") == 1
    assert harness.value("taskyard_tasks", phase="Pending", state="none") == 1
    assert harness.value("taskyard_tasks", phase="Error", state="none") == 0


def test_whether_it_leads_is_asked_at_each_scrape() -> None:
    harness, leads = MetricsHarness(), False
    harness.metrics.observe_leader(lambda: leads)
    assert harness.value("taskyard_leader") == 0
    leads = True
    assert harness.value("taskyard_leader") == 1


def test_a_build_is_counted_when_it_ends_with_its_time() -> None:
    harness = MetricsHarness()
    harness.stores.tasks.put(task_manifest(status={"phase": "Pending", "build": reservation()}))
    harness.stores.builds.put(build_manifest())
    harness.stores.builds.put(build_manifest(phase="Succeeded", version=101))
    harness.stores.builds.put(build_manifest(phase="Succeeded", version=102))
    labels = {"transition": "Start", "reason": "Initial"}
    assert harness.value("taskyard_builds_total", **labels, result="Succeeded") == 1
    assert harness.value("taskyard_builds_total", **labels, result="Failed") == 0
    assert harness.value("taskyard_build_duration_seconds_sum", transition="Start", result="Succeeded") == 30


def test_builds_that_had_ended_before_are_not_counted() -> None:
    harness = MetricsHarness()
    harness.stores.builds.put(build_manifest(phase="Succeeded"))
    assert harness.value("taskyard_builds_total", transition="Start", reason="Initial", result="Succeeded") == 0


@pytest.mark.parametrize(
    ("before", "reason", "counted"),
    [
        pytest.param("Initializing", "Initial", 1, id="first start"),
        pytest.param("Initializing", "Resume", 1, id="resume"),
        pytest.param("Error", "Initial", 0, id="back from an error"),
    ],
)
def test_a_start_ends_when_the_task_becomes_active(before: str, reason: str, counted: int) -> None:
    harness = MetricsHarness()
    for version, phase in enumerate([before, "Active"], start=100):
        status = {"phase": phase, "build": reservation(reason=reason)}
        harness.stores.tasks.put(task_manifest(version=version, status=status))
    assert harness.value("taskyard_start_duration_seconds_count", reason=reason) == counted
    assert harness.value("taskyard_start_duration_seconds_sum", reason=reason) == 30 * counted


@pytest.mark.parametrize(
    ("status", "result"),
    [
        pytest.param({"phase": "Delivered"}, "Delivered", id="delivered"),
        pytest.param({"phase": "Delivered", "message": "in doubt"}, "InDoubt", id="in doubt"),
        pytest.param({"phase": "Rejected", "message": "blank"}, "Rejected", id="rejected"),
    ],
)
def test_an_input_is_counted_once_by_its_end(status: dict[str, Any], result: str) -> None:
    harness = MetricsHarness()
    for version, each in enumerate([{"phase": "Queued"}, {"phase": "Queued", "order": 1}, status, status], start=100):
        harness.stores.inputs.put(input_manifest(version=version, status=each))
    found = {name: harness.value("taskyard_inputs_total", result=name) for name in ("Delivered", "InDoubt", "Rejected")}
    assert found == {name: float(name == result) for name in found}


def test_inputs_that_found_no_room_are_counted_by_the_bound() -> None:
    harness = MetricsHarness()
    for name, reason in (("a", "QueueFull"), ("b", "NamespaceQueueFull"), ("c", "QueueFull"), ("d", None)):
        for version, status in ((100, {"phase": "Queued"}), (101, {"phase": "Rejected", "reason": reason})):
            harness.stores.inputs.put(input_manifest(name, version=version, status=status))
    assert harness.value("taskyard_inputs_refused_total", bound="QueueFull") == 2
    assert harness.value("taskyard_inputs_refused_total", bound="NamespaceQueueFull") == 1
    assert harness.value("taskyard_inputs_total", result="Rejected") == 4


def test_inputs_that_wait_are_counted_at_each_scrape() -> None:
    harness = MetricsHarness()
    for name in "ab":
        harness.stores.inputs.put(input_manifest(name))
    harness.stores.inputs.put(input_manifest("c", status={"phase": "Delivered"}))
    assert harness.value("taskyard_inputs_queued") == 2


def test_the_bytes_of_pod_templates_are_told() -> None:
    harness = MetricsHarness()
    harness.stores.template_versions.put(template_version_manifest())
    assert harness.value("taskyard_pod_template_bytes") == harness.stores.pod_templates.bytes > 50


async def test_work_is_measured_and_its_faults_are_counted() -> None:
    harness, faults = MetricsHarness(), [None, api_error(500), KeyError("x")]

    async def work(key: tuple[str, str]) -> None:
        fault = faults.pop(0)
        if fault:
            raise fault

    measured = harness.metrics.measured("tasks", work)
    await measured(("team", "web"))
    for kind in (Exception, KeyError):
        with pytest.raises(kind):
            await measured(("team", "web"))
    assert harness.value("taskyard_reconcile_duration_seconds_count", queue="tasks") == 3
    assert harness.value("taskyard_reconcile_errors_total", queue="tasks", kind="ApiError") == 1
    assert harness.value("taskyard_reconcile_errors_total", queue="tasks", kind="Defect") == 1


async def test_a_queue_shows_its_depth_and_the_age_of_its_head() -> None:
    harness, queue = MetricsHarness(), KeyedQueue("task", workers=1)
    harness.metrics.observe_queues({"tasks": queue})
    assert harness.value("taskyard_queue_age_seconds", queue="tasks") == 0
    queue.add(("team", "one"))
    queue.add(("team", "two"))
    assert harness.value("taskyard_queue_depth", queue="tasks") == 2
    assert 0 < (harness.value("taskyard_queue_age_seconds", queue="tasks") or 0) < 1


def test_a_request_without_an_answer_has_no_code() -> None:
    harness = MetricsHarness()
    harness.metrics.api_request("PATCH", 409)
    harness.metrics.api_request("WATCH", 0)
    assert harness.value("taskyard_api_requests_total", component="operator", verb="PATCH", code="409") == 1
    assert harness.value("taskyard_api_requests_total", component="operator", verb="WATCH", code="none") == 1


def test_names_that_people_chose_are_in_no_label() -> None:
    harness = MetricsHarness()
    status = {"phase": "Active", "build": reservation(task="zebra"), "state": {"state": "Idle", "message": "zebra"}}
    harness.stores.tasks.put(task_manifest(name="zebra", namespace="zebra", status=status))
    harness.stores.builds.put(build_manifest(task="zebra"))
    harness.stores.builds.put(build_manifest(task="zebra", phase="Failed", message="zebra", version=101))
    assert b"zebra" not in harness.metrics.render()
