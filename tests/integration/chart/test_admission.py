"""What the chart's ValidatingAdmissionPolicy allows in a TemplateVersion, and who may create one."""

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from integration.chart.installation import Cluster
from localcluster.locations import REPOSITORY

POLICY = "templates/policy.yaml"
EXAMPLE = REPOSITORY / "deploy" / "examples" / "01-shell" / "templateversion.yaml"
AGENT: dict[str, Any] = {"name": "agent", "image": "debian:trixie-slim", "command": ["bash"]}


def template_version(namespace: str, *, agent: dict[str, Any] | None = None, **pod_spec: Any) -> dict[str, Any]:
    """A valid TemplateVersion, with ``agent`` merged into its container and ``pod_spec`` into its Pod."""
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "TemplateVersion",
        "metadata": {"name": "shell-v1", "namespace": namespace},
        "spec": {
            "template": "shell",
            "agent": {},
            "pod": {"spec": {"containers": [{**AGENT, **(agent or {})}], **pod_spec}},
        },
    }


def refusal(cluster: Cluster, manifest: dict[str, Any], *arguments: str) -> str:
    """The API server's error for a create; empty when it accepts it. Nothing is stored."""
    result = cluster.kubectl(
        "create", "--dry-run=server", "--validate=strict", *arguments, "-f", "-", input=json.dumps(manifest)
    )
    return "" if result.returncode == 0 else result.stderr


def wait_until_in_force(cluster: Cluster, *, allows_hosts: bool) -> None:
    """A policy is compiled and enforced a moment after it is stored."""
    probe = template_version("default", hostNetwork=True)
    until = time.monotonic() + 30
    while (refusal(cluster, probe) == "") != allows_hosts:
        assert time.monotonic() < until, "the policy was not in force after 30 s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def guarded(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with the policy in force, as it is by default."""
    manifests = cluster.render("--show-only", POLICY)
    result = cluster.kubectl("apply", "--server-side", "-f", "-", input=manifests)
    assert result.returncode == 0, result.stderr
    wait_until_in_force(cluster, allows_hosts=False)
    yield cluster
    cluster.kubectl("delete", "-f", "-", input=manifests)


def test_the_policy_compiles_without_a_warning(guarded: Cluster) -> None:
    result = guarded.kubectl("get", "validatingadmissionpolicy", "templateversions.taskyard.dev", "-o", "json")
    assert json.loads(result.stdout).get("status", {}).get("typeChecking", {}) == {}


def test_the_example_is_admitted(guarded: Cluster, namespace: str) -> None:
    manifest = yaml.safe_load(EXAMPLE.read_text())
    manifest["metadata"]["namespace"] = namespace
    assert refusal(guarded, manifest) == ""


@pytest.mark.parametrize(
    "pod_spec",
    [
        pytest.param({}, id="minimal"),
        pytest.param({"hostNetwork": False, "hostPID": False, "hostIPC": False}, id="host namespaces set to false"),
        pytest.param({"hostNetwork": None, "shareProcessNamespace": None}, id="nulls for booleans"),
        pytest.param({"securityContext": None, "volumes": None, "initContainers": None}, id="nulls for lists"),
        pytest.param(
            {"containers": [{**AGENT, "securityContext": None, "ports": None, "volumeMounts": None}]},
            id="nulls in a container",
        ),
        pytest.param(
            {"containers": [{**AGENT, "securityContext": {"privileged": None, "runAsUser": None}}]},
            id="nulls in a security context",
        ),
        pytest.param({"securityContext": {"supplementalGroups": None, "fsGroup": 1000}}, id="null groups"),
        pytest.param(
            {
                "volumes": [
                    {"name": "cache", "emptyDir": {}, "hostPath": None, "projected": None},
                    {"name": "a", "projected": {"sources": None}},
                    {"name": "b", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
                    {"name": "c", "projected": {"sources": [{"configMap": {"name": "x"}}]}},
                ]
            },
            id="harmless volumes",
        ),
        pytest.param(
            {"containers": [{**AGENT, "ports": [{"containerPort": 8080}, {"containerPort": 8483, "hostPort": 8487}]}]},
            id="other ports",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": 0, "fsGroup": 64483, "supplementalGroups": [1, 2]}}, id="other ids"
        ),
        pytest.param({"initContainers": [{"name": "fetch", "image": "x"}]}, id="an init container"),
    ],
)
def test_a_valid_pod_is_admitted(guarded: Cluster, namespace: str, pod_spec: dict[str, Any]) -> None:
    assert refusal(guarded, template_version(namespace, **pod_spec)) == ""


HOST_PATH = {"name": "node", "hostPath": {"path": "/"}}
TOKEN = {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"audience": "taskyard", "path": "t"}}]}}


