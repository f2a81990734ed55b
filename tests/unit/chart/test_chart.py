"""What the chart makes of its values."""

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from localcluster.locations import REPOSITORY
from taskyard.controller.settings import Settings
from taskyard.core.network import NetworkRules, processes
from taskyard.gateway.main import DRAIN_SECONDS
from taskyard.gateway.people.conversation import CALL_SECONDS
from taskyard.gateway.people.listener import GRACE_SECONDS as PEOPLES_GRACE
from taskyard.gateway.serving import GRACE_SECONDS
from taskyard.gateway.settings import Settings as GatewaySettings
from unit.chart.rendering import CHART, NAMESPACE, Helm, Manifest, Render, Rendered

OPERATOR, GATEWAY = "taskyard-operator", "taskyard-gateway"
NAMED = {"TASKYARD_NAMESPACE": NAMESPACE}


def documented_variables(process: str) -> set[str]:
    """The variables that docs/contracts.md says a process gets."""
    contracts = (REPOSITORY / "docs" / "contracts.md").read_text()
    text = contracts.partition("## Environment")[2].partition("\n## ")[0]
    found = re.search(rf"\b{process}: (`TASKYARD_.*?)(?:\. |\.\n)", text, re.DOTALL)
    assert found, f"no variables of the {process} in docs/contracts.md"
    return set(re.findall(r"`(TASKYARD_[A-Z_]+)", found[1]))


def rules_of(rendered: Rendered, name: str) -> list[Manifest]:
    """All rules of a process, from its ClusterRole and its Role."""
    return [rule for kind in ("ClusterRole", "Role") for rule in rendered.one(kind, name)["rules"]]


def test_helm_finds_nothing_to_complain_of(helm: Helm) -> None:
    result = helm("lint", "--strict", str(CHART))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_names_of_its_objects_do_not_depend_on_the_release(default: Rendered) -> None:
    assert {manifest["metadata"]["name"] for manifest in default.of_kind("Deployment")} == {OPERATOR, GATEWAY}
    assert [manifest["metadata"]["name"] for manifest in default.of_kind("Service")] == [GATEWAY]


def test_namespaced_objects_are_in_the_namespace_of_the_release(default: Rendered) -> None:
    kinds = ("Deployment", "Service", "ServiceAccount", "Role", "RoleBinding")
    manifests = [manifest for kind in kinds for manifest in default.of_kind(kind)]
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {NAMESPACE}
    subjects = [
        subject
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for manifest in default.of_kind(kind)
        for subject in manifest["subjects"]
    ]
    assert {subject["namespace"] for subject in subjects} == {NAMESPACE}


@pytest.mark.parametrize(
    ("process", "deployment", "left_out"),
    [
        pytest.param("Operator", OPERATOR, set(), id="operator"),
        pytest.param(
            "Gateway",
            GATEWAY,
            {
                "TASKYARD_LISTEN_ADDRESS",
                "TASKYARD_PEOPLE_TLS_DIR",
                "TASKYARD_PEOPLE_HOSTS",
                "TASKYARD_NAMING_URL",
                "TASKYARD_NAMING_MODEL",
                "TASKYARD_NAMING_KEY",
            },
            id="gateway, at all of its Pod's addresses, with its own certificate and no model",
        ),
    ],
)
def test_a_process_gets_the_variables_of_the_contract_and_no_others(
    default: Rendered, process: str, deployment: str, left_out: set[str]
) -> None:
    assert set(default.environment(deployment)) == documented_variables(process) - left_out


