"""Operator and gateway with only the rights that the chart gives them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from integration.chart.accountprocess import AccountProcess, eventually
from integration.chart.installation import NAMESPACE, Cluster
from integration.chart.sidecar import Sidecar
from localcluster.locations import REPOSITORY
from ports import free_port

EXAMPLE = REPOSITORY / "deploy" / "examples" / "01-shell"
TASKS = "shell-example"


@pytest.fixture(scope="module")
def cluster(installed: Cluster) -> Cluster:
    """With the example's namespace; without a kubelet."""
    installed.must("apply", "-f", str(EXAMPLE / "namespace.yaml"))
    installed.must("create", "serviceaccount", "default", "-n", TASKS)
    return installed


@pytest.fixture(scope="module")
def operator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountProcess]:
    process = AccountProcess(
        cluster,
        tmp_path_factory.mktemp("operator"),
        "operator",
        TASKYARD_GATEWAY_URL="https://localhost:8444",
        TASKYARD_SIDECAR_IMAGE="localhost/taskyard:test",
    )
    try:
        eventually(process.is_ready, what="the operator is ready")
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def gateway_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(
    cluster: Cluster, operator: AccountProcess, gateway_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AccountProcess]:
    process = AccountProcess(
        cluster,
        tmp_path_factory.mktemp("gateway"),
        "gateway",
        TASKYARD_LISTEN_ADDRESS="127.0.0.1",
        TASKYARD_SIDECAR_PORT=str(gateway_port),
        TASKYARD_PEOPLE_PORT=str(free_port()),
    )
    try:
        eventually(process.is_ready, what="the gateway is ready")
        yield process
    finally:
        process.stop()


def bind(cluster: Cluster, pod: str) -> None:
    """What the scheduler does."""
    path = f"/api/v1/namespaces/{TASKS}/pods/{pod}/binding"
    target = {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod}, "target": target}
    cluster.must("create", "--raw", path, "-f", "-", input=json.dumps(binding))


def test_the_rights_of_the_chart_suffice_for_the_life_of_a_task(
    cluster: Cluster, operator: AccountProcess, gateway: AccountProcess, gateway_port: int
) -> None:
    cluster.must("apply", "-k", str(EXAMPLE))
    cluster.must("apply", "-f", str(EXAMPLE / "input.yaml"))
    task = yaml.safe_load((EXAMPLE / "task.yaml").read_text())["metadata"]["name"]

    def get(kind: str, name: str) -> Any:
        return cluster.get(kind, name, "-n", TASKS)

    eventually(lambda: get("pod", f"{task}-1"), what="the Pod of the first build")
    assert get("persistentvolumeclaim", f"{task}-home")
    eventually(
        lambda: get("taskinput", "hello-again")["metadata"].get("ownerReferences"), what="the owner of the input"
    )
    cluster.must("wait", "templateversion", "shell-v1", "-n", TASKS, "--for=condition=Valid", "--timeout=30s")
    bind(cluster, f"{task}-1")
    eventually(lambda: get("workspacebuild", f"{task}-1")["status"].get("phase") == "Succeeded", what="the first build")

    with Sidecar(cluster, f"https://localhost:{gateway_port}", TASKS, f"{task}-1") as sidecar:
        sidecar.report("working", "Looking around")
        for content in ("Hello", "Hello again"):  # one is created, one is changed
            sidecar.snapshot(content)
    eventually(lambda: get("task", task)["status"].get("snapshot"), what="the snapshot in the status")
    assert get("task", task)["status"]["state"]["message"] == "Looking around"
    assert get("configmap", f"{task}-snapshot")["data"]["log.txt"]

    policy = get("networkpolicy", "taskyard-tasks")
    opened = '{"spec": {"ingress": [{}]}}'
    cluster.must("patch", "networkpolicy", "taskyard-tasks", "-n", TASKS, "--type=merge", "-p", opened)
    eventually(lambda: get("networkpolicy", "taskyard-tasks")["spec"] == policy["spec"], what="its policy restored")

    cluster.must("patch", "task", task, "-n", TASKS, "--type=merge", "-p", '{"spec": {"paused": true}}')
    eventually(lambda: get("pod", f"{task}-1")["metadata"].get("deletionTimestamp"), what="the deletion of the Pod")

    # Nothing is garbage collected here: what a Task leaves behind blocks the next one of its name.
    cluster.must("delete", "task", task, "-n", TASKS)
    cluster.must("apply", "-k", str(EXAMPLE))
    eventually(
        lambda: get("persistentvolumeclaim", f"{task}-home")["metadata"].get("deletionTimestamp"),
        what="the deletion of the earlier Task's home",
    )
    for process in (operator, gateway):
        assert "cannot " not in process.log and "is forbidden" not in process.log, process.log


