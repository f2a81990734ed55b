"""Faults on a real node, and how the Task reports them: with the cause and, if there is one, the remedy.

All Tasks of the table start at the same time, each with a different fault; every test waits for its own. The process
that test_lost_pods examines at the end starts then too.
"""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import manifests
from e2e.kubectl_namespace import KubectlNamespace, ready
from e2e.versions import IMAGE, version
from kube import Kube
from localcluster import cluster

Object = dict[str, Any]
pytestmark = pytest.mark.usefixtures("pod_loss")

# An agent that exits may have run for a moment before: on a slow machine, long enough to count as started.
ENDED = {"Initializing", "Error"}
SETUP = {"name": "setup", "image": IMAGE, "command": ["false"]}


FAULTS = {
    "image": version("image", agent={"image": "localhost/nothing:1"}),
    "command": version("command", agent={"command": ["no-such-program"]}),
    "exit": version("exit", agent={"command": ["bash", "-c", "exit 3"]}),
    "init": version("init", pod={"initContainers": [SETUP]}),
    "node": version("node", pod={"nodeSelector": {"disk": "imaginary"}}, startTimeoutSeconds=5),
    "cpu": version("cpu", agent={"resources": {"requests": {"cpu": "1000"}}}),
    "storage": version("storage") | {},
    "memory": version(
        "memory", agent={"command": ["bash", "-c", "tail /dev/zero"], "resources": {"limits": {"memory": "48Mi"}}}
    ),
    "root": version("root", agent={"securityContext": {"runAsUser": 0}}),
    "late-image": version("late-image", agent={"image": "localhost/nothing:2"}, startTimeoutSeconds=5),
    "sandbox": version("sandbox", runtimeClassName="e2e-imaginary", startTimeoutSeconds=15),
    "mount": version(
        "mount",
        agent={"volumeMounts": [{"name": "keys", "mountPath": "/keys"}]},
        pod={"volumes": [{"name": "keys", "secret": {"secretName": "nothing"}}]},
        startTimeoutSeconds=20,
    ),
    "env": version(
        "env", agent={"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "key"}}}]}
    ),
    "policy": version("policy", pod={"hostname": "forbidden"}),
    "taken": version("taken"),
}
# Its Pods get a node, on which no container runtime has this handler.
RUNTIME: Object = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "e2e-imaginary"},
    "handler": "imaginary",
}
# An unowned Pod with the name of the Task's first Pod. No node fits it, so it remains.
TAKEN: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "taken-1"},
    "spec": {
        "nodeSelector": {"disk": "imaginary"},
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "web",
                "image": IMAGE,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def policy(namespace: str) -> tuple[Object, Object]:
    """An administrator's policy for the Pods of one namespace."""
    name = f"no-forbidden-host.{namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    expression = "!has(object.spec.hostname) || object.spec.hostname != 'forbidden'"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    return (
        head
        | {
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": expression, "message": "this host name is forbidden here"}],
            },
        },
        head
        | {
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": selector},
            },
        },
    )


FAULTS["storage"]["spec"]["home"] = {"size": "1Gi", "storageClassName": "imaginary"}


def stalled_for(reason: str) -> Callable[[Object], bool]:
    """Whether a status has the condition Stalled for this reason."""
    return lambda status: any(
        (c["type"], c["status"], c["reason"]) == ("Stalled", "True", reason) for c in status.get("conditions", ())
    )


@pytest.fixture(scope="module")
def faults(installation: Path, kube: Kube) -> Iterator[KubectlNamespace]:
    """A namespace with all the faults."""
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    policies = policy(ns.name)
    ns.apply(*policies, RUNTIME, TAKEN)
    time.sleep(2)  # a policy takes effect a moment after its creation
    ns.apply(*FAULTS.values(), *(manifests.task(name, templateVersion=name) for name in FAULTS))
    ns.apply(manifests.task("preset", templateVersion="exit", preset="huge"))
    yield ns
    ns.remove()
    for made in (*policies, RUNTIME):
        ns.kubectl("delete", made["kind"], made["metadata"]["name"], "--ignore-not-found")


def test_a_volume_that_cannot_be_mounted_is_told_and_the_task_starts_by_itself_once_it_can(
    faults: KubectlNamespace,
) -> None:
    """K4. First of all, since the kubelet tries ever more rarely."""
    task = faults.wait("it is stalled", stalled_for("FailedMount"), task="mount", seconds=90)
    assert task["status"]["phase"] == "Error"
    reason, message = ready(task["status"])
    assert reason == "FailedMount"
    assert 'secret "nothing" not found' in message and "Create Secret nothing in this namespace" in message
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nothing"}, "stringData": {"key": "value"}}
    faults.apply(secret)
    task = faults.wait_state("Idle", task="mount", build=1, seconds=150)
    assert not any(c["type"] == "Stalled" for c in task["status"]["conditions"])


