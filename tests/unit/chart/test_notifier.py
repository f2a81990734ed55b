"""The notifier in the chart: off by default, with few rights, and with what sinks may have as addresses."""

import json
from ipaddress import ip_network

import pytest
import yaml

from localcluster.locations import REPOSITORY
from taskyard.environment import variables
from taskyard.notifier.settings import Settings
from unit.chart.rendering import CHART, NAMESPACE, Helm, Render, Rendered

NOTIFIER = "taskyard-notifier"
ON = "notifier.enabled=true"
# Those with a default that the chart does not change; certificates come with the image.
LEFT_OUT = {
    "TASKYARD_LEADER_ELECTION",
    "TASKYARD_LEASE_DURATION",
    "TASKYARD_LEASE_RENEW_DEADLINE",
    "TASKYARD_LEASE_RETRY_PERIOD",
    "SSL_CERT_FILE",
    "KUBECONFIG",
    "HTTPS_PROXY",
    "NO_PROXY",
}


@pytest.fixture(scope="module")
def notifying(render: Render) -> Rendered:
    return render(ON)


def read(rendered: Rendered) -> Settings:
    """The settings that a process reads from the chart's variables."""
    environment = rendered.environment(NOTIFIER)
    plain = {name: value for name, value in environment.items() if isinstance(value, str)}
    return Settings.from_environment({**plain, "TASKYARD_NAMESPACE": NAMESPACE})


def test_by_default_there_is_no_notifier_and_sinks_are_guarded_nevertheless(default: Rendered) -> None:
    assert [one["metadata"]["name"] for one in default.manifests if "notifier" in one["metadata"]["name"]] == []
    assert default.one("ValidatingAdmissionPolicyBinding", "sinks.taskyard.dev")


def test_the_notifier_gets_exactly_its_variables(notifying: Rendered) -> None:
    declared = {variable.name for variable in variables(Settings).values()}
    assert set(notifying.environment(NOTIFIER)) == declared - LEFT_OUT


def test_the_defaults_of_the_chart_are_those_of_the_process(notifying: Rendered) -> None:
    bare = Settings.from_environment({"TASKYARD_NAMESPACE": NAMESPACE})
    read_from_chart = read(notifying)
    for field in ("allowed_networks", "refused_networks", "plain_http", "apprise_schemes", "mail_servers"):
        assert getattr(read_from_chart, field) == getattr(bare, field), field


def test_an_installation_may_allow_no_scheme_of_apprises(helm: Helm) -> None:
    none = "--set-json=notifier.allow.appriseSchemes=[]"
    result = helm("template", "any-release", str(CHART), "--namespace", NAMESPACE, f"--set={ON}", none)
    assert result.returncode == 0, result.stderr
    rendered = Rendered([manifest for manifest in yaml.safe_load_all(result.stdout) if manifest])
    assert read(rendered).apprise_schemes == ()


def test_what_is_allowed_reaches_the_process(render: Render) -> None:
    settings = read(
        render(
            ON,
            "notifier.allow.networks={10.96.0.0/12,fd00::/8}",
            "notifier.refuse.networks={2600:1f00:1::/48}",
            "notifier.allow.plainHttp=true",
            "notifier.allow.appriseSchemes={slack,mailtos}",
            "notifier.allow.mailServers={mail.example.com}",
        )
    )
    assert settings.allowed_networks == (ip_network("10.96.0.0/12"), ip_network("fd00::/8"))
    assert settings.refused_networks == (ip_network("2600:1f00:1::/48"),)
    assert settings.plain_http and settings.mail_servers == ("mail.example.com",)
    assert set(settings.apprise_schemes) == {"slack", "mailtos"}


def test_a_proxy_leads_to_receivers_and_not_to_the_clusters_api(render: Render) -> None:
    rendered = render(ON, "notifier.proxy.url=http://proxy.test:3128", "notifier.proxy.exceptions={.inner.test}")
    egress = read(rendered).egress
    assert egress is not None and egress.url == "http://proxy.test:3128"
    assert egress.leads_to("hooks.example.com", 443) and not egress.leads_to("hooks.inner.test", 443)
    # The kubelet puts the address in.
    assert rendered.environment(NOTIFIER)["NO_PROXY"] == ".inner.test,$(KUBERNETES_SERVICE_HOST)"


@pytest.mark.parametrize("url", ["https://proxy.test", "proxy.test:3128", "http://proxy.test/path"])
def test_a_proxy_that_could_not_be_used_is_refused_at_the_installation(helm: Helm, url: str) -> None:
    result = helm("template", "any-release", str(CHART), f"--set={ON}", f"--set=notifier.proxy.url={url}")
    assert result.returncode != 0 and "/notifier/proxy/url" in result.stderr.replace(
        "notifier.proxy.url", "/notifier/proxy/url"
    )


def test_the_notifier_meets_restricted_pod_security_and_answers_its_probes(notifying: Rendered) -> None:
    pod = notifying.pod(NOTIFIER)
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"health": int(notifying.environment(NOTIFIER)["TASKYARD_HEALTH_PORT"])}
    assert container["command"] == [NOTIFIER]
    assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {"health"}


def test_the_notifier_has_no_right_to_secrets_and_none_to_change_what_people_own(notifying: Rendered) -> None:
    rules = notifying.rules(NOTIFIER)
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert resources == {
        "tasks",
        "workspacebuilds",
        "notificationsinks",
        "tasks/status",
        "notificationsinks/status",
        "events",
        "leases",
    }
    for rule in rules:
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        if set(rule["resources"]) <= {"tasks", "workspacebuilds", "notificationsinks"}:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}


def test_the_policy_names_each_field_of_a_tasks_status_but_one(notifying: Rendered) -> None:
    crd = yaml.safe_load((REPOSITORY / "crds" / "taskyard.dev_tasks.yaml").read_text())
    fields = set(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"])
    policy = notifying.one("ValidatingAdmissionPolicy", "notifier.taskyard.dev")["spec"]
    assert f"system:serviceaccount:{NAMESPACE}:{NOTIFIER}" in json.dumps(policy["matchConditions"])
    guarded = {validation["message"].rpartition("status.")[2] for validation in policy["validations"]}
    assert guarded == fields - {"notifications"}


def test_replicas_are_drained_one_by_one(render: Render) -> None:
    assert NOTIFIER not in [one["metadata"]["name"] for one in render(ON).of_kind("PodDisruptionBudget")]
    rendered = render(ON, "notifier.replicas=2")
    assert rendered.one("PodDisruptionBudget", NOTIFIER)["spec"]["maxUnavailable"] == 1
    assert rendered.one("Deployment", NOTIFIER)["spec"]["replicas"] == 2
