"""The NetworkPolicy of a namespace: what it says, and when it is written."""

from __future__ import annotations

from copy import deepcopy
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from taskyard.core.manifests.network import (
    LABELS,
    Action,
    Found,
    NetworkRules,
    addresses,
    decide,
    digest,
    manifest,
    normal,
    repair,
    spec,
)
from unit.core.builders import merge

RULES = NetworkRules(installation="taskyard-system")
WANTED = spec(RULES)


def reached(policy: dict[str, Any], address: str) -> bool:
    """Whether a rule with IP blocks allows an address, on any port."""
    found = ip_address(address)
    for rule in policy["egress"]:
        if "ports" in rule:
            continue
        for peer in rule["to"]:
            block = peer["ipBlock"]
            if found in ip_network(block["cidr"]) and not any(found in ip_network(e) for e in block["except"]):
                return True
    return False


def found(**changes: Any) -> dict[str, Any]:
    """The policy as the API server has it."""
    stored = manifest("team", deepcopy(WANTED))
    stored["metadata"] |= {"uid": "p", "resourceVersion": "7"}
    return merge(stored, changes)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("93.184.215.14", True, id="the internet"),
        pytest.param("2606:2800:21f::1", True, id="the internet, IPv6"),
        pytest.param("10.96.0.1", False, id="a Service"),
        pytest.param("192.168.1.20", False, id="a node"),
        pytest.param("172.31.255.255", False, id="private"),
        pytest.param("100.64.3.2", False, id="shared"),
        pytest.param("169.254.169.254", False, id="a cloud's metadata"),
        pytest.param("fd00:ec2::254", False, id="a cloud's metadata, IPv6"),
        pytest.param("fe80::1", False, id="link-local"),
        pytest.param("198.51.100.7", False, id="the API server, with a public address"),
        pytest.param("198.51.100.8", True, id="its neighbour"),
        pytest.param("203.0.113.77", False, id="blocked by the installation"),
        pytest.param("2001:db8::9", False, id="blocked, IPv6"),
    ],
)
def test_what_tasks_reach(address: str, expected: bool) -> None:
    blocked = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/64"))
    rules = NetworkRules(installation="taskyard-system", blocked=blocked)
    assert reached(spec(rules, (ip_network("198.51.100.7"),)), address) is expected


def test_only_operator_and_gateway_reach_tasks_and_on_one_port() -> None:
    (rule,) = WANTED["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8484}]
    (peer,) = rule["from"]
    assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "taskyard-system"}}
    assert peer["podSelector"] == {
        "matchLabels": {"app.kubernetes.io/name": "taskyard"},
        "matchExpressions": [
            {"key": "app.kubernetes.io/component", "operator": "In", "values": ["operator", "gateway"]}
        ],
    }
    assert WANTED["podSelector"] == {"matchExpressions": [{"key": "taskyard.dev/task", "operator": "Exists"}]}
    assert WANTED["policyTypes"] == ["Ingress", "Egress"]


def test_names_are_asked_for_and_the_gateway_is_reached_on_their_ports_alone() -> None:
    dns, gateway, _ = WANTED["egress"]
    assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert dns["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    assert gateway["ports"] == [{"protocol": "TCP", "port": 8444}]
    (peer,) = gateway["to"]
    assert peer["podSelector"]["matchExpressions"][0]["values"] == ["gateway"]


def test_an_installation_widens_it() -> None:
    ingress, egress = {"from": [{"podSelector": {}}]}, {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}]}
    wide = spec(NetworkRules(installation="t", dns=({"podSelector": {}},), ingress=(ingress,), egress=(egress,)))
    assert wide["ingress"][-1] == ingress
    assert wide["egress"][-1] == egress
    assert wide["egress"][0]["to"] == [{"podSelector": {}}]


def test_a_private_api_server_adds_nothing() -> None:
    assert spec(RULES, (ip_network("10.0.0.5"), ip_network("fd00::5"))) == WANTED


@pytest.mark.parametrize(
    ("policy", "needed", "action"),
    [
        pytest.param(None, True, Action.CREATE, id="there is none"),
        pytest.param(None, False, Action.NOTHING, id="none, and none is needed"),
        pytest.param(found(), True, Action.NOTHING, id="it is right"),
        pytest.param(found(spec={"ingress": [{}]}), True, Action.MEND, id="all let in"),
        pytest.param(found(spec={"egress": None}), True, Action.MEND, id="a list is gone"),
        pytest.param(found(spec={"podSelector": {"matchLabels": {"a": "b"}}}), True, Action.MEND, id="selects fewer"),
        pytest.param(found(metadata={"labels": None}), True, Action.MEND, id="its labels are gone"),
        pytest.param(found(metadata={"labels": {"more": "x"}}), True, Action.NOTHING, id="a label more"),
        pytest.param(found(), False, Action.REMOVE, id="no Task is left"),
        pytest.param(found(metadata={"labels": None}), False, Action.NOTHING, id="it is a person's, no Task is left"),
        pytest.param(
            found(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), True, Action.NOTHING, id="it is going"
        ),
    ],
)
def test_what_is_done(policy: dict[str, Any] | None, needed: bool, action: Action) -> None:
    assert decide(Found.of(policy) if policy else None, digest(WANTED), needed=needed) is action


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"spec": {"podSelector": {"matchLabels": {"a": "b"}, "matchExpressions": []}}}, id="selector"),
        pytest.param({"spec": {"ingress": [{}], "egress": [{}]}}, id="rules"),
        pytest.param({"spec": {"policyTypes": ["Ingress"]}}, id="types"),
        pytest.param({"metadata": {"labels": None}}, id="labels"),
    ],
)
def test_a_repair_makes_it_right_whatever_it_was(changes: dict[str, Any]) -> None:
    broken = found(**changes)
    assert decide(Found.of(broken), digest(WANTED), needed=True) is Action.MEND
    mended = merge(broken, repair(WANTED))
    assert mended["spec"] == WANTED
    assert decide(Found.of(mended), digest(WANTED), needed=True) is Action.NOTHING


def test_what_the_api_server_makes_of_a_rule_is_no_difference() -> None:
    wanted = spec(NetworkRules(installation="t", egress=({"ports": [{"port": 443}], "to": []},)))
    stored = merge(found(), {"spec": deepcopy(wanted)})
    stored["spec"]["egress"][-1] = {"ports": [{"port": 443, "protocol": "TCP"}]}
    assert decide(Found.of(stored), digest(wanted), needed=True) is Action.NOTHING


def test_what_the_api_server_made_of_it_when_it_was_written_is_right() -> None:
    stored = found(spec={"policyTypes": ["Egress", "Ingress"]})
    assert decide(Found.of(stored), digest(WANTED), needed=True) is Action.MEND
    assert decide(Found.of(stored), digest(WANTED), needed=True, stored=digest(stored["spec"])) is Action.NOTHING


def test_an_empty_rule_is_not_a_missing_one() -> None:
    assert normal({"ingress": [{}]}) != normal({"ingress": []})
    assert normal({"podSelector": {}}) != normal({})


def test_addresses_of_an_endpoint_slice() -> None:
    endpoints = [{"addresses": ["198.51.100.7"]}, {"addresses": ["2001:db8::1", "a.name"]}, {"addresses": None}]
    assert [str(found) for found in addresses({"endpoints": endpoints})] == ["198.51.100.7/32", "2001:db8::1/128"]
    assert addresses(None) == addresses({"endpoints": None}) == ()


def test_its_labels_say_whose_it_is() -> None:
    assert manifest("team", WANTED)["metadata"] == {"name": "taskyard-tasks", "namespace": "team", "labels": LABELS}
