"""The operator's settings, from its environment (docs/contracts.md)."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from taskyard.core import times
from taskyard.core.lease import Terms
from taskyard.core.manifests.network import NAME_SERVERS, Network, NetworkRules


class SettingsError(Exception):
    """A variable is missing or wrong; the text names it and says what it takes."""


@dataclass(frozen=True)
class Settings:
    """What the chart sets. `namespace` is the installation's own, where its keys are."""

    namespace: str
    gateway_url: str
    sidecar_image: str
    sidecar_image_pull_policy: str
    sidecar_resources: dict[str, Any]
    image_pull_secrets: tuple[str, ...]
    secret_parameters: bool
    network: NetworkRules | None
    input_retention: timedelta
    health_port: int
    log_level: str
    kubeconfig: str
    leader_election: bool
    lease: Terms
    pod_name: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError."""
        return cls(
            namespace=required(environment, "TASKYARD_NAMESPACE", "the namespace of the installation"),
            gateway_url=required(environment, "TASKYARD_GATEWAY_URL", "the gateway's address, https://…:8444"),
            sidecar_image=required(environment, "TASKYARD_SIDECAR_IMAGE", "the image of the sidecar"),
            sidecar_image_pull_policy=one_of(
                environment, "TASKYARD_SIDECAR_IMAGE_PULL_POLICY", ("IfNotPresent", "Always", "Never")
            ),
            sidecar_resources=resources(environment.get("TASKYARD_SIDECAR_RESOURCES", "{}")),
            image_pull_secrets=tuple(
                name.strip() for name in environment.get("TASKYARD_IMAGE_PULL_SECRETS", "").split(",") if name.strip()
            ),
            secret_parameters=one_of(environment, "TASKYARD_SECRET_PARAMETERS", ("true", "false")) == "true",
            network=network_rules(environment),
            input_retention=span(environment, "TASKYARD_INPUT_RETENTION", "1h"),
            health_port=port(environment.get("TASKYARD_HEALTH_PORT", "8080")),
            log_level=one_of(environment, "TASKYARD_LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
            kubeconfig=environment.get("KUBECONFIG", ""),
            leader_election=one_of(environment, "TASKYARD_LEADER_ELECTION", ("true", "false")) == "true",
            lease=lease_terms(environment),
            pod_name=environment.get("TASKYARD_POD_NAME", "") or socket.gethostname(),
        )


def required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    """A variable without a default."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is not set; it holds {meaning}")
    return value


def one_of(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """A variable that takes one of `words`, in any case; the first is its default."""
    text = environment.get(name, words[0])
    for word in words:
        if word.lower() == text.lower():
            return word
    raise SettingsError(f"environment variable {name} must be one of {', '.join(words)}, not {text!r}")


def span(environment: Mapping[str, str], name: str, default: str) -> timedelta:
    """A duration such as 1h or 30m."""
    try:
        return times.duration(environment.get(name, default))
    except ValueError as error:
        raise SettingsError(f"environment variable {name}: {error}") from error


def lease_terms(environment: Mapping[str, str]) -> Terms:
    """The spans of the leader election. With these defaults a killed leader is replaced within 15 s."""
    duration = seconds(environment, "TASKYARD_LEASE_DURATION", "10s")
    if duration != int(duration):
        raise SettingsError("environment variable TASKYARD_LEASE_DURATION must be of whole seconds")
    terms = Terms(
        duration=int(duration),
        renew_deadline=seconds(environment, "TASKYARD_LEASE_RENEW_DEADLINE", "7s"),
        retry_period=seconds(environment, "TASKYARD_LEASE_RETRY_PERIOD", "2s"),
    )
    if terms.problem:
        raise SettingsError(f"environment variables TASKYARD_LEASE_…: {terms.problem}")
    return terms


def seconds(environment: Mapping[str, str], name: str, default: str) -> float:
    """A span such as 10s or 1.5s."""
    text = environment.get(name, default)
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)s", text)
    if not found:
        raise SettingsError(f"environment variable {name} must be a number of seconds such as 10s, not {text!r}")
    return float(found[1])


def resources(text: str) -> dict[str, Any]:
    """The sidecar's resources, a ResourceRequirements as JSON."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"environment variable TASKYARD_SIDECAR_RESOURCES is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SettingsError("environment variable TASKYARD_SIDECAR_RESOURCES must be a JSON object")
    return value


def network_rules(environment: Mapping[str, str]) -> NetworkRules | None:
    """What the Pods of Tasks may reach; None where no policy is to be kept."""
    if one_of(environment, "TASKYARD_NETWORK_POLICY", ("true", "false")) == "false":
        return None
    name = "TASKYARD_NETWORK_POLICY_RULES"
    try:
        value = json.loads(environment.get(name, "{}"))
    except ValueError as error:
        raise SettingsError(f"environment variable {name} is not JSON: {error}") from error
    lists = ("dns", "blocked", "ingress", "egress")
    if not isinstance(value, dict) or not all(
        field in lists and isinstance(entries, list) for field, entries in value.items()
    ):
        raise SettingsError(f"environment variable {name} must be a JSON object of lists named {', '.join(lists)}")
    return NetworkRules(
        installation=environment.get("TASKYARD_NAMESPACE", ""),
        dns=tuple(value.get("dns") or NAME_SERVERS),
        blocked=tuple(blocked_network(name, text) for text in value.get("blocked", ())),
        ingress=tuple(value.get("ingress", ())),
        egress=tuple(value.get("egress", ())),
    )


def blocked_network(name: str, text: object) -> Network:
    """A network that Tasks may not reach."""
    try:
        network = ipaddress.ip_network(str(text))
    except ValueError as error:
        raise SettingsError(f"environment variable {name}: blocked: {error}") from error
    if network.prefixlen == 0:
        raise SettingsError(f"environment variable {name}: blocked: {text} is everything, which cannot be taken away")
    return network


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingsError(f"environment variable TASKYARD_HEALTH_PORT must be a port number, not {text!r}")
    return int(text)
