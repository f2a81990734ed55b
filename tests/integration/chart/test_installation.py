"""The whole chart against the API server."""

from integration.chart.installation import NAMESPACE, Cluster


def test_the_api_server_takes_every_object_without_a_warning(cluster: Cluster) -> None:
    result = cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-",
        input=cluster.render("--set", "templates.allow.hostPath=true,gateway.replicas=2"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    for expected in ("taskyard-operator", "taskyard-gateway", "templateversions.taskyard.dev", "taskyard-edit"):
        assert expected in result.stdout


def test_its_own_pods_fit_a_namespace_of_restricted_pod_security(cluster: Cluster) -> None:
    cluster.must("label", "--overwrite", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    result = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "-f", "-",
        input=cluster.render("-s", "templates/operator/deployment.yaml", "-s", "templates/gateway/deployment.yaml"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "PodSecurity" not in result.stderr