@pytest.mark.parametrize(
    ("agent", "pod_spec", "message"),
    [
        pytest.param(
            {},
            {"hostNetwork": True},
            "spec.pod.spec.hostNetwork exposes the node's network to the agent: remove it, or have it allowed in the "
            "Helm values (templates.allow.hostNetwork)",
            id="host network",
        ),
        pytest.param({}, {"hostPID": True}, "spec.pod.spec.hostPID exposes the node's processes", id="host processes"),
        pytest.param({}, {"hostIPC": True}, "spec.pod.spec.hostIPC exposes the memory", id="host IPC"),
        pytest.param({}, {"hostNetwork": "true"}, "spec.pod.spec.hostNetwork exposes", id="a boolean of a wrong type"),
        pytest.param(
            {},
            {"shareProcessNamespace": True},
            "spec.pod.spec.shareProcessNamespace exposes the sidecar, with its key, to the agent: remove it",
            id="shared processes",
        ),
        pytest.param(
            {},
            {"volumes": [{"name": "ok", "emptyDir": {}}, HOST_PATH]},
            "spec.pod.spec.volumes: hostPath of node exposes files of the node to the agent: use home, an emptyDir",
            id="hostPath",
        ),
        pytest.param(
            {"securityContext": {"privileged": True}},
            {},
            "spec.pod.spec.containers: securityContext.privileged of agent exposes the whole node to the agent: remove",
            id="privileged",
        ),
        pytest.param(
            {},
            {"initContainers": [{"name": "first", "image": "x", "securityContext": {"privileged": True}}]},
            "securityContext.privileged of first exposes",
            id="a privileged init container",
        ),
        pytest.param(
            {},
            {"ephemeralContainers": [{"name": "debug", "image": "x", "securityContext": {"privileged": True}}]},
            "securityContext.privileged of debug exposes",
            id="a privileged ephemeral container",
        ),
        pytest.param(
            {},
            {"initContainers": [{"name": "taskyard-sidecar", "image": "x"}]},
            "the name taskyard-sidecar is reserved for the container that Taskyard adds: rename yours",
            id="the sidecar's name",
        ),
        pytest.param(
            {},
            {"volumes": [{"name": "taskyard-run", "emptyDir": {}}]},
            "spec.pod.spec.volumes: taskyard-run: names that begin with taskyard- are reserved for the volumes",
            id="a reserved volume",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "taskyard-token", "mountPath": "/token"}]},
            {},
            "volumeMounts of agent refer to a volume whose name begins with taskyard-, which is reserved for Taskyard:",
            id="a mount of the sidecar's token",
        ),
        pytest.param(
            {"volumeDevices": [{"name": "taskyard-home", "devicePath": "/dev/home"}]},
            {},
            "volumeMounts of agent refer to a volume",
            id="a device of the sidecar's volume",
        ),
        *(
            pytest.param(
                {"ports": [{"containerPort": 80}, {"containerPort": port}]},
                {},
                "ports of agent include one of 8484 to 8486, which are reserved for the sidecar: use another port",
                id=f"port {port}",
            )
            for port in (8484, 8485, 8486)
        ),
        pytest.param(
            {"ports": [{"containerPort": 80, "hostPort": 8484}]},
            {},
            "ports of agent include",
            id="a reserved host port",
        ),
        *(
            pytest.param(
                {},
                {"securityContext": {field: value}},
                "64484 as runAsUser, runAsGroup, fsGroup or in supplementalGroups of a securityContext is the "
                "sidecar's own id, with which the agent could read its key: use another id",
                id=f"{field} of the Pod",
            )
            for field, value in (
                ("runAsUser", 64484),
                ("runAsGroup", 64484),
                ("fsGroup", 64484),
                ("supplementalGroups", [1, 64484]),
            )
        ),
        pytest.param({"securityContext": {"runAsUser": 64484}}, {}, "64484 as runAsUser", id="runAsUser of the agent"),
        pytest.param(
            {"securityContext": {"runAsGroup": 64484}}, {}, "64484 as runAsUser", id="runAsGroup of the agent"
        ),
        pytest.param(
            {},
            {"initContainers": [{"name": "first", "image": "x", "securityContext": {"runAsUser": 64484}}]},
            "64484 as runAsUser",
            id="runAsUser of an init container",
        ),
        pytest.param(
            {},
            {"volumes": [TOKEN]},
            "spec.pod.spec.volumes: token projects a serviceAccountToken of audience taskyard, with which the agent "
            "could impersonate the sidecar: use another audience",
            id="a token for the gateway",
        ),
        pytest.param(
            {}, {"containers": "bash"}, "spec.pod.spec.containers: Invalid value", id="containers as a string"
        ),
        pytest.param(
            {},
            {"containers": [{"image": "x"}]},
            "spec.pod.spec.containers[0].name: Required value",
            id="a nameless container",
        ),
        pytest.param(
            {}, {"securityContext": []}, "spec.pod.spec.securityContext: Invalid value", id="a context as a list"
        ),
        pytest.param({"ports": {"containerPort": 80}}, {}, "spec.pod is not a Pod template", id="ports as an object"),
    ],
)
def test_a_forbidden_pod_is_refused_with_field_cause_and_remedy(
    guarded: Cluster, namespace: str, agent: dict[str, Any], pod_spec: dict[str, Any], message: str
) -> None:
    assert message in refusal(guarded, template_version(namespace, agent=agent, **pod_spec))


