"""A restarted operator with nothing to do writes nothing."""

from __future__ import annotations

import re
import time
from collections import Counter

import manifests
from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_slow_starts import NO_SECRET, bind, condition, event
from integration.controller.test_start import become_active
from kube import Kube, Object, phase_is

# Longer than kopf's lists and the lists that follow them take.
QUIET_SECONDS = 4.0
READS = ("GET", "LIST", "WATCH")
# A running operator writes its Lease all the time, and reviews store nothing.
NOT_COUNTED = ("leases", "subjectaccessreviews", "tokenreviews", "selfsubjectaccessreviews")
REQUESTS = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
LABEL = re.compile(r'(?P<name>\w+)="(?P<value>[^"]*)"')


def writes_counted(kube: Kube) -> Counter[str]:
    """The writes that the API server has answered so far, by verb and resource, from its own counters."""
    found: Counter[str] = Counter()
    for match in REQUESTS.finditer(kube.text("/metrics")):
        labels = {label["name"]: label["value"] for label in LABEL.finditer(match["labels"])}
        if labels["verb"] not in READS and labels["resource"] not in NOT_COUNTED and not labels["dry_run"]:
            found[f"{labels['verb']} {labels['resource']}/{labels['subresource']}"] += int(float(match["count"]))
    return found


def restart(operator: OperatorProcess) -> None:
    operator.kill()
    operator.wait_dead()
    operator.start()
    operator.wait_ready()


def test_a_restart_with_nothing_to_do_writes_nothing(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    kube.create("tasks", namespace, manifests.task("waits", templateVersion="not-yet"))
    kube.create("tasks", namespace, manifests.task("rests", paused=True))
    kube.create("tasks", namespace, manifests.task("starts"))
    operator.start()
    become_active(kube, kubelet, namespace)
    state = {"state": "Idle", "message": "", "timestamp": "2026-01-01T00:00:00Z", "build": 1}
    kube.patch("tasks", namespace, "hello", {"status": {"state": state}}, subresource="status")
    # An input of a Task that does not run yet, so it stays in the queue.
    kube.create("taskinputs", namespace, manifests.task_input("later", "go on", task="rests"))
    kube.wait(
        "it is counted",
        "tasks",
        namespace,
        "rests",
        lambda t: t["status"].get("inputs") == {"queued": 1, "delivered": 0},
    )
    kube.wait("it waits", "tasks", namespace, "waits", phase_is("Pending"))
    kube.wait("it has a Pod", "pods", namespace, "starts-1", lambda pod: True)
    time.sleep(QUIET_SECONDS)

    before_restart, at_server = len(proxy.writes), writes_counted(kube)
    assert at_server["POST pods/"] >= 2, "the counters increase"
    restart(operator)
    time.sleep(QUIET_SECONDS)
    assert [line for line in proxy.writes[before_restart:] if "/leases" not in line] == []
    new = writes_counted(kube) - at_server
    assert new == Counter(), new
    assert "Traceback" not in operator.log


def test_a_restart_does_not_rewrite_why_a_pod_does_not_start(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    """K4: what was read of the Pod's Events is in the Task's status alone, and is read anew."""
    operator.start()
    pod = bind(kube, kubelet, namespace)
    event(kube, namespace, "mine", pod, "FailedMount", NO_SECRET)

    def is_told(task: Object) -> bool:
        return (condition(task, "Stalled") or {}).get("reason") == "FailedMount"

    kube.wait("the cause is told", "tasks", namespace, "hello", is_told)
    time.sleep(QUIET_SECONDS)
    before_restart = len(proxy.writes)
    restart(operator)
    time.sleep(QUIET_SECONDS)
    assert [line for line in proxy.writes[before_restart:] if "/leases" not in line] == []
    task = kube.get("tasks", namespace, "hello")
    assert task is not None and is_told(task)


def test_a_restarted_operator_handles_what_happened_meanwhile(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    operator.kill()
    operator.wait_dead()
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kubelet.remove("hello-1")
    operator.start()
    task = kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    # The Pod was gone before the operator saw the pause: that is no reason for a recovery.
    assert task["status"]["build"]["reason"] == "ManualPause"
    assert [build["spec"]["number"] for build in kube.list("workspacebuilds", namespace)] == [1, 2]
