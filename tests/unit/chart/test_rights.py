"""What the chart's roles allow processes and users."""

from pathlib import Path

import pytest
import yaml

from localcluster.locations import REPOSITORY
from unit.chart.rendering import CHART, GATEWAY, OPERATOR, Render, Rendered

ROLES = sorted(path for path in (CHART / "templates").rglob("*.yaml") if "kind: ClusterRole\n" in path.read_text())


@pytest.mark.parametrize("path", ROLES, ids=lambda path: str(path.relative_to(CHART / "templates")))
def test_each_rule_has_its_reason_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("- apiGroups:")]
    assert rules
    assert [lines[number] for number in rules if not lines[number - 1].startswith("# ")] == []


@pytest.mark.parametrize("process", [OPERATOR, GATEWAY])
def test_no_process_has_a_wildcard_right(default: Rendered, process: str) -> None:
    for rule in default.rules(process):
        for field in ("apiGroups", "resources", "verbs"):
            assert "*" not in rule[field]


def test_secrets_can_be_watched_only_while_secret_parameters_are_enabled(default: Rendered, render: Render) -> None:
    off = render("secretParameters.enabled=false")
    for rendered, expected in ((default, [["list", "watch"]]), (off, [])):
        rules = [rule for manifest in rendered.of_kind("ClusterRole") for rule in manifest["rules"]]
        assert [rule["verbs"] for rule in rules if "secrets" in rule["resources"]] == expected
    assert default.environment(OPERATOR)["TASKYARD_SECRET_PARAMETERS"] == "true"
    assert off.environment(OPERATOR)["TASKYARD_SECRET_PARAMETERS"] == "false"


def test_secrets_are_read_by_name_and_in_the_own_namespace_only(default: Rendered) -> None:
    for manifest in default.of_kind("Role"):
        for rule in manifest["rules"]:
            if rule["resources"] == ["secrets"]:
                assert rule["verbs"] == ["create"] or rule["resourceNames"] == ["taskyard-keys"]


@pytest.mark.parametrize("process", [OPERATOR, GATEWAY])
def test_no_process_may_write_users_objects(default: Rendered, process: str) -> None:
    # Deleting is allowed: a Task may request it (spec.ttlSecondsAfterFinished).
    writing = {"create", "update", "patch"}
    for rule in default.rules(process):
        if {"tasks", "templates", "templateversions"} & set(rule["resources"]):
            assert not writing & set(rule["verbs"])


@pytest.mark.parametrize(
    ("role", "writes"),
    [
        pytest.param("view", set(), id="view"),
        pytest.param("edit", {"tasks", "taskinputs", "notificationsinks"}, id="edit"),
        pytest.param(
            "admin", {"tasks", "taskinputs", "templates", "templateversions", "notificationsinks"}, id="admin"
        ),
    ],
)
def test_users_get_the_rights_of_their_role_in_the_namespace(default: Rendered, role: str, writes: set[str]) -> None:
    manifest = default.one("ClusterRole", f"taskyard-{role}")
    assert manifest["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
    verbs = {resource: set(rule["verbs"]) for rule in manifest["rules"] for resource in rule["resources"]}
    assert verbs.pop("tasks/log") == {"get"}
    kinds = {"tasks", "taskinputs", "templates", "templateversions", "workspacebuilds", "notificationsinks"}
    assert set(verbs) == kinds
    assert all({"get", "list", "watch"} <= found for found in verbs.values())
    assert {resource for resource, found in verbs.items() if "create" in found} == writes


def test_aggregation_into_the_clusters_roles_can_be_disabled(render: Render) -> None:
    rendered = render("rbac.aggregateToDefaultRoles=false")
    for role in ("view", "edit", "admin"):
        labels = rendered.one("ClusterRole", f"taskyard-{role}")["metadata"]["labels"]
        assert not [label for label in labels if label.startswith("rbac.authorization.k8s.io/")]


def test_the_example_of_flow_control_names_the_account_of_each_process(render: Render) -> None:
    flows = (REPOSITORY / "deploy" / "flowcontrol" / "operator.yaml").read_text()
    [schema] = [found for found in yaml.safe_load_all(flows) if found["kind"] == "FlowSchema"]
    named = {subject["serviceAccount"]["name"] for rule in schema["spec"]["rules"] for subject in rule["subjects"]}
    accounts = render("notifier.enabled=true").of_kind("ServiceAccount")
    assert named == {account["metadata"]["name"] for account in accounts}