def test_a_pod_without_a_spec_is_refused(guarded: Cluster, namespace: str) -> None:
    manifest = template_version(namespace)
    manifest["spec"]["pod"] = {"containers": [AGENT]}
    assert "spec.pod.spec: Required value" in refusal(guarded, manifest)


def test_a_pod_at_the_size_limit_of_an_object_does_not_exceed_the_cost_limit(guarded: Cluster, namespace: str) -> None:
    ports = [{"containerPort": 9000 + n % 1000} for n in range(600)]
    containers = [{**AGENT, "name": f"c{n}", "ports": ports, "securityContext": {"runAsUser": n}} for n in range(32)]
    assert refusal(guarded, template_version(namespace, containers=containers)) == ""


def test_the_creator_needs_the_right_to_create_pods(guarded: Cluster, namespace: str) -> None:
    manifest = template_version(namespace)
    as_writer = ("--as", "writer")
    guarded.kubectl("create", "role", "templates", "-n", namespace, "--verb=create,get", "--resource=templateversions")
    guarded.kubectl("create", "rolebinding", "templates", "-n", namespace, "--role=templates", "--user=writer")
    wait_for_rights(guarded, namespace, "templateversions.taskyard.dev")
    refused = refusal(guarded, manifest, *as_writer)
    assert f"writer may not create Pods in namespace {namespace}" in refused
    assert "have it created by a user with the right to create pods there, or get that right" in refused
    guarded.kubectl("create", "role", "pods", "-n", namespace, "--verb=create", "--resource=pods")
    guarded.kubectl("create", "rolebinding", "pods", "-n", namespace, "--role=pods", "--user=writer")
    wait_for_rights(guarded, namespace, "pods")
    assert refusal(guarded, manifest, *as_writer) == ""


def wait_for_rights(cluster: Cluster, namespace: str, resource: str) -> None:
    """The API server reads roles from a cache that lags a moment behind."""
    until = time.monotonic() + 10
    while cluster.kubectl("auth", "can-i", "create", resource, "-n", namespace, "--as", "writer").returncode != 0:
        assert time.monotonic() < until, f"writer got no right to create {resource}"
        time.sleep(0.1)


def test_each_rule_can_be_loosened_by_the_installation(guarded: Cluster, namespace: str) -> None:
    """A policy of the same expressions under another name, bound instead of the default one."""
    everything = {
        "hostNetwork": True,
        "hostPID": True,
        "hostIPC": True,
        "shareProcessNamespace": True,
        "volumes": [HOST_PATH],
        "securityContext": {"runAsUser": 64484},
    }
    agent = {"securityContext": {"privileged": True}, "ports": [{"containerPort": 8484}]}
    names = [
        "creatorsWithoutPods", "hostNetwork", "hostPID", "hostIPC", "hostPath", "privileged", "shareProcessNamespace",
        "reservedPorts", "reservedIds",
    ]  # fmt: skip
    settings = ",".join(f"templates.allow.{name}=true" for name in names)
    default = guarded.render("--show-only", POLICY)
    loose = guarded.render("--show-only", POLICY, "--set", settings)
    try:
        guarded.kubectl("apply", "--server-side", "-f", "-", input=loose)
        wait_until_in_force(guarded, allows_hosts=True)
        manifest = template_version(namespace, agent=agent, **everything)
        assert refusal(guarded, manifest) == ""
        kept = copy.deepcopy(manifest)
        kept["spec"]["pod"]["spec"]["volumes"].append(TOKEN)
        assert "token projects a serviceAccountToken of audience taskyard" in refusal(guarded, kept)
    finally:
        guarded.kubectl("apply", "--server-side", "-f", "-", input=default)
        wait_until_in_force(guarded, allows_hosts=False)