@pytest.mark.parametrize(
    ("task", "phases", "reasons", "message"),
    [
        pytest.param(
            "image", {"Initializing"}, {"ErrImagePull", "ImagePullBackOff"}, "Container agent cannot start", id="image"
        ),
        pytest.param(
            "env",
            {"Initializing"},
            {"CreateContainerConfigError"},
            "Create Secret absent in this namespace, and the Pod starts by itself",
            id="secret-of-a-variable",
        ),
        pytest.param(
            "late-image",
            {"Error"},
            {"ErrImagePull", "ImagePullBackOff"},
            "It is pulled again by itself: ",
            id="late-image",
        ),
        pytest.param("sandbox", {"Error"}, {"FailedCreatePodSandBox"}, '"imaginary"', id="sandbox"),
        pytest.param("command", ENDED, {"AgentNotRunning"}, "its command is not in the image", id="command"),
        pytest.param("exit", ENDED, {"AgentNotRunning"}, "ended with exit code 3", id="crash-loop"),
        pytest.param(
            "init",
            {"Initializing"},
            {"InitContainerFailed", "CrashLoopBackOff"},
            "Container setup cannot start",
            id="init-container",
        ),
        pytest.param("node", {"Error"}, {"BuildFailed"}, "was not bound to a node within 5 s", id="unschedulable"),
        pytest.param("cpu", {"Pending"}, {"Unschedulable"}, "Insufficient cpu", id="resources"),
        pytest.param("storage", {"Pending"}, {"ProvisioningFailed"}, "Create StorageClass imaginary", id="claim"),
        pytest.param("memory", ENDED, {"AgentNotRunning"}, "ran out of memory", id="memory"),
        pytest.param("root", {"Error"}, {"BuildFailed"}, "violates PodSecurity", id="pod-security"),
        pytest.param("policy", {"Error"}, {"BuildFailed"}, "this host name is forbidden here", id="admission-policy"),
        pytest.param(
            "taken", {"Pending"}, {"NameConflict"}, "Pod taken-1 exists and is not this Task's", id="name-taken"
        ),
        pytest.param("preset", {"Pending"}, {"PresetNotFound"}, 'has no preset "huge"', id="preset"),
    ],
)
def test_a_fault_is_reported_with_its_cause(
    faults: KubectlNamespace, task: str, phases: set[str], reasons: set[str], message: str
) -> None:
    def told(status: Object) -> bool:
        reason, text = ready(status)
        return status.get("phase") in phases and reason in reasons and message in text

    faults.wait(f"{task}: {message}", told, task=task, seconds=90)


def test_a_task_that_failed_to_start_runs_after_pause_repair_and_resume(faults: KubectlNamespace) -> None:
    faults.wait("it is in error", lambda status: status.get("phase") == "Error", task="node")
    faults.pause(True, task="node")
    faults.wait("it is paused", lambda status: status.get("phase") == "Paused", task="node")
    faults.apply(version("mended"))
    faults.kubectl("patch", "task", "node", "--type=merge", "-p", '{"spec":{"templateVersion":"mended"}}')
    faults.pause(False, task="node")
    faults.wait_state("Idle", task="node")


def test_a_version_deleted_while_in_use_blocks_the_next_start_and_not_the_running_agent(ns: KubectlNamespace) -> None:
    used = version("shell-v1", agent={"command": ["cat"]})
    ns.apply(used, manifests.task(prompt=""))
    ns.wait("it is active", lambda status: status.get("phase") == "Active")
    ns.kubectl("delete", "templateversion", "shell-v1")
    task = ns.wait(
        "it is reported before the next start",
        lambda status: any(c["reason"] == "TemplateVersionNotFound" for c in status["conditions"]),
    )
    assert (task["status"]["phase"], ready(task["status"])[0]) == ("Active", "Active")
    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    ns.pause(False)
    ns.wait("it waits", lambda status: ready(status)[0] == "TemplateVersionNotFound")
    assert ns.kube.list("pods", ns.name) == []
    ns.apply(used)
    ns.wait("it is active again", lambda status: status["phase"] == "Active" and status["build"]["number"] == 3)


def test_a_killed_sidecar_restarts_with_the_conversation(ns: KubectlNamespace) -> None:
    ns.apply(version("shell-v1"), manifests.task(prompt="echo first $((1 + 1))"))
    ns.wait_state("Idle")
    ns.wait_answer("first 2")
    pod = ns.kube.get("pods", ns.name, "hello-1")
    assert pod is not None
    (sidecar,) = pod["status"]["initContainerStatuses"]
    identity = sidecar["containerID"].removeprefix("containerd://")
    kill = cluster.inside("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", identity)
    subprocess.run(kill, check=True, capture_output=True, timeout=30)
    ns.kube.wait(
        "the sidecar has restarted",
        "pods",
        ns.name,
        "hello-1",
        lambda p: p["status"]["initContainerStatuses"][0]["restartCount"] == 1,
    )
    ns.say("second", "echo second $((2 + 2))")
    messages = ns.wait_answer("second 4")
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert said == ["echo first $((1 + 1))", "echo second $((2 + 2))"]
    assert sum("first 2" in message["content"] for message in messages if message["role"] == "agent") == 1


@pytest.mark.long
def test_fifty_tasks_under_a_quota_of_ten_pods_all_run_in_turn(ns: KubectlNamespace) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "10"}},
    }
    names = [f"task-{number}" for number in range(50)]
    ns.apply(quota)
    ns.kube.wait("the quota is in force", "resourcequotas", ns.name, "few", lambda q: "hard" in q.get("status", {}))
    # This agent exits immediately on SIGTERM, so the quota is soon free again.
    ns.apply(version("shell-v1", agent={"command": ["cat"]}), *(manifests.task(name, prompt="") for name in names))
    left, most, waited = set(names), 0, False
    for _ in range(600):
        tasks = {task["metadata"]["name"]: task.get("status", {}) for task in ns.kube.list("tasks", ns.name)}
        # The quota does not count a Pod that has ended, nor one that is ending.
        pods = [
            pod
            for pod in ns.kube.list("pods", ns.name)
            if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] in ("Pending", "Running")
        ]
        most = max(most, len(pods))
        waited = waited or any(ready(status)[0] == "QuotaExceeded" for status in tasks.values())
        for name, status in tasks.items():
            assert status.get("phase") != "Error", f"{name}: {ready(status)}"
            if status.get("phase") == "Active" and name in left:
                left.discard(name)
                ns.kube.delete("tasks", ns.name, name)
        if not left:
            break
        time.sleep(0.3)
    assert not left, f"{len(left)} Tasks did not run"
    assert waited and most <= 10
