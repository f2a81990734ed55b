"""Network policies in the chart."""

from ipaddress import ip_network

from taskyard.controller.settings import Settings
from taskyard.core.manifests.network import NetworkRules, processes
from unit.chart.rendering import GATEWAY, NAMESPACE, OPERATOR, Render, Rendered

NAMED = {"TASKYARD_NAMESPACE": NAMESPACE}


def test_the_operator_has_rights_to_its_one_network_policy_and_only_while_that_is_enabled(
    default: Rendered, render: Render
) -> None:
    kinds = {"networkpolicies", "endpointslices"}
    rules = [rule for rule in default.rules(OPERATOR) if kinds & set(rule["resources"])]
    assert [(rule.get("resourceNames"), rule["verbs"]) for rule in rules] == [
        (None, ["create"]),
        (["taskyard-tasks"], ["get", "list", "watch", "patch", "delete"]),
        (["kubernetes"], ["get"]),
    ]
    off = render("networkPolicy.enabled=false")
    assert not [rule for rule in off.rules(OPERATOR) if kinds & set(rule["resources"])]
    assert default.environment(OPERATOR)["TASKYARD_NETWORK_POLICY"] == "true"
    assert off.environment(OPERATOR)["TASKYARD_NETWORK_POLICY"] == "false"


def test_the_operator_reads_the_network_rules_that_the_chart_passes(default: Rendered, render: Render) -> None:
    def rules(rendered: Rendered) -> NetworkRules | None:
        environment = rendered.environment(OPERATOR)
        return Settings.from_environment(
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


def test_the_network_policy_selects_operator_and_gateway_by_their_labels(default: Rendered) -> None:
    for name in (OPERATOR, GATEWAY):
        labels = default.one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        selector = processes(NAMESPACE, "operator", "gateway")["podSelector"]
        assert selector["matchLabels"].items() <= labels.items()
        (expression,) = selector["matchExpressions"]
        assert labels[expression["key"]] in expression["values"]
