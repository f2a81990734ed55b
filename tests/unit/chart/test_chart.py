"""The chart's manifests for given values."""

import json
import re

import pytest
import yaml

from localcluster.locations import REPOSITORY
from taskyard.core.input_bounds import Bounds
from taskyard.gateway.http.server import GRACE_SECONDS
from taskyard.gateway.main import DRAIN_SECONDS
from taskyard.gateway.rest.listener import GRACE_SECONDS as PEOPLES_GRACE
from taskyard.gateway.rest.routes.conversation import CALL_SECONDS
from taskyard.gateway.settings import Settings as GatewaySettings
from unit.chart.rendering import CHART, GATEWAY, NAMESPACE, OPERATOR, Helm, Render, Rendered


def documented_variables(process: str) -> set[str]:
    """The environment variables of a process according to docs/contracts.md."""
    contracts = (REPOSITORY / "docs" / "contracts.md").read_text()
    text = contracts.partition("## Environment")[2].partition(f"\n### {process}\n")[2].partition("\n##")[0]
    found = set(re.findall(r"^\| `(TASKYARD_[A-Z_]+)` \|", text, re.MULTILINE))
    assert found, f"no variables of the {process} in docs/contracts.md"
    return found


def test_helm_lint_reports_nothing(helm: Helm) -> None:
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
def test_a_process_gets_exactly_the_variables_of_the_contract(
    default: Rendered, process: str, deployment: str, left_out: set[str]
) -> None:
    assert set(default.environment(deployment)) == documented_variables(process) - left_out


def test_the_operator_gets_the_sidecars_settings_from_the_values(render: Render) -> None:
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


def test_without_a_tag_the_image_has_the_charts_app_version(default: Rendered) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    for deployment in (OPERATOR, GATEWAY):
        assert default.pod(deployment)["containers"][0]["image"] == f"taskyard:{version}"


