"""What ended a Pod, read off its status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taskyard.core.pod_end import DISRUPTIONS, EndCause, PodEnd, cause_of
from taskyard.core.pod_view import SIDECAR
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, at, container_status, pod_manifest

SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
KUBELET = "TerminationByKubelet"


def ended_at(seconds: float | None, name: str = "agent", *, exit_code: int = 0) -> dict[str, Any]:
    """A container that ended so long after the Pod's deletion."""
    return container_status(
        name, "terminated", exit_code=exit_code, finished_at=None if seconds is None else at(seconds)
    )


@pytest.mark.parametrize(
    ("fields", "reason", "is_disruption"),
    [
        *(
            pytest.param({"disruption": reason, "deleting": True}, reason, True, id=reason)
            for reason in sorted(DISRUPTIONS)
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Terminated", "message": SHUTDOWN, "disruption": KUBELET},
            "NodeShutdown",
            True,
            id="node shutdown",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "NodeShutdown", "message": "Pod was rejected as the node is shutting down."},
            "NodeShutdown",
            True,
            id="rejected by a node that shuts down",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "low on ephemeral-storage", "disruption": KUBELET},
            "Evicted",
            False,
            id="evicted by the kubelet",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "disruption": "DeletionByPodGC"},
            "Evicted",
            False,
            id="evicted by the kubelet, then collected",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Preempting", "disruption": KUBELET}, "Preempting", False, id="preempted"
        ),
        pytest.param({"phase": "Failed", "disruption": KUBELET}, "PodFailed", False, id="by the kubelet, unexplained"),
        pytest.param({"phase": "Failed", "reason": "DeadlineExceeded"}, "DeadlineExceeded", False, id="deadline"),
        pytest.param({"phase": "Failed"}, "PodFailed", False, id="failed"),
        pytest.param({"phase": "Succeeded"}, "PodSucceeded", False, id="succeeded"),
        pytest.param({"deleting": True}, "Deleted", False, id="by hand"),
        pytest.param(
            {"deleting": True, "phase": "Failed", "agent": ended_at(5, exit_code=143)},
            "Deleted",
            False,
            id="by hand, and its containers have ended since",
        ),
        pytest.param(
            {"deleting": True, "phase": "Succeeded", "agent": ended_at(0)},
            "Deleted",
            False,
            id="by hand, and its containers took the signal well",
        ),
        pytest.param(
            {"deleting": True, "phase": "Failed", "agent": ended_at(-60), "init": (ended_at(4, "proxy"),)},
            "Deleted",
            False,
            id="by hand, while one container still ran",
        ),
        pytest.param(
            {"deleting": True, "phase": "Failed", "agent": ended_at(None)},
            "Deleted",
            False,
            id="by hand, times unknown",
        ),
        pytest.param(
            {"deleting": True, "phase": "Failed", "agent": ended_at(-60), "sidecar": ended_at(-50, SIDECAR)},
            "PodFailed",
            False,
            id="it had failed before somebody deleted it",
        ),
        pytest.param(
            {"deleting": True, "phase": "Succeeded", "agent": ended_at(-60)},
            "PodSucceeded",
            False,
            id="it had succeeded before somebody deleted it",
        ),
        pytest.param(
            {"deleting": True, "phase": "Failed", "reason": "Evicted", "agent": ended_at(5)},
            "Evicted",
            False,
            id="evicted by the kubelet, and deleted",
        ),
        pytest.param(
            {"deleting": True, "phase": "Failed", "disruption": "EvictionByEvictionAPI", "agent": ended_at(5)},
            "EvictionByEvictionAPI",
            True,
            id="drained, and its containers have ended since",
        ),
        pytest.param({"deleting": True, "disruption": "MadeUp"}, "Deleted", False, id="a reason nobody knows"),
    ],
)
def test_cause_of_a_pods_end(fields: dict[str, Any], reason: str, is_disruption: bool) -> None:
    """K11"""
    found = cause_of(pod_manifest(**fields))
    assert found is not None
    assert (found.reason, found.is_disruption) == (reason, is_disruption)


@pytest.mark.parametrize("disruption", [KUBELET, None])
def test_a_nodes_shutdown_counts_from_its_announcement(disruption: str | None) -> None:
    """K11: the Pod ends with its last container, which may be long after the command."""
    found = cause_of(pod_manifest(phase="Failed", reason="Terminated", message=SHUTDOWN, disruption=disruption))
    assert found == EndCause("NodeShutdown", SHUTDOWN, since=NOW if disruption else None)


def test_a_pod_that_runs_has_none() -> None:
    assert cause_of(pod_manifest()) is None


def test_a_disruption_that_was_withdrawn_is_none() -> None:
    """K11: what announced it has failed, and two minutes later Kubernetes takes the condition back."""
    pod = pod_manifest(disruption="EvictionByEvictionAPI")
    pod["status"]["conditions"][0]["status"] = "False"
    assert cause_of(pod) is None


@pytest.mark.parametrize("phase", ["Running", "Failed"])
def test_a_deletion_began_its_grace_period_before_its_timestamp(phase: str) -> None:
    pod = pod_manifest(deleting=True, phase=phase, agent=ended_at(-290))
    pod["metadata"]["deletionGracePeriodSeconds"] = 300
    assert cause_of(pod) == EndCause("Deleted", since=at(-300))


def test_the_message_is_one_line_that_fits() -> None:
    found = cause_of(pod_manifest(phase="Failed", reason="Evicted", message="low\non \x1b[31mmemory" + "!" * 4000))
    assert found is not None
    assert found.message.startswith("low on memory!")
    assert len(found.message) == 512


def test_an_end_is_stored_and_read() -> None:
    end = PodEnd(EndCause("Evicted", "full"), at=NOW, active_at=at(-90))
    stored = {"reason": "Evicted", "message": "full", "time": rfc3339(NOW), "activeAt": rfc3339(at(-90))}
    assert end.manifest() == stored
    assert PodEnd.of(stored) == end
    assert end.active_for == timedelta(seconds=90)


@pytest.mark.parametrize("active_at", [None, at(5)])
def test_without_an_answer_before_its_end_it_was_never_active(active_at: Any) -> None:
    assert PodEnd(EndCause("Evicted"), at=NOW, active_at=active_at).active_for == timedelta()