def test_the_operator_learns_from_the_values_what_its_sidecars_are(render: Render) -> None:
    environment = render(
        "image.repository=registry.example/taskyard",
        "image.tag=1.2.3",
        "image.pullPolicy=Always",
        "imagePullSecrets[0].name=one",
        "imagePullSecrets[1].name=two",
        "sidecar.resources.limits.memory=99Mi",
        "logLevel=DEBUG",
    ).environment(OPERATOR)
    assert environment["TASKYARD_SIDECAR_IMAGE"] == "registry.example/taskyard:1.2.3"
    assert environment["TASKYARD_SIDECAR_IMAGE_PULL_POLICY"] == "Always"
    assert environment["TASKYARD_IMAGE_PULL_SECRETS"] == "one,two"
    assert json.loads(environment["TASKYARD_SIDECAR_RESOURCES"])["limits"] == {"memory": "99Mi"}
    assert environment["TASKYARD_LOG_LEVEL"] == "DEBUG"
    assert environment["TASKYARD_GATEWAY_URL"] == f"https://taskyard-gateway.{NAMESPACE}.svc:8444"
    assert environment["TASKYARD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_the_sidecar_may_have_no_resources_at_all(render: Render) -> None:
    assert render("sidecar.resources=null").environment(OPERATOR)["TASKYARD_SIDECAR_RESOURCES"] == "{}"


def test_without_a_tag_the_image_is_that_of_the_charts_version(default: Rendered) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    for deployment in (OPERATOR, GATEWAY):
        assert default.pod(deployment)["containers"][0]["image"] == f"taskyard:{version}"


@pytest.mark.parametrize("deployment", [OPERATOR, GATEWAY])
def test_a_process_is_fit_for_restricted_pod_security(default: Rendered, deployment: str) -> None:
    pod = default.pod(deployment)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 64484,
        "runAsGroup": 64484,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize(
    ("deployment", "port"), [pytest.param(OPERATOR, 8080, id="operator"), pytest.param(GATEWAY, 8081, id="gateway")]
)
def test_the_probes_ask_the_port_that_the_process_is_told(default: Rendered, deployment: str, port: int) -> None:
    [container] = default.pod(deployment)["containers"]
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    probes = {name: container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")}
    assert {ports[probe["port"]] for probe in probes.values()} == {port}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert default.environment(deployment)["TASKYARD_HEALTH_PORT"] == str(port)


def test_people_can_be_left_without_a_gateway(render: Render) -> None:
    rendered = render("gateway.people.enabled=false")
    assert [port["port"] for port in rendered.one("Service", GATEWAY)["spec"]["ports"]] == [8444]
    assert rendered.environment(GATEWAY)["TASKYARD_PEOPLE"] == "false"
    rules = rendered.one("ClusterRole", GATEWAY)["rules"]
    assert not [rule for rule in rules if {"subjectaccessreviews", "pods", "namespaces"} & set(rule["resources"])]
    assert not [rule for rule in rules if "watch" in rule["verbs"]]


def test_the_gateway_serves_people_with_the_certificate_of_a_secret(render: Render) -> None:
    rendered = render("gateway.people.tlsSecret=people-tls", "gateway.people.hosts={tasks.example.test,t.example.test}")
    pod, environment = rendered.pod(GATEWAY), rendered.environment(GATEWAY)
    [mount] = [entry for entry in pod["containers"][0]["volumeMounts"] if entry["name"] == "people-tls"]
    assert mount["mountPath"] == environment["TASKYARD_PEOPLE_TLS_DIR"]
    [volume] = [entry for entry in pod["volumes"] if entry["name"] == "people-tls"]
    assert volume["secret"]["secretName"] == "people-tls"
    assert environment["TASKYARD_PEOPLE_HOSTS"] == "tasks.example.test,t.example.test"


def test_a_model_names_tasks_with_a_key_from_a_secret(render: Render) -> None:
    rendered = render(
        "gateway.people.naming.url=https://models.test/v1/messages",
        "gateway.people.naming.model=small",
        "gateway.people.naming.keySecret.name=model",
    )
    [key] = [entry for entry in rendered.pod(GATEWAY)["containers"][0]["env"] if entry["name"] == "TASKYARD_NAMING_KEY"]
    assert key["valueFrom"] == {"secretKeyRef": {"name": "model", "key": "key"}}


def test_the_service_leads_to_the_gateways_ports(default: Rendered) -> None:
    service = default.one("Service", GATEWAY)["spec"]
    deployment = default.one("Deployment", GATEWAY)["spec"]
    assert service["selector"] == deployment["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment["template"]["metadata"]["labels"].items()
    [container] = deployment["template"]["spec"]["containers"]
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    assert [(port["port"], ports[port["targetPort"]]) for port in service["ports"]] == [(8444, 8444), (8443, 8443)]


def test_two_of_each_process_and_a_new_one_is_there_before_an_old_one_goes(default: Rendered) -> None:
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


def test_a_single_replica_stands_in_no_drains_way(render: Render) -> None:
    [budget] = render("operator.replicas=1").of_kind("PodDisruptionBudget")
    assert budget["metadata"]["name"] == GATEWAY


def test_the_operator_may_hold_one_lease_and_knows_by_which_name(default: Rendered) -> None:
    rules = [rule for rule in default.one("Role", OPERATOR)["rules"] if rule["resources"] == ["leases"]]
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules] == [
        (["create"], None),
        (["get", "patch"], ["taskyard-operator"]),
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


@pytest.mark.parametrize("process", ["operator", "gateway"])
def test_settings_of_scheduling_reach_the_pod(render: Render, process: str) -> None:
    rendered = render(
        f"{process}.priorityClassName=system-cluster-critical",
        f"{process}.nodeSelector.disk=fast",
        f"{process}.tolerations[0].key=control",
        f"{process}.tolerations[0].operator=Exists",
        f"{process}.affinity.nodeAffinity.a=b",
        f"{process}.podAnnotations.team=agents",
        f"{process}.resources.requests.cpu=2",
        "imagePullSecrets[0].name=mine",
    )
    pod = rendered.pod(f"taskyard-{process}")
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert pod["tolerations"] == [{"key": "control", "operator": "Exists"}]
    assert pod["affinity"] == {"nodeAffinity": {"a": "b"}}
    assert pod["imagePullSecrets"] == [{"name": "mine"}]
    assert pod["containers"][0]["resources"]["requests"]["cpu"] == 2
    template = rendered.one("Deployment", f"taskyard-{process}")["spec"]["template"]
    assert template["metadata"]["annotations"] == {"team": "agents"}


def test_the_gateway_has_as_many_replicas_as_asked_for(render: Render) -> None:
    assert render("gateway.replicas=3").one("Deployment", GATEWAY)["spec"]["replicas"] == 3


def test_the_gateway_is_scaled_by_its_load_when_asked_for(render: Render, default: Rendered) -> None:
    assert not default.of_kind("HorizontalPodAutoscaler")
    rendered = render("gateway.autoscaling.enabled=true", "gateway.replicas=3", "gateway.autoscaling.maxReplicas=9")
    deployment = rendered.one("Deployment", GATEWAY)
    # Else every upgrade would set the number back.
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
        pytest.param("gateway.autoscaling.maxReplicas=1", "maxReplicas must not be less", id="fewer than at least"),
        pytest.param("gateway.replicas=0", "gateway.replicas must be at least 1", id="none to begin with"),
    ],
)
def test_a_scale_that_is_none_is_refused(helm: Helm, setting: str, complaint: str) -> None:
    scaling = "gateway.autoscaling.enabled=true"
    result = helm("template", "any-release", str(CHART), "--set", scaling, "--set", setting)
    assert result.returncode != 0
    assert complaint in result.stderr


def test_callers_limits_are_the_gateways_own_unless_told_otherwise(render: Render, default: Rendered) -> None:
    names = ("TASKYARD_PEOPLE_RATE", "TASKYARD_PEOPLE_BURST", "TASKYARD_PEOPLE_AT_ONCE", "TASKYARD_PEOPLE_STREAMS")
    own = GatewaySettings(namespace="any")
    expected = [str(value) for value in (own.people_rate, own.people_burst, own.people_at_once, own.people_streams)]
    assert [default.environment(GATEWAY)[name] for name in names] == expected
    rendered = render(*(f"gateway.people.limits.{name}=7" for name in ("perSecond", "burst", "atOnce", "streams")))
    assert [rendered.environment(GATEWAY)[name] for name in names] == ["7"] * 4


def test_a_pod_of_the_gateway_has_the_time_that_its_end_may_take(default: Rendered) -> None:
    # One after the other: the Service forgets it, people's requests end, the sidecars' do.
    longest = DRAIN_SECONDS + PEOPLES_GRACE + GRACE_SECONDS
    assert default.pod(GATEWAY)["terminationGracePeriodSeconds"] >= longest + 5
    assert PEOPLES_GRACE > CALL_SECONDS


@pytest.mark.parametrize("process", [OPERATOR, GATEWAY])
def test_no_process_has_a_right_to_everything(default: Rendered, process: str) -> None:
    for rule in rules_of(default, process):
        for field in ("apiGroups", "resources", "verbs"):
            assert "*" not in rule[field]


def test_which_secrets_tasks_may_use_can_be_watched_and_only_while_that_is_switched_on(
    default: Rendered, render: Render
) -> None:
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
def test_no_process_may_write_what_a_person_wrote(default: Rendered, process: str) -> None:
    # Deleting is another matter: a Task may ask for it (spec.ttlSecondsAfterFinished).
    writing = {"create", "update", "patch"}
    for rule in rules_of(default, process):
        if {"tasks", "templates", "templateversions"} & set(rule["resources"]):
            assert not writing & set(rule["verbs"])


def test_network_policies_are_kept_with_rights_to_this_one_and_only_while_that_is_switched_on(
    default: Rendered, render: Render
) -> None:
    kinds = {"networkpolicies", "endpointslices"}
    rules = [rule for rule in rules_of(default, OPERATOR) if kinds & set(rule["resources"])]
    assert [(rule.get("resourceNames"), rule["verbs"]) for rule in rules] == [
        (None, ["create"]),
        (["taskyard-tasks"], ["get", "list", "watch", "patch", "delete"]),
        (["kubernetes"], ["get"]),
    ]
    off = render("networkPolicy.enabled=false")
    assert not [rule for rule in rules_of(off, OPERATOR) if kinds & set(rule["resources"])]
    assert default.environment(OPERATOR)["TASKYARD_NETWORK_POLICY"] == "true"
    assert off.environment(OPERATOR)["TASKYARD_NETWORK_POLICY"] == "false"


def test_the_operator_takes_the_rules_of_the_network_as_the_chart_passes_them(
    default: Rendered, render: Render
) -> None:
    def rules(rendered: Rendered) -> NetworkRules | None:
        environment = rendered.environment(OPERATOR)
        return Settings.of(
            {name: value for name, value in environment.items() if isinstance(value, str)} | NAMED
        ).network

    assert rules(default) == NetworkRules(installation=NAMESPACE)
    widened = rules(
        render(
            "networkPolicy.dns[0].podSelector.matchLabels.app=names",
            "networkPolicy.blocked={203.0.113.0/24,2001:db8::/32}",
            "networkPolicy.egress[0].to[0].ipBlock.cidr=10.1.2.3/32",
            "networkPolicy.egress[0].ports[0].port=3128",
        )
    )
    assert widened == NetworkRules(
        installation=NAMESPACE,
        dns=({"podSelector": {"matchLabels": {"app": "names"}}},),
        blocked=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")),
        egress=({"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 3128}]},),
    )


def test_the_network_policy_knows_operator_and_gateway_by_labels_that_they_have(default: Rendered) -> None:
    for name in (OPERATOR, GATEWAY):
        labels = default.one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        selector = processes(NAMESPACE, "operator", "gateway")["podSelector"]
        assert selector["matchLabels"].items() <= labels.items()
        (expression,) = selector["matchExpressions"]
        assert labels[expression["key"]] in expression["values"]


@pytest.mark.parametrize(
    ("role", "writes"),
    [
        pytest.param("view", set(), id="view"),
        pytest.param("edit", {"tasks", "taskinputs"}, id="edit"),
        pytest.param("admin", {"tasks", "taskinputs", "templates", "templateversions"}, id="admin"),
    ],
)
def test_people_get_what_their_role_in_the_namespace_says(default: Rendered, role: str, writes: set[str]) -> None:
    manifest = default.one("ClusterRole", f"taskyard-{role}")
    assert manifest["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
    verbs = {resource: set(rule["verbs"]) for rule in manifest["rules"] for resource in rule["resources"]}
    assert verbs.pop("tasks/log") == {"get"}
    assert set(verbs) == {"tasks", "taskinputs", "templates", "templateversions", "workspacebuilds"}
    assert all({"get", "list", "watch"} <= found for found in verbs.values())
    assert {resource for resource, found in verbs.items() if "create" in found} == writes


def test_the_roles_of_people_can_stay_apart_from_the_clusters(render: Render) -> None:
    rendered = render("rbac.aggregateToDefaultRoles=false")
    for role in ("view", "edit", "admin"):
        labels = rendered.one("ClusterRole", f"taskyard-{role}")["metadata"]["labels"]
        assert not [label for label in labels if label.startswith("rbac.authorization.k8s.io/")]


def test_the_crds_are_the_generated_ones_and_are_kept(default: Rendered) -> None:
    generated = [yaml.safe_load(path.read_text()) for path in sorted((REPOSITORY / "crds").glob("*.yaml"))]
    assert len(generated) >= 4
    for crd in generated:
        rendered = default.one("CustomResourceDefinition", crd["metadata"]["name"])
        assert rendered["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert rendered == crd


@pytest.mark.parametrize(
    ("setting", "left"), [pytest.param("install", False, id="not installed"), pytest.param("keep", True, id="not kept")]
)
def test_crds_can_be_left_to_others(render: Render, setting: str, left: bool) -> None:
    crds = render(f"crds.{setting}=false").of_kind("CustomResourceDefinition")
    assert bool(crds) == left
    assert all("annotations" not in crd["metadata"] for crd in crds)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param("imag.tag=1", "imag", id="an unknown key"),
        pytest.param("operator.replica=2", "replica", id="an unknown key within"),
        pytest.param("operator.leaderElection.leaseDuration=1m", "leaseDuration", id="a span in minutes"),
        pytest.param("templates.allow.hostpath=true", "hostpath", id="a permission in the wrong case"),
        pytest.param("templates.allow.hostPath=yes", "hostPath", id="a permission that is no boolean"),
        pytest.param("gateway.replicas=-1", "replicas", id="fewer than no replicas"),
        pytest.param("gateway.autoscaling.cpu=much", "cpu", id="a use of CPU that is none"),
        pytest.param("gateway.people.limits.burst=0", "burst", id="a limit of nothing"),
        pytest.param("logLevel=LOUD", "logLevel", id="an unknown level"),
        pytest.param("image.repository=", "repository", id="no image"),
        pytest.param("image.pullPolicy=Sometimes", "pullPolicy", id="an unknown pull policy"),
        pytest.param("sidecar.resources.requests.memory=much", "memory", id="a quantity that is none"),
        pytest.param("imagePullSecrets[0]=one", "imagePullSecrets", id="a pull secret that is no object"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm: Helm, setting: str, complaint: str) -> None:
    result = helm("template", "any-release", str(CHART), "--set", setting)
    assert result.returncode != 0
    assert complaint in result.stderr


def test_every_value_has_a_rule_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def check(rule: Manifest, value: Any, path: str) -> None:
        if "$ref" in rule:
            rule = schema["definitions"][rule["$ref"].rpartition("/")[2]]
        if rule.get("type") == "object" and "properties" in rule:
            assert rule["additionalProperties"] is False, f"{path} takes anything"
            for name, inner in value.items():
                assert name in rule["properties"], f"{path}.{name} is not in the schema"
                check(rule["properties"][name], inner, f"{path}.{name}")

    check(schema, values, "values")


def test_the_policy_says_what_the_installation_allows(render: Render) -> None:
    [policy] = render("templates.allow.hostPath=true").of_kind("ValidatingAdmissionPolicy")
    [allow] = [entry["expression"] for entry in policy["spec"]["variables"] if entry["name"] == "allow"]
    assert {name for name, allowed in json.loads(allow).items() if allowed} == {"hostPath"}


def test_the_notes_name_the_installation_and_the_example(helm: Helm) -> None:
    result = helm("install", "any-release", str(CHART), "--namespace", NAMESPACE, "--dry-run=client")
    assert result.returncode == 0, result.stderr
    assert f"kubectl -n {NAMESPACE} rollout status deployment/{OPERATOR} deployment/{GATEWAY}" in result.stdout
    example = REPOSITORY / "deploy" / "examples" / "01-shell"
    assert f"kubectl apply -k {example.relative_to(REPOSITORY)}\n" in result.stdout
    assert yaml.safe_load((example / "namespace.yaml").read_text())["metadata"]["name"] in result.stdout