@pytest.mark.parametrize("deployment", [OPERATOR, GATEWAY])
def test_a_process_meets_restricted_pod_security(default: Rendered, deployment: str) -> None:
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
def test_the_probes_use_the_port_that_the_process_listens_on(default: Rendered, deployment: str, port: int) -> None:
    [container] = default.pod(deployment)["containers"]
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    probes = {name: container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")}
    assert {ports[probe["port"]] for probe in probes.values()} == {port}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert default.environment(deployment)["TASKYARD_HEALTH_PORT"] == str(port)


def test_the_rest_api_for_people_can_be_disabled(render: Render) -> None:
    rendered = render("gateway.people.enabled=false")
    assert [port["port"] for port in rendered.one("Service", GATEWAY)["spec"]["ports"]] == [8444]
    assert rendered.environment(GATEWAY)["TASKYARD_PEOPLE"] == "false"
    rules = rendered.one("ClusterRole", GATEWAY)["rules"]
    assert not [rule for rule in rules if {"subjectaccessreviews", "pods", "namespaces"} & set(rule["resources"])]
    assert not [rule for rule in rules if "watch" in rule["verbs"]]


def test_the_rest_api_for_people_uses_the_certificate_of_a_secret(render: Render) -> None:
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


def test_the_service_has_the_gateways_ports(default: Rendered) -> None:
    service = default.one("Service", GATEWAY)["spec"]
    deployment = default.one("Deployment", GATEWAY)["spec"]
    assert service["selector"] == deployment["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment["template"]["metadata"]["labels"].items()
    [container] = deployment["template"]["spec"]["containers"]
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    assert [(port["port"], ports[port["targetPort"]]) for port in service["ports"]] == [(8444, 8444), (8443, 8443)]


@pytest.mark.parametrize("process", ["operator", "gateway"])
def test_scheduling_settings_reach_the_pod(render: Render, process: str) -> None:
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


def test_the_default_limits_of_callers_are_those_of_the_gateway(render: Render, default: Rendered) -> None:
    names = ("TASKYARD_PEOPLE_RATE", "TASKYARD_PEOPLE_BURST", "TASKYARD_PEOPLE_AT_ONCE", "TASKYARD_PEOPLE_STREAMS")
    own = GatewaySettings(namespace="any")
    expected = [str(value) for value in (own.people_rate, own.people_burst, own.people_at_once, own.people_streams)]
    assert [default.environment(GATEWAY)[name] for name in names] == expected
    rendered = render(*(f"gateway.people.limits.{name}=7" for name in ("perSecond", "burst", "atOnce", "streams")))
    assert [rendered.environment(GATEWAY)[name] for name in names] == ["7"] * 4


def test_operator_and_gateway_have_the_same_bounds_of_inputs(render: Render, default: Rendered) -> None:
    names = ("TASKYARD_MAX_QUEUED_PER_TASK", "TASKYARD_MAX_QUEUED_PER_NAMESPACE")
    rendered = render("operator.inputs.maxQueuedPerTask=7", "operator.inputs.maxQueuedPerNamespace=70")
    for deployment in (OPERATOR, GATEWAY):
        given = [default.environment(deployment)[name] for name in names]
        assert given == [str(Bounds().per_task), str(Bounds().per_namespace)]
        assert [rendered.environment(deployment)[name] for name in names] == ["7", "70"]


def test_the_gateways_grace_period_covers_its_shutdown(default: Rendered) -> None:
    # In sequence: the Service removes its endpoint, users' requests end, the sidecars' requests end.
    longest = DRAIN_SECONDS + PEOPLES_GRACE + GRACE_SECONDS
    assert default.pod(GATEWAY)["terminationGracePeriodSeconds"] >= longest + 5
    assert PEOPLES_GRACE > CALL_SECONDS


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
def test_the_crds_can_be_installed_otherwise(render: Render, setting: str, left: bool) -> None:
    crds = render(f"crds.{setting}=false").of_kind("CustomResourceDefinition")
    assert bool(crds) == left
    assert all("annotations" not in crd["metadata"] for crd in crds)


def test_the_policy_contains_what_the_values_allow(render: Render) -> None:
    policy = render("templates.allow.hostPath=true").one("ValidatingAdmissionPolicy", "templateversions.taskyard.dev")
    [allow] = [entry["expression"] for entry in policy["spec"]["variables"] if entry["name"] == "allow"]
    assert {name for name, allowed in json.loads(allow).items() if allowed} == {"hostPath"}


def test_the_policy_of_sizes_has_the_values_and_can_be_left_out(render: Render, default: Rendered) -> None:
    def text(rendered: Rendered) -> str:
        return json.dumps(rendered.one("ValidatingAdmissionPolicy", "objects.taskyard.dev"))

    bounds = ("maxAnnotationBytes=2000", "maxTextBytes=5000", "maxParameterBytes=7000")
    given = render(*(f"policies.objects.{bound}" for bound in bounds))
    assert all(f"<= {number} " in text(default) for number in (16384, 131072, 131072 + 32768, 65536))
    assert all(f"<= {number} " in text(given) for number in (2000, 5000, 5000 + 32768, 7000))
    assert f"system:serviceaccount:{NAMESPACE}:taskyard-operator" in text(default)
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    left = [entry for kind in kinds for entry in render("policies.objects.enabled=false").of_kind(kind)]
    others = {"templateversions.taskyard.dev", "sinks.taskyard.dev", "created-by.taskyard.dev", "audit.taskyard.dev"}
    assert {entry["metadata"]["name"] for entry in left} == others


def test_the_policies_about_creators_are_those_that_the_cluster_serves(helm: Helm, render: Render) -> None:
    mutating = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", *mutating)
    without = render()
    assert not any(without.of_kind(kind) for kind in mutating)
    stable, wanted = (
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
        "policies.createdBy.setForEverybody=true",
    )
    assert stable.rpartition("/")[2] not in helm("template", "any", str(CHART), "--api-versions", stable).stdout
    served = helm("template", "any", str(CHART), "--api-versions", stable, "--set", wanted)
    found = Rendered([manifest for manifest in yaml.safe_load_all(served.stdout) if manifest])
    for kind in kinds:
        assert found.one(kind, "created-by.taskyard.dev")
    # An API that is not stable yet is not used.
    beta = helm("template", "any", str(CHART), "--api-versions", stable.replace("/v1/", "/v1beta1/"), "--set", wanted)
    assert "MutatingAdmissionPolicy" not in beta.stdout
    off = render("policies.createdBy.enabled=false", "policies.audit.enabled=false")
    names = {entry["metadata"]["name"] for kind in kinds for entry in off.of_kind(kind)}
    assert names == {"templateversions.taskyard.dev", "sinks.taskyard.dev", "objects.taskyard.dev"}


def test_accounts_that_restore_are_named_in_the_policy(default: Rendered, render: Render) -> None:
    policy = "created-by.taskyard.dev"
    assert "matchConditions" not in default.one("ValidatingAdmissionPolicy", policy)["spec"]
    account = "system:serviceaccount:velero:velero"
    named = render(f"policies.createdBy.mayRestore={{{account},jane}}").one("ValidatingAdmissionPolicy", policy)
    [condition] = named["spec"]["matchConditions"]
    assert condition["expression"] == f'!(request.userInfo.username in ["{account}","jane"])'


def test_the_policy_for_the_audit_log_refuses_nothing(default: Rendered) -> None:
    assert "validations" not in default.one("ValidatingAdmissionPolicy", "audit.taskyard.dev")["spec"]
    assert default.one("ValidatingAdmissionPolicy", "audit.taskyard.dev")["spec"]["failurePolicy"] == "Ignore"
    binding = default.one("ValidatingAdmissionPolicyBinding", "audit.taskyard.dev")
    assert binding["spec"]["validationActions"] == ["Audit"]


def test_the_gateways_audit_log_can_be_switched_off(default: Rendered, render: Render) -> None:
    assert default.environment(GATEWAY)["TASKYARD_AUDIT"] == "true"
    assert render("gateway.audit.enabled=false").environment(GATEWAY)["TASKYARD_AUDIT"] == "false"


def test_the_notes_name_the_installation_and_the_example(helm: Helm) -> None:
    result = helm("install", "any-release", str(CHART), "--namespace", NAMESPACE, "--dry-run=client")
    assert result.returncode == 0, result.stderr
    assert f"kubectl -n {NAMESPACE} rollout status deployment/{OPERATOR} deployment/{GATEWAY}" in result.stdout
    example = REPOSITORY / "deploy" / "examples" / "01-shell"
    assert f"kubectl apply -k {example.relative_to(REPOSITORY)}\n" in result.stdout
    assert yaml.safe_load((example / "namespace.yaml").read_text())["metadata"]["name"] in result.stdout
