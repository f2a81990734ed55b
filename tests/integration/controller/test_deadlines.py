"""Deadlines that expire while no operator runs, against the real API server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, Object, phase_is
from taskyard.core.times import parse, rfc3339

LATER = timedelta(hours=2)


def start(kube: Kube, kubelet: Kubelet, namespace: str, name: str, *, state: str | None = None) -> None:
    """Acts as the node until the Task is active, and writes its agent's last report."""
    kube.wait("the Pod is created", "pods", namespace, f"{name}-1", lambda pod: True)
    kubelet.bind(f"{name}-1")
    kube.wait("the Task initializes", "tasks", namespace, name, phase_is("Initializing"))
    kubelet.enroll(name)
    kubelet.run(f"{name}-1", ready=True)
    kube.wait("the Task is active", "tasks", namespace, name, phase_is("Active"))
    if state:
        report = {"state": state, "message": "", "timestamp": rfc3339(datetime.now(UTC)), "build": 1}
        kube.patch("tasks", namespace, name, {"status": {"state": report}}, subresource="status")


def two_hours_go_by(kube: Kube, namespace: str) -> None:
    """Moves all times in the objects two hours into the past."""

    def older(moment: str) -> str:
        return rfc3339(parse(moment) - LATER)

    for task in kube.list("tasks", namespace):
        name, state = task["metadata"]["name"], task["status"].get("state")
        if state:
            aged = {"status": {"state": {"timestamp": older(state["timestamp"])}}}
            kube.patch("tasks", namespace, name, aged, subresource="status")
    for build in kube.list("workspacebuilds", namespace):
        aged = {"status": {"finishedAt": older(build["status"]["finishedAt"])}}
        kube.patch("workspacebuilds", namespace, build["metadata"]["name"], aged, subresource="status")


def wait_paused(kube: Kube, kubelet: Kubelet, namespace: str, name: str) -> Object:
    """Acts as the node until the Task is paused."""
    pod = f"{name}-1"
    kube.wait("the Pod is deleted", "pods", namespace, pod, lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove(pod)
    return kube.wait("the Task is paused", "tasks", namespace, name, phase_is("Paused"))


def test_deadlines_that_expire_while_the_operator_is_down_take_effect_when_it_is_back(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    for name, spec in {
        "idle": {"idleTimeout": "1h"},
        "long": {"maxRuntime": "1h"},
        "done": {"ttlSecondsAfterFinished": 3600},
        "still": {"idleTimeout": "3h", "maxRuntime": "3h", "ttlSecondsAfterFinished": 3 * 3600},
    }.items():
        kube.create("tasks", namespace, manifests.task(name, **spec))
    operator.start()
    for name, state in {"idle": "Idle", "long": "Working", "done": "Complete", "still": "Complete"}.items():
        start(kube, kubelet, namespace, name, state=state)
    kube.wait("its deadline is in the status", "tasks", namespace, "idle", lambda t: t["status"].get("idleDeadline"))
    operator.kill()
    operator.wait_dead()
    two_hours_go_by(kube, namespace)
    operator.start()

    task = wait_paused(kube, kubelet, namespace, "idle")
    assert (task["status"]["pausedReason"], task["spec"].get("paused", False)) == ("IdleTimeout", False)
    task = wait_paused(kube, kubelet, namespace, "long")
    assert (task["status"]["pausedReason"], task["spec"].get("paused", False)) == ("MaxRuntime", False)
    kube.wait_gone("tasks", namespace, "done")
    still = kube.get("tasks", namespace, "still")
    assert still is not None and still["status"]["phase"] == "Active"
    reasons = {build["metadata"]["name"]: build["spec"]["reason"] for build in kube.list("workspacebuilds", namespace)}
    assert (reasons["idle-2"], reasons["long-2"]) == ("AutoPause", "MaxRuntime")
    assert "still-2" not in reasons
    assert "Traceback" not in operator.log


def test_what_resumes_automatically_paused_tasks_resumes_them_after_a_restart_too(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    for name in ("toggled", "annotated"):
        kube.create("tasks", namespace, manifests.task(name, idleTimeout="1s"))
    operator.start()
    for name in ("toggled", "annotated"):
        start(kube, kubelet, namespace, name, state="Idle")
        wait_paused(kube, kubelet, namespace, name)
    operator.kill()
    operator.wait_dead()
    operator.start()
    operator.wait_ready()
    annotation = {"metadata": {"annotations": {"taskyard.dev/resumed-at": "2026-01-01T00:00:00Z"}}}
    kube.patch("tasks", namespace, "annotated", annotation)
    kube.patch("tasks", namespace, "toggled", {"spec": {"paused": True}})
    kube.wait(
        "the change was processed", "tasks", namespace, "toggled", lambda t: t["status"]["pausedReason"] == "Manual"
    )
    kube.patch("tasks", namespace, "toggled", {"spec": {"paused": False}})
    for name in ("toggled", "annotated"):
        kube.wait("a new Pod", "pods", namespace, f"{name}-3", lambda pod: True)
        build = kube.get("workspacebuilds", namespace, f"{name}-3")
        assert build is not None and build["spec"]["reason"] == "Resume"