def test_the_rights_of_the_chart_suffice_to_adopt_a_home(cluster: Cluster, operator: AccountProcess) -> None:
    """K3."""
    cluster.must("apply", "-f", str(EXAMPLE / "templateversion.yaml"))
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "again-home", "namespace": TASKS, "annotations": {"taskyard.dev/adoptable-by": "again"}}
    cluster.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
    task = yaml.safe_load((EXAMPLE / "task.yaml").read_text())
    cluster.create(task | {"metadata": {"name": "again", "namespace": TASKS}})
    eventually(
        lambda: cluster.get("persistentvolumeclaim", "again-home", "-n", TASKS)["metadata"].get("ownerReferences"),
        what="the owner of the home",
    )
    cluster.must("delete", "task", "again", "-n", TASKS)
    assert "cannot " not in operator.log and "is forbidden" not in operator.log, operator.log


@pytest.mark.parametrize(
    ("account", "verb", "resource", "namespace"),
    [
        pytest.param("operator", "get", "secrets/other", NAMESPACE, id="the operator reads another secret"),
        pytest.param("operator", "delete", "secrets/other", NAMESPACE, id="the operator deletes a secret"),
        pytest.param("operator", "patch", "templates.taskyard.dev", TASKS, id="the operator rolls out a version"),
        pytest.param("operator", "get", "secrets/taskyard-keys", TASKS, id="the operator reads secrets of Tasks"),
        pytest.param("operator", "create", "secrets", TASKS, id="the operator creates secrets elsewhere"),
        pytest.param("operator", "patch", "tasks.taskyard.dev", TASKS, id="the operator writes a Task"),
        pytest.param("operator", "patch", "leases/other", NAMESPACE, id="the operator takes another's lease"),
        pytest.param("operator", "delete", "leases/taskyard-operator", NAMESPACE, id="the operator deletes its lease"),
        pytest.param("operator", "get", "leases/taskyard-operator", TASKS, id="the operator reads leases elsewhere"),
        pytest.param("operator", "create", "pods --subresource=exec", TASKS, id="the operator runs commands in Pods"),
        pytest.param("operator", "update", "persistentvolumeclaims", TASKS, id="the operator replaces a home"),
        pytest.param(
            "operator", "deletecollection", "persistentvolumeclaims", TASKS, id="the operator deletes all homes"
        ),
        pytest.param("operator", "patch", "networkpolicies/other", TASKS, id="the operator changes another policy"),
        pytest.param("operator", "list", "networkpolicies", TASKS, id="the operator lists others' policies"),
        pytest.param("operator", "get", "endpointslices/other", TASKS, id="the operator reads other endpoints"),
        pytest.param("operator", "watch", "events.events.k8s.io", TASKS, id="the operator follows all Events"),
        pytest.param("operator", "delete", "events.events.k8s.io", TASKS, id="the operator deletes Events"),
        pytest.param("gateway", "patch", "tasks.taskyard.dev", TASKS, id="the gateway writes a Task"),
        pytest.param("gateway", "create", "pods", TASKS, id="the gateway creates Pods"),
        pytest.param("gateway", "get", "pods", TASKS, id="the gateway reads Pods"),
        pytest.param("gateway", "list", "configmaps", TASKS, id="the gateway lists configuration"),
        pytest.param("gateway", "get", "secrets/other", NAMESPACE, id="the gateway reads another secret"),
    ],
)
def test_rights_that_no_process_has(cluster: Cluster, account: str, verb: str, resource: str, namespace: str) -> None:
    user = f"system:serviceaccount:{NAMESPACE}:taskyard-{account}"
    result = cluster.kubectl("auth", "can-i", verb, *resource.split(), "-n", namespace, "--as", user)
    assert result.stdout.strip() == "no", result.stderr


def test_the_operator_may_read_the_events_of_a_pod_that_does_not_start(cluster: Cluster) -> None:
    """K4"""
    user = f"system:serviceaccount:{NAMESPACE}:taskyard-operator"
    path = f"/apis/events.k8s.io/v1/namespaces/{TASKS}/events?fieldSelector=regarding.uid%3Dnone"
    found = json.loads(cluster.must("get", "--raw", path, "--as", user))
    assert found["items"] == []
