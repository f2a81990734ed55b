"""The whole chart against the API server."""

import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from integration.chart.installation import CHART, NAMESPACE, Cluster


def test_the_api_server_accepts_every_object_without_a_warning(cluster: Cluster) -> None:
    result = cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-",
        input=cluster.render("--set", "templates.allow.hostPath=true,gateway.replicas=2"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    for expected in ("taskyard-operator", "taskyard-gateway", "templateversions.taskyard.dev", "taskyard-edit"):
        assert expected in result.stdout


def test_its_own_pods_are_allowed_in_a_namespace_of_restricted_pod_security(cluster: Cluster) -> None:
    cluster.must("label", "--overwrite", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    result = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "-f", "-",
        input=cluster.render("-s", "templates/operator/deployment.yaml", "-s", "templates/gateway/deployment.yaml"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "PodSecurity" not in result.stderr


def test_uninstalling_keeps_the_tasks_and_a_new_installation_adopts_them(installed: Cluster) -> None:
    create_task(installed, "kept")
    installed.install("--set", "gateway.replicas=3")
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE)["spec"]["replicas"] == 3
    installed.helm("uninstall", "taskyard")
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE) is None
    assert installed.get("validatingadmissionpolicy", "templateversions.taskyard.dev") is None
    assert installed.get("task", "kept", "-n", "default") is not None
    installed.install()
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE)["spec"]["replicas"] == 2
    installed.must("delete", "task", "kept", "-n", "default")


def test_what_sets_the_creators_name_is_not_the_default(installed: Cluster) -> None:
    """For a moment after an installation nobody could create Tasks."""
    policy = "created-by.taskyard.dev"
    assert installed.get("validatingadmissionpolicy", policy) is not None
    for kind in ("mutatingadmissionpolicy", "mutatingadmissionpolicybinding"):
        assert installed.get(kind, policy) is None, kind


TAKES_OVER, LEAVES_ALONE = "--take-ownership", "--set=crds.install=false"


@pytest.mark.parametrize(
    ("release", "namespace", "how"),
    [
        pytest.param("taskyard", "elsewhere", TAKES_OVER, id="another namespace takes the CRDs over"),
        pytest.param("agents", NAMESPACE, TAKES_OVER, id="another name takes the CRDs over"),
        pytest.param("agents", "elsewhere", LEAVES_ALONE, id="the CRDs are somebody else's"),
    ],
)
def test_another_release_can_follow_one_that_was_uninstalled(
    installed: Cluster, release: str, namespace: str, how: str
) -> None:
    """K9."""
    create_task(installed, "kept")
    installed.helm("uninstall", "taskyard")
    command = ["upgrade", "--install", release, str(CHART), "--create-namespace"]
    refused = installed.try_helm(*command, namespace=namespace)
    assert "invalid ownership metadata" in refused.stderr
    try:
        # As docs/operations.md says.
        installed.helm(*command, how, namespace=namespace)
        assert installed.get("deployment", "taskyard-operator", "-n", namespace) is not None
        assert installed.get("tasks.taskyard.dev", "kept", "-n", "default") is not None
        owned_by = {} if how == LEAVES_ALONE else {"release-name": release, "release-namespace": namespace}
        annotations = installed.get("crd", "tasks.taskyard.dev")["metadata"]["annotations"]
        assert {name: annotations[f"meta.helm.sh/{name}"] for name in owned_by} == owned_by
        # From then on, an upgrade needs nothing more.
        installed.helm("upgrade", release, str(CHART), "--reuse-values", namespace=namespace)
    finally:
        installed.try_helm("uninstall", release, namespace=namespace)
        installed.install(TAKES_OVER)
    installed.must("delete", "tasks.taskyard.dev", "kept", "-n", "default")


def test_two_releases_at_a_time_are_refused(installed: Cluster) -> None:
    """K9: one installation serves the whole cluster, and its objects of the cluster have fixed names."""
    second = ["upgrade", "--install", "agents", str(CHART), LEAVES_ALONE, "--create-namespace"]
    refused = installed.try_helm(*second, namespace="elsewhere")
    assert refused.returncode != 0
    assert "invalid ownership metadata" in refused.stderr
    installed.try_helm("uninstall", "agents", namespace="elsewhere")
    assert installed.get("clusterrole", "taskyard-operator") is not None


def test_the_notes_name_our_kinds_where_others_have_tasks_too(installed: Cluster, tmp_path: Path) -> None:
    """K10: with Tekton's and kelos' Tasks in the same cluster."""
    others = ("tasks.kelos.dev", "tasks.tekton.dev")
    for name in others:
        installed.create(foreign_crd(name))
    try:
        installed.must("wait", "--for=condition=Established", "--timeout=30s", *(f"crd/{name}" for name in others))
        create_task(installed, "hello")
        kubectl = ("--cache-dir", str(tmp_path), "-n", "default")
        # What `tasks` alone means is chance.
        for name in (*others, "tasks.taskyard.dev", "ait"):
            until = time.monotonic() + 20
            while installed.kubectl(*kubectl, "get", name).returncode and time.monotonic() < until:
                time.sleep(0.2)
        assert "hello" not in installed.must(*kubectl, "get", "tasks")
        assert "hello" in installed.must(*kubectl, "get", "ait")
        notes = installed.helm("get", "notes", "taskyard")
        shown = [shlex.split(line.partition("kubectl ")[2]) for line in notes.splitlines() if "kubectl " in line]
        asked = {}
        for words in shown:
            verb = next(word for word in words if word in ("get", "explain", "describe", "apply", "rollout"))
            if verb in ("apply", "rollout"):
                continue
            words = [{"<name>": "hello"}.get(word, word) for word in words[words.index(verb) :] if word != "--watch"]
            asked[verb] = installed.must(*kubectl, *words)
            assert "foreign" not in asked[verb]
        assert sorted(asked) == ["describe", "explain", "get"]
        assert "hello" in asked["get"]
        assert "taskyard.dev/v1alpha1" in asked["describe"]
    finally:
        installed.must("delete", "crd", *others, "--ignore-not-found")
        installed.must("delete", "tasks.taskyard.dev", "hello", "-n", "default", "--ignore-not-found")


def create_task(installed: Cluster, name: str) -> None:
    """A Task in the namespace default that nothing starts."""
    installed.create(
        {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": "Task",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"templateVersion": "none", "prompt": "", "paused": True},
        }
    )


def foreign_crd(name: str) -> dict[str, Any]:
    """A kind of another project that has the names of ours."""
    plural, _, group = name.partition(".")
    properties = {"spec": {"type": "object", "description": "foreign", "properties": {"steps": {"type": "string"}}}}
    schema = {"openAPIV3Schema": {"type": "object", "description": "foreign", "properties": properties}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": "task", "kind": "Task", "listKind": "TaskList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def test_an_upgrade_updates_the_crds(installed: Cluster) -> None:
    crd = "tasks.taskyard.dev"
    before = installed.get("crd", crd)["spec"]["names"]["shortNames"]
    installed.must("patch", "crd", crd, "--type=merge", "-p", '{"spec": {"names": {"shortNames": ["old"]}}}')
    installed.install("--force-conflicts")
    assert installed.get("crd", crd)["spec"]["names"]["shortNames"] == before
