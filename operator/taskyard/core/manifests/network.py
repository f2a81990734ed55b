"""The NetworkPolicy of a namespace with Tasks: what may reach their Pods and what they may reach (docs/decisions/0007).

The policy selects every Pod that is labelled with a Task. The kubelet's probes need no rule: traffic from a Pod's own
node is always allowed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from taskyard.core import names
from taskyard.core.api_object import Manifest
from taskyard.core.manifests import sidecar

GATEWAY_PORT = 8444
DNS_PORT = 53
MANAGED_BY = "app.kubernetes.io/managed-by"
LABELS = {"app.kubernetes.io/name": "taskyard", MANAGED_BY: "taskyard"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Networks that are not the internet: private, shared (carriers, and the Pods and nodes of many clouds), link-local
# (with the clouds' metadata services), loopback, and benchmarking networks, which clusters use as private ones.
NEVER = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "fc00::/7",
        "fe80::/10",
    )
)

# Where clusters have their name servers: Pods of CoreDNS or kube-dns, or a cache on the Pod's own node.
NAME_SERVERS: tuple[Manifest, ...] = (
    {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
    {"ipBlock": {"cidr": "169.254.20.10/32"}},
)


@dataclass(frozen=True)
class NetworkRules:
    """What an installation sets. `installation` is its own namespace, `dns` are the peers that serve DNS, `blocked` are
    networks beyond those of `NEVER` that Tasks may not reach; `ingress` and `egress` are further rules, as a
    NetworkPolicy has them."""

    installation: str
    dns: tuple[Manifest, ...] = NAME_SERVERS
    blocked: tuple[Network, ...] = ()
    ingress: tuple[Manifest, ...] = ()
    egress: tuple[Manifest, ...] = ()


class Action(StrEnum):
    """What to do about the policy of one namespace."""

    NOTHING = "nothing"
    CREATE = "create"
    MEND = "mend"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Found:
    """A policy that exists, as far as it counts: whoever may edit it may make it as large as they like. `labels` are
    those of ours that it has, `digest` stands for its spec."""

    deleting: bool
    labels: tuple[str, ...]
    digest: bytes

    @classmethod
    def of(cls, policy: Manifest) -> Found:
        metadata = policy["metadata"]
        labels = metadata.get("labels") or {}
        return cls(
            deleting="deletionTimestamp" in metadata,
            labels=tuple(name for name, value in LABELS.items() if labels.get(name) == value),
            digest=digest(policy.get("spec")),
        )


def decide(found: Found | None, wanted: bytes, *, needed: bool, stored: bytes | None = None) -> Action:
    """What to do. `wanted` is the digest of the spec that the policy has to have, `needed` whether there are Tasks or
    Pods of Tasks. `stored` is that of what the API server made of the spec at the last write, if that differs."""
    if found is None:
        return Action.CREATE if needed else Action.NOTHING
    if found.deleting:
        return Action.NOTHING  # a finalizer holds it; the watch will report its end
    if not needed:
        # A policy that has lost the label belongs to a person by now.
        return Action.REMOVE if MANAGED_BY in found.labels else Action.NOTHING
    is_right = found.digest in (wanted, stored) and len(found.labels) == len(LABELS)
    return Action.NOTHING if is_right else Action.MEND


def digest(spec: Manifest | None) -> bytes:
    """Stands for a policy's spec: that of two specs which mean the same is the same."""
    return hashlib.sha256(json.dumps(normal(spec), sort_keys=True).encode()).digest()


def manifest(namespace: str, wanted: Manifest) -> Manifest:
    """The policy as it is created."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": names.NETWORK_POLICY, "namespace": namespace, "labels": dict(LABELS)},
        "spec": wanted,
    }


def repair(wanted: Manifest) -> Manifest:
    """A merge patch that turns any policy into the wanted one: a merge patch replaces lists, and `matchLabels`, the
    other half of the selector, is removed."""
    selector = {"matchLabels": None, **wanted["podSelector"]}
    return {"metadata": {"labels": dict(LABELS)}, "spec": {**wanted, "podSelector": selector}}


def spec(rules: NetworkRules, api_server: Iterable[Network] = ()) -> Manifest:
    """The policy's spec; `api_server` are the addresses of the cluster's API server."""
    return {
        "podSelector": {"matchExpressions": [{"key": names.TASK_LABEL, "operator": "Exists"}]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [processes(rules.installation, "operator", "gateway")],
                "ports": [{"protocol": "TCP", "port": sidecar.PORT}],
            },
            *rules.ingress,
        ],
        "egress": [
            {
                "to": list(rules.dns),
                "ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")],
            },
            {
                "to": [processes(rules.installation, "gateway")],
                "ports": [{"protocol": "TCP", "port": GATEWAY_PORT}],
            },
            {"to": internet((*rules.blocked, *api_server))},
            *rules.egress,
        ],
    }


def processes(namespace: str, *components: str) -> Manifest:
    """The Pods of Taskyard's own processes."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/name": "taskyard"},
            "matchExpressions": [
                {"key": "app.kubernetes.io/component", "operator": "In", "values": list(components)},
            ],
        },
    }


def internet(blocked: Iterable[Network]) -> list[Manifest]:
    """All addresses except the networks of `NEVER` and those of `blocked`."""
    beyond = [network for network in blocked if not any(is_within(network, never) for never in NEVER)]
    peers: list[Manifest] = []
    for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
        unreachable = [network for network in NEVER if network.version == version]
        unreachable += sorted({network for network in beyond if network.version == version})
        peers.append({"ipBlock": {"cidr": everything, "except": [str(network) for network in unreachable]}})
    return peers


def is_within(network: Network, outer: Network) -> bool:
    """Whether a network lies entirely within another."""
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and network.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and network.subnet_of(outer)


def addresses(endpoint_slice: Manifest | None) -> tuple[Network, ...]:
    """The addresses of an EndpointSlice, each as a network of its own; host names are left out."""
    found: set[Network] = set()
    for endpoint in (endpoint_slice or {}).get("endpoints") or ():
        for address in endpoint.get("addresses") or ():
            try:
                found.add(ipaddress.ip_network(address))
            except ValueError:
                continue
    return tuple(sorted(found, key=str))


def normal(value: Any) -> Any:
    """A spec without nulls and empty lists, and with the protocol that the API server fills in, so that two specs that
    mean the same are equal. An empty selector or rule is kept: it matches everything."""
    if isinstance(value, list):
        return [normal(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    result = {name: normal(entry) for name, entry in value.items() if entry is not None and entry != []}
    for port in result.get("ports", ()):
        if isinstance(port, dict):
            port.setdefault("protocol", "TCP")
    return result
