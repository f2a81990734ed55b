"""Commands whose Pod does not end with them. All are for K17."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import manifests
from integration.controller.kubelet import Kubelet, container
from kube import Kube, Object, phase_is
from taskyard.core.times import rfc3339

pytestmark = pytest.mark.usefixtures("running")

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        pytest.param({"exitCode": 0}, "Complete", id="0"),
        pytest.param({"exitCode": 3}, "Failed", id="3"),
        # The kubelet's word for a container that it cannot find any more, whose times it does not know.
        pytest.param({"exitCode": 137, "reason": "ContainerStatusUnknown"}, "Failed", id="at an unknown time"),
    ],
)
def test_a_command_beside_a_proxy_finishes_without_a_report(
    kube: Kube, kubelet: Kubelet, namespace: str, ended: Object, state: str
) -> None:
    version = manifests.template_version(agent={"protocol": "Command"})
    version["spec"]["pod"]["spec"]["containers"].append({"name": "istio-proxy", "image": "debian:trixie-slim"})
    version["spec"]["agent"]["container"] = "agent"
    kube.create("templateversions", namespace, version)
    kube.create("tasks", namespace, manifests.task())
    kube.wait("the Pod is created", "pods", namespace, "hello-1", lambda pod: True)
    kubelet.bind("hello-1")
    kube.wait("the build succeeds", "workspacebuilds", namespace, "hello-1", phase_is("Succeeded"))
    kubelet.enroll("hello")
    is_known = "reason" not in ended
    if is_known:
        # It ended a while ago, so that the test need not wait.
        ended_at = rfc3339(datetime.now(UTC) - timedelta(seconds=11))
        ended = ended | {"startedAt": ended_at, "finishedAt": ended_at}
    kubelet.status(
        "hello-1",
        phase="Running",
        podIP="127.0.0.1",
        initContainerStatuses=[container("taskyard-sidecar", RUNNING, ready=False)],
        containerStatuses=[
            container("agent", {"terminated": ended}, ready=False),
            container("istio-proxy", RUNNING, ready=True),
        ],
    )
    if is_known:
        kube.wait("the Task is active", "tasks", namespace, "hello", phase_is("Active"))
    kube.wait("its Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    task = kube.wait("the Task is finished", "tasks", namespace, "hello", phase_is("Paused"))
    status = task["status"]
    assert (status["pausedReason"], status["state"]["state"], status["state"]["build"]) == ("Finished", state, 1)
