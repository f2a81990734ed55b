"""Agent lifecycle and app health, read off the Pod."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taskyard.core.lifecycle import CANNOT_START, AgentLifecycle, AppHealth, agent_lifecycle, app_health, start_fault
from taskyard.core.pod_view import SIDECAR
from unit.core.builders import at, container_status, pod

WAITS = container_status(state="waiting", reason="PodInitializing")


@pytest.mark.parametrize(
    ("pod_fields", "enrolled", "after", "expected"),
    [
        pytest.param(None, True, 0, AgentLifecycle.OFF, id="no Pod: off"),
        pytest.param({"phase": "Failed"}, True, 0, AgentLifecycle.OFF, id="a failed Pod: off"),
        pytest.param({"phase": "Succeeded"}, True, 0, AgentLifecycle.OFF, id="a finished Pod: off"),
        pytest.param({"phase": "Failed", "deleting": True}, True, 0, AgentLifecycle.OFF, id="ended wins over deleting"),
        pytest.param({"deleting": True}, True, 0, AgentLifecycle.SHUTTING_DOWN, id="a deleted Pod: shutting down"),
        pytest.param({"agent": WAITS}, False, 0, AgentLifecycle.CREATED, id="not enrolled: created"),
        pytest.param({}, False, 0, AgentLifecycle.CREATED, id="running and not enrolled: created"),
        pytest.param({"agent": WAITS}, True, 0, AgentLifecycle.STARTING, id="enrolled, agent waits: starting"),
        pytest.param({}, True, 0, AgentLifecycle.READY, id="enrolled and running: ready"),
        pytest.param(
            {"agent": container_status(state="waiting", reason="CrashLoopBackOff", restarts=3)},
            True,
            0,
            AgentLifecycle.READY,
            id="between two runs: ready, the health tells",
        ),
        pytest.param(
            {"agent": container_status(state="waiting", reason="ImagePullBackOff")},
            False,
            0,
            AgentLifecycle.START_ERROR,
            id="an image that cannot be pulled: start error",
        ),
        pytest.param(
            {"agent": WAITS, "init": (container_status("setup", "terminated", exit_code=1),)},
            True,
            0,
            AgentLifecycle.START_ERROR,
            id="an init container that failed: start error",
        ),
        pytest.param(
            {"agent": WAITS, "init": (container_status("setup", "terminated", exit_code=0),)},
            True,
            0,
            AgentLifecycle.STARTING,
            id="an init container that succeeded: starting",
        ),
        pytest.param({"agent": WAITS}, True, 599, AgentLifecycle.STARTING, id="before the start time-out: starting"),
        pytest.param({"agent": WAITS}, True, 600, AgentLifecycle.START_TIMEOUT, id="from it on: start timeout"),
        pytest.param({}, True, 601, AgentLifecycle.READY, id="ready does not time out"),
    ],
)
def test_agent_lifecycle(
    pod_fields: dict[str, Any] | None, enrolled: bool, after: int, expected: AgentLifecycle
) -> None:
    found = agent_lifecycle(
        pod=None if pod_fields is None else pod(**pod_fields),
        enrolled=enrolled,
        start_timeout=timedelta(seconds=600),
        now=at(after),
    )
    assert found is expected


def test_without_its_template_version_a_start_has_all_the_time_it_needs() -> None:
    found = agent_lifecycle(pod=pod(agent=WAITS), enrolled=True, start_timeout=None, now=at(10**7))
    assert found is AgentLifecycle.STARTING


def test_a_pod_that_does_not_say_which_container_is_the_agent_is_never_ready() -> None:
    other = pod(agent=container_status("other"))
    assert other.agent is None
    assert agent_lifecycle(pod=other, enrolled=True, start_timeout=None, now=at(0)) is AgentLifecycle.STARTING


@pytest.mark.parametrize("reason", sorted(CANNOT_START))
def test_a_container_with_this_reason_cannot_start(reason: str) -> None:
    fault = start_fault(pod(agent=container_status(state="waiting", reason=reason, message="so it is")))
    assert fault
    assert (fault.name, fault.waiting_reason, fault.waiting_message) == ("agent", reason, "so it is")


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", None])
def test_a_container_that_only_waits_has_no_fault(reason: str | None) -> None:
    assert start_fault(pod(agent=container_status(state="waiting", reason=reason))) is None


def test_the_sidecars_image_counts_too() -> None:
    fault = start_fault(pod(sidecar=container_status(SIDECAR, "waiting", reason="ErrImagePull")))
    assert fault
    assert fault.name == SIDECAR


def test_a_sidecar_that_ended_is_started_again_and_no_fault() -> None:
    assert start_fault(pod(sidecar=container_status(SIDECAR, "terminated", exit_code=1))) is None


READY = container_status(SIDECAR)
NOT_READY = container_status(SIDECAR, ready=False)


@pytest.mark.parametrize(
    ("sidecar", "former", "expected"),
    [
        pytest.param(READY, None, AppHealth.HEALTHY, id="ready for the first time"),
        pytest.param(READY, "Initializing", AppHealth.HEALTHY, id="ready after initializing"),
        pytest.param(READY, "Unhealthy", AppHealth.HEALTHY, id="ready again"),
        pytest.param(NOT_READY, None, AppHealth.INITIALIZING, id="not ready yet"),
        pytest.param(NOT_READY, "Initializing", AppHealth.INITIALIZING, id="still not ready"),
        pytest.param(NOT_READY, "Healthy", AppHealth.UNHEALTHY, id="no longer ready"),
        pytest.param(NOT_READY, "Unhealthy", AppHealth.UNHEALTHY, id="still unhealthy"),
    ],
)
def test_app_health(sidecar: dict[str, Any], former: str | None, expected: AppHealth) -> None:
    assert app_health(pod=pod(sidecar=sidecar), former=former) is expected


def test_without_a_pod_there_is_no_health() -> None:
    assert app_health(pod=None, former="Healthy") is None


def test_a_pod_without_statuses_initializes() -> None:
    assert app_health(pod=pod(node=None, phase="Pending"), former=None) is AppHealth.INITIALIZING


@pytest.mark.parametrize("name", ["setup", SIDECAR])
def test_an_init_container_that_fails_again_and_again_is_a_fault_between_its_tries_too(name: str) -> None:
    waits = container_status(name, "waiting", reason="CrashLoopBackOff", restarts=3, last_exit_code=1)
    failing = pod(agent=WAITS, sidecar=waits) if name == SIDECAR else pod(agent=WAITS, init=(waits,))
    fault = start_fault(failing)
    assert fault
    assert (fault.name, fault.waiting_reason) == (name, "CrashLoopBackOff")
