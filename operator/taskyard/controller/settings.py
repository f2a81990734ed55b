"""The operator's settings, from its environment (docs/contracts.md)."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from taskyard.core import input_bounds, times
from taskyard.core.input_bounds import Bounds
from taskyard.core.lease import Terms
from taskyard.core.manifests.network import NAME_SERVERS, Network, NetworkRules
from taskyard.environment import (
    JSON_OBJECT,
    LOG_LEVEL,
    NAMES,
    SECONDS,
    SWITCH,
    TEXT,
    WHOLE_SECONDS,
    Kind,
    SettingsError,
    number,
    one_of,
    port,
    read,
    variable,
    variables,
)

RULES = ("dns", "blocked", "ingress", "egress")


def duration(text: str) -> timedelta:
    """A duration. Raises ValueError without a text: the description of the variable says what it takes."""
    try:
        return times.duration(text)
    except ValueError:
        raise ValueError from None


def network_rules(text: str) -> dict[str, Any]:
    """The fields of NetworkRules except `installation`. Raises ValueError."""
    value = json.loads(text)
    if not isinstance(value, dict) or not all(
        name in RULES and isinstance(entries, list) for name, entries in value.items()
    ):
        raise ValueError
    return {
        "dns": tuple(value.get("dns") or NAME_SERVERS),
        "blocked": tuple(blocked_network(entry) for entry in value.get("blocked", ())),
        "ingress": tuple(value.get("ingress", ())),
        "egress": tuple(value.get("egress", ())),
    }


def blocked_network(entry: object) -> Network:
    """A network that Tasks may not reach. Raises ValueError."""
    try:
        network = ipaddress.ip_network(str(entry))
    except ValueError as error:
        raise ValueError(f"blocked: {error}") from error
    if network.prefixlen == 0:
        raise ValueError(f"blocked: {entry} is every address, which cannot be blocked")
    return network


DURATION = Kind(duration, "a duration such as 45s, 30m or 1h30m")
NETWORK_RULES = Kind(network_rules, f"a JSON object of lists named {', '.join(RULES)}")
QUEUED = number(1, 65_536)
HOST_NAME = Kind(lambda text: text or socket.gethostname(), "")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that the chart makes."""

    namespace: str = variable(
        "TASKYARD_NAMESPACE", TEXT, meaning="the namespace of the installation, where its keys are"
    )
    gateway_url: str = variable(
        "TASKYARD_GATEWAY_URL",
        TEXT,
        meaning="the gateway's address for sidecars, such as https://taskyard-gateway.taskyard.svc:8444",
    )
    sidecar_image: str = variable("TASKYARD_SIDECAR_IMAGE", TEXT, meaning="the image of the sidecar")
    sidecar_image_pull_policy: str = variable(
        "TASKYARD_SIDECAR_IMAGE_PULL_POLICY",
        one_of("IfNotPresent", "Always", "Never"),
        default="IfNotPresent",
        meaning="the pull policy of that image",
    )
    sidecar_resources: dict[str, Any] = variable(
        "TASKYARD_SIDECAR_RESOURCES",
        JSON_OBJECT,
        default="{}",
        meaning="the sidecar's resources, a ResourceRequirements",
    )
    image_pull_secrets: tuple[str, ...] = variable(
        "TASKYARD_IMAGE_PULL_SECRETS",
        NAMES,
        default="",
        without="none",
        meaning="the Secrets with which the Pod of every Task pulls the sidecar's image",
    )
    secret_parameters: bool = variable(
        "TASKYARD_SECRET_PARAMETERS",
        SWITCH,
        default="true",
        meaning="whether Tasks may name Secrets that are labelled for it",
    )
    network_policy: bool = variable(
        "TASKYARD_NETWORK_POLICY",
        SWITCH,
        default="true",
        meaning="whether a NetworkPolicy is kept in every namespace with Tasks",
    )
    network_policy_rules: dict[str, Any] = variable(
        "TASKYARD_NETWORK_POLICY_RULES",
        NETWORK_RULES,
        default="{}",
        only_with="network_policy",
        meaning="the rules of that NetworkPolicy, as in the chart's `networkPolicy`",
    )
    input_retention: timedelta = variable(
        "TASKYARD_INPUT_RETENTION",
        DURATION,
        default="1h",
        meaning="how long delivered and rejected inputs of a generated name are kept; others stay with their Task",
    )
    max_queued_per_task: int = variable(
        "TASKYARD_MAX_QUEUED_PER_TASK",
        QUEUED,
        default=str(input_bounds.MAX_QUEUED_PER_TASK),
        meaning="how many messages wait for one Task; as many answers and inputs of type Raw do; more are refused",
    )
    max_queued_per_namespace: int = variable(
        "TASKYARD_MAX_QUEUED_PER_NAMESPACE",
        QUEUED,
        default=str(input_bounds.MAX_QUEUED_PER_NAMESPACE),
        meaning="how many messages wait for all Tasks of a namespace; the same of answers and of inputs of type Raw",
    )
    leader_election: bool = variable(
        "TASKYARD_LEADER_ELECTION",
        SWITCH,
        default="true",
        meaning="whether the operator works only while it holds the Lease `taskyard-operator`",
    )
    # With these defaults a killed leader is replaced within 15 s.
    lease_duration: int = variable(
        "TASKYARD_LEASE_DURATION",
        WHOLE_SECONDS,
        default="10s",
        meaning="how long other replicas wait for a holder that does not renew the Lease",
    )
    lease_renew_deadline: float = variable(
        "TASKYARD_LEASE_RENEW_DEADLINE",
        SECONDS,
        default="7s",
        meaning="how long the holder works without renewing the Lease; shorter than the lease duration",
    )
    lease_retry_period: float = variable(
        "TASKYARD_LEASE_RETRY_PERIOD",
        SECONDS,
        default="2s",
        meaning="how often the holder renews the Lease and the others read it; at most half of the renew deadline",
    )
    pod_name: str = variable(
        "TASKYARD_POD_NAME",
        HOST_NAME,
        default="",
        without="the host's name",
        meaning="the name written into the Lease as its holder, with a suffix unique to each process",
    )
    health_port: int = variable(
        "TASKYARD_HEALTH_PORT",
        port(least=0),
        default="8080",
        meaning="the port of probes and metrics; 0: the system chooses one",
    )
    log_level: str = variable(
        "TASKYARD_LOG_LEVEL", LOG_LEVEL, default="INFO", meaning="the lowest level that is logged"
    )
    kubeconfig: str = variable(
        "KUBECONFIG",
        TEXT,
        default="",
        without="the Pod's service account; outside a cluster the user's kubeconfig",
        meaning="the kubeconfig file for the API server",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads the settings. Raises SettingsError."""
        settings = read(cls, environment)
        if settings.lease.problem:
            names = ", ".join(declared.name for field, declared in variables(cls).items() if field.startswith("lease_"))
            raise SettingsError(f"environment variables {names}: {settings.lease.problem}")
        return settings

    @property
    def lease(self) -> Terms:
        """The durations of the leader election."""
        return Terms(
            duration=self.lease_duration,
            renew_deadline=self.lease_renew_deadline,
            retry_period=self.lease_retry_period,
        )

    @property
    def input_bounds(self) -> Bounds:
        """How many inputs may wait."""
        return Bounds(per_task=self.max_queued_per_task, per_namespace=self.max_queued_per_namespace)

    @property
    def network(self) -> NetworkRules | None:
        """What the Pods of Tasks may reach; None where no policy is kept."""
        if not self.network_policy:
            return None
        return NetworkRules(installation=self.namespace, **self.network_policy_rules)
