"""Views: the values that are read from the API objects."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.pod_view import SIDECAR, ContainerView, PodView
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from unit.core.builders import (
    NOW,
    at,
    build,
    build_manifest,
    claim_manifest,
    container_status,
    observed,
    pod,
    pod_manifest,
    reservation,
    task,
    task_manifest,
    template_version_manifest,
)


def test_a_task_as_it_is_first_seen() -> None:
    manifest = task_manifest()
    del manifest["status"]
    view = TaskView.of(manifest)
    assert (view.paused, view.title, view.idle_timeout, view.resumed_at) == (False, "Mend the door", None, None)
    assert (view.build, view.reserved_number, view.status, view.deleting) == (None, 0, {}, False)


def test_a_task_with_everything() -> None:
    view = task(
        paused=True,
        displayName="Door",
        idleTimeout="1h",
        resumed_at="noon",
        deleting=True,
        status={"build": reservation(4)},
    )
    assert (view.paused, view.title, view.idle_timeout, view.resumed_at) == (True, "Door", "1h", "noon")
    assert (view.reserved_number, view.deleting) == (4, True)
    assert (view.prompt_sha256, view.resource_version) == (hashlib.sha256(b"mend the door").hexdigest(), "100")
    assert view.created_at == at(-60)


@pytest.mark.parametrize(
    ("phase", "finished"),
    [
        (None, False),
        ("Pending", False),
        ("Running", False),
        ("Succeeded", True),
        ("Failed", True),
        ("Canceled", True),
    ],
)
def test_a_build_is_finished(phase: str | None, finished: bool) -> None:
    assert build(phase=phase).finished is finished


def test_a_builds_times() -> None:
    manifest = build_manifest(phase="Succeeded")
    assert BuildView.of(manifest).finished_at is None
    manifest["status"]["finishedAt"] = "2026-01-31T12:00:07Z"
    view = BuildView.of(manifest)
    assert (view.created_at, view.finished_at) == (NOW, at(7))


def test_a_pod_that_nobody_has_touched_yet() -> None:
    manifest = pod_manifest(node=None)
    del manifest["status"], manifest["metadata"]["annotations"]
    view = PodView.of(manifest)
    assert (view.phase, view.node, view.ip, view.unschedulable) == ("Pending", None, None, None)
    assert (view.agent, view.sidecar, view.containers) == (None, None, ())
    assert not view.ended


def test_agent_and_sidecar_are_found_by_their_names() -> None:
    view = pod()
    assert view.agent
    assert view.sidecar
    assert (view.agent.name, view.sidecar.name) == ("agent", SIDECAR)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"status": "False", "reason": "Unschedulable", "message": "no room"}, "no room", id="message"),
        pytest.param({"status": "False", "reason": "SchedulingGated"}, "SchedulingGated", id="reason alone"),
        pytest.param({"status": "True"}, None, id="scheduled"),
    ],
)
def test_why_a_pod_is_not_scheduled(condition: dict[str, str], expected: str | None) -> None:
    manifest = pod_manifest(node=None)
    manifest["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "message": "other"},
        {"type": "PodScheduled", **condition},
    ]
    assert PodView.of(manifest).unschedulable == expected


@pytest.mark.parametrize(
    ("status", "running", "waiting", "exit_code", "last"),
    [
        pytest.param(container_status(), True, None, None, None, id="running"),
        pytest.param(container_status(state="waiting", reason="X"), False, "X", None, None, id="waiting"),
        pytest.param(container_status(state="terminated", exit_code=3), False, None, 3, None, id="terminated"),
        pytest.param(container_status(state="terminated"), False, None, 0, None, id="terminated well"),
        pytest.param(
            container_status(state="waiting", reason="X", last_exit_code=137), False, "X", None, 137, id="again"
        ),
        pytest.param({"name": "agent"}, False, None, None, None, id="nothing known"),
    ],
)
def test_container(
    status: dict[str, Any], running: bool, waiting: str | None, exit_code: int | None, last: int | None
) -> None:
    view = ContainerView.of(status)
    assert (view.running, view.waiting_reason, view.exit_code, view.last_exit_code) == (
        running,
        waiting,
        exit_code,
        last,
    )


def test_template_version() -> None:
    view = TemplateVersionView.of(
        template_version_manifest(startTimeoutSeconds=90, idleTimeout="1h", runtimeClassName="gvisor")
    )
    assert (view.name, view.template, view.agent_container, view.protocol) == ("shell-v1", "shell", "agent", "Terminal")
    assert (view.start_timeout, view.idle_timeout, view.runtime_class_name) == (timedelta(seconds=90), "1h", "gvisor")
    bare = TemplateVersionView.of(template_version_manifest(agent=None, home=None))
    assert (bare.agent_container, bare.protocol, bare.home) == (None, None, None)


def test_null_is_absence_in_a_versions_pod() -> None:
    pod_template = {
        "metadata": {"labels": None},
        "spec": {"securityContext": None, "containers": [{"name": "agent", "env": None, "args": [""]}, None]},
    }
    assert TemplateVersionView.of(template_version_manifest(pod=pod_template)).pod == {
        "metadata": {},
        "spec": {"containers": [{"name": "agent", "args": [""]}]},
    }


@pytest.mark.parametrize(
    ("reserved", "builds", "pending"),
    [
        pytest.param(None, (), None, id="none"),
        pytest.param(1, (), 1, id="the first is to be created"),
        pytest.param(1, (build(1),), None, id="the first exists"),
        pytest.param(2, (build(1),), 2, id="the second is to be created"),
        pytest.param(1, (build(1), build(2)), None, id="the status is behind"),
    ],
)
def test_pending_reservation(reserved: int | None, builds: tuple[BuildView, ...], pending: int | None) -> None:
    seen = observed(task(status={"build": reservation(reserved)} if reserved else {}), builds=builds)
    found = seen.pending_reservation
    assert (found["number"] if found else None) == pending


@pytest.mark.parametrize(
    ("of", "pods", "expected"),
    [
        pytest.param(build(), (pod(uid="a"),), "a", id="by name until the UID is recorded"),
        pytest.param(build(pod_uid="a"), (pod(uid="b"), pod(2, uid="a")), "a", id="by UID from then on"),
        pytest.param(build(pod_uid="a"), (pod(uid="b"),), None, id="another of its name is not it"),
        pytest.param(build(2), (pod(1),), None, id="an earlier build's is not it"),
    ],
)
def test_the_pod_of_a_build(of: BuildView, pods: tuple[PodView, ...], expected: str | None) -> None:
    found = observed(builds=(of,), pods=pods).pod_of(of)
    assert (found.uid if found else None) == expected


def test_of_many_containers_the_agent_and_those_that_wait_are_seen_in_their_order() -> None:
    others = [container_status(f"c{number:02}") for number in range(30)]
    others[20] = container_status("c20", "waiting", reason="ImagePullBackOff", message="m" * 5_000)
    manifest = pod_manifest()
    manifest["status"]["containerStatuses"] = [*others, container_status("agent", ready=True)]
    manifest["status"]["initContainerStatuses"] = [*others[:20], container_status(SIDECAR)]
    found = PodView.of(manifest)
    assert [container.name for container in found.containers] == [
        *(f"c0{number}" for number in range(6)),
        "c20",
        "agent",
    ]
    assert len(found.containers[6].waiting_message or "") == 1_024
    assert found.agent and found.sidecar and len(found.init_containers) == 8


def test_a_claim_that_names_a_volume_by_more_than_a_name_is_not_taken_for_an_empty_one() -> None:
    manifest = claim_manifest()
    manifest["spec"]["volumeName"], manifest["status"] = "v" * 100_000, {"phase": "Pending"}
    found = ClaimView.of(manifest)
    assert not found.is_empty and len(found.volume or "") < 300
