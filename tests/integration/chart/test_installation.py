"""The whole chart against the API server."""

import json

from integration.chart.installation import NAMESPACE, Cluster


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
    task = {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "kept", "namespace": "default"},
        "spec": {"templateVersion": "none", "prompt": "", "paused": True},
    }
    installed.must("create", "-f", "-", input=json.dumps(task))
    installed.install("--set", "gateway.replicas=3")
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE)["spec"]["replicas"] == 3
    installed.helm("uninstall", "taskyard")
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE) is None
    assert installed.get("validatingadmissionpolicy", "templateversions.taskyard.dev") is None
    assert installed.get("task", "kept", "-n", "default") is not None
    installed.install()
    assert installed.get("deployment", "taskyard-gateway", "-n", NAMESPACE)["spec"]["replicas"] == 2
    installed.must("delete", "task", "kept", "-n", "default")


def test_an_upgrade_updates_the_crds(installed: Cluster) -> None:
    crd = "tasks.taskyard.dev"
    before = installed.get("crd", crd)["spec"]["names"]["shortNames"]
    installed.must("patch", "crd", crd, "--type=merge", "-p", '{"spec": {"names": {"shortNames": ["old"]}}}')
    installed.install("--force-conflicts")
    assert installed.get("crd", crd)["spec"]["names"]["shortNames"] == before
