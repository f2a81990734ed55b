"""The replicas of each process, and how they replace each other."""

import pytest

from unit.chart.rendering import CHART, GATEWAY, NAMESPACE, OPERATOR, Helm, Render, Rendered


def test_each_process_has_two_replicas_and_a_new_one_is_ready_before_an_old_one_ends(default: Rendered) -> None:
    for deployment in (OPERATOR, GATEWAY):
        spec = default.one("Deployment", deployment)["spec"]
        assert spec["replicas"] == 2
        assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}


@pytest.mark.parametrize("deployment", [OPERATOR, GATEWAY])
def test_replicas_spread_and_are_drained_one_by_one(default: Rendered, deployment: str) -> None:
    labels = default.one("Deployment", deployment)["spec"]["selector"]["matchLabels"]
    constraints = default.pod(deployment)["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in constraints} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for one in constraints:
        assert one["whenUnsatisfiable"] == "ScheduleAnyway" and one["labelSelector"]["matchLabels"] == labels
    budget = default.one("PodDisruptionBudget", deployment)
    assert budget["metadata"]["namespace"] == NAMESPACE
    assert budget["spec"]["maxUnavailable"] == 1 and budget["spec"]["selector"]["matchLabels"] == labels


def test_a_single_replica_blocks_no_drain(render: Render) -> None:
    [budget] = render("operator.replicas=1").of_kind("PodDisruptionBudget")
    assert budget["metadata"]["name"] == GATEWAY


def test_the_operator_may_hold_one_lease_and_knows_its_name(default: Rendered) -> None:
    rules = [rule for rule in default.one("Role", OPERATOR)["rules"] if rule["resources"] == ["leases"]]
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules] == [
        (["create"], None),
        (["get", "patch", "watch"], ["taskyard-operator"]),
    ]
    environment = default.environment(OPERATOR)
    assert environment["TASKYARD_POD_NAME"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert environment["TASKYARD_LEADER_ELECTION"] == "true"
    assert environment["TASKYARD_LEASE_DURATION"] == "10s"


def test_without_an_election_there_is_one_operator_at_a_time(render: Render, helm: Helm) -> None:
    off = "operator.leaderElection.enabled=false"
    rendered = render(off, "operator.replicas=1")
    spec = rendered.one("Deployment", OPERATOR)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert rendered.environment(OPERATOR)["TASKYARD_LEADER_ELECTION"] == "false"
    result = helm("template", "any-release", str(CHART), "--set", off)
    assert result.returncode != 0
    assert "operator.replicas must be 0 or 1 while operator.leaderElection.enabled is false" in result.stderr


def test_the_gateway_has_the_configured_number_of_replicas(render: Render) -> None:
    assert render("gateway.replicas=3").one("Deployment", GATEWAY)["spec"]["replicas"] == 3


def test_the_gateway_is_scaled_by_its_load_when_enabled(render: Render, default: Rendered) -> None:
    assert not default.of_kind("HorizontalPodAutoscaler")
    rendered = render("gateway.autoscaling.enabled=true", "gateway.replicas=3", "gateway.autoscaling.maxReplicas=9")
    deployment = rendered.one("Deployment", GATEWAY)
    # Otherwise every upgrade would reset the number.
    assert "replicas" not in deployment["spec"]
    scaler = rendered.one("HorizontalPodAutoscaler", GATEWAY)
    assert scaler["metadata"]["namespace"] == NAMESPACE
    spec = scaler["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": GATEWAY}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 9)
    [metric] = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "500m"}}
    assert rendered.one("PodDisruptionBudget", GATEWAY)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param("gateway.autoscaling.maxReplicas=1", "maxReplicas must not be less", id="maximum below minimum"),
        pytest.param("gateway.replicas=0", "gateway.replicas must be at least 1", id="minimum of zero"),
    ],
)
def test_an_invalid_scale_is_refused(helm: Helm, setting: str, complaint: str) -> None:
    scaling = "gateway.autoscaling.enabled=true"
    result = helm("template", "any-release", str(CHART), "--set", scaling, "--set", setting)
    assert result.returncode != 0
    assert complaint in result.stderr
