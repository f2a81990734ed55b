"""The notifier's settings, from its environment (docs/contracts.md)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace

from taskyard.core.lease import Terms
from taskyard.core.public_address import Network
from taskyard.environment import (
    LOG_LEVEL,
    NAMES,
    SECONDS,
    SWITCH,
    TEXT,
    WHOLE_SECONDS,
    Kind,
    SettingsError,
    port,
    read,
    variable,
    variables,
)
from taskyard.notifier.egress_proxy import EgressProxy

# Teams is `workflows`. What is spoken without TLS reaches nobody: the proxy refuses it.
SCHEMES = (
    "discord gchat gotifys mailtos matrixs mmosts ntfy ntfys opsgenie pagerduty pover rockets slack tgram webex "
    "workflows wxteams zulip"
)
PROXY_VARIABLES = ("HTTPS_PROXY", "NO_PROXY")
# An empty variable counts as not set.
NONE = "none"


def networks(text: str) -> tuple[Network, ...]:
    """Networks, separated by spaces or commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part) for part in text.replace(",", " ").split())


def schemes(text: str) -> tuple[str, ...]:
    """Schemes of URLs, in lower case."""
    return () if text.strip().lower() == NONE else tuple(name.lower() for name in NAMES.read(text))


def _proxy(text: str) -> EgressProxy | None:
    """A proxy, None for no text. Raises ValueError."""
    return EgressProxy.of(text, exceptions="") if text else None


APPRISE_SCHEMES = Kind(schemes, f"names with commas between them, or {NONE}")
NETWORKS = Kind(networks, "networks such as 10.20.0.0/16, separated by spaces")
PROXY = Kind(_proxy, "a URL such as http://proxy.example.com:3128")
HOST_NAME = Kind(lambda text: text or socket.gethostname(), "")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that the chart makes."""

    namespace: str = variable("TASKYARD_NAMESPACE", TEXT, meaning="the namespace of the installation")
    allowed_networks: tuple[Network, ...] = variable(
        "TASKYARD_NOTIFIER_ALLOWED_NETWORKS",
        NETWORKS,
        default="",
        without="public addresses alone",
        meaning="networks that are no public ones and that sinks may have addresses in",
    )
    refused_networks: tuple[Network, ...] = variable(
        "TASKYARD_NOTIFIER_REFUSED_NETWORKS",
        NETWORKS,
        default="",
        without="none",
        meaning="networks that sinks may have no addresses in although they are public ones",
    )
    plain_http: bool = variable(
        "TASKYARD_NOTIFIER_PLAIN_HTTP", SWITCH, default="false", meaning="whether webhooks may be without TLS"
    )
    apprise_schemes: tuple[str, ...] = variable(
        "TASKYARD_NOTIFIER_APPRISE_SCHEMES",
        APPRISE_SCHEMES,
        default=SCHEMES.replace(" ", ","),
        meaning="the schemes of Apprise's URLs that sinks may have",
    )
    mail_servers: tuple[str, ...] = variable(
        "TASKYARD_NOTIFIER_MAIL_SERVERS",
        NAMES,
        default="",
        without="none, so that no mail is sent",
        meaning="the mail servers that sinks may send by, as host (ports 25, 465 and 587) or host:port",
    )
    proxy: EgressProxy | None = variable(
        "HTTPS_PROXY",
        PROXY,
        default="",
        without="receivers are connected to directly",
        meaning="the proxy by which receivers with https are reached, and the API server as with the other processes; "
        "mail is not sent by it",
        secret=True,
    )
    proxy_exceptions: str = variable(
        "NO_PROXY",
        TEXT,
        default="",
        without="no host",
        meaning="the hosts, domains and addresses that are reached without that proxy, with commas between them",
    )
    certificates: str = variable(
        "SSL_CERT_FILE",
        TEXT,
        default="",
        without="the public authorities that come with the image",
        meaning="the file of certificate authorities by which receivers are verified",
    )
    leader_election: bool = variable(
        "TASKYARD_LEADER_ELECTION",
        SWITCH,
        default="true",
        meaning="whether the notifier works only while it holds the Lease `taskyard-notifier`",
    )
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
        default="8082",
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
        # As everywhere, these may be written in lower case.
        proxies = {name: environment.get(name) or environment.get(name.lower(), "") for name in PROXY_VARIABLES}
        settings = read(cls, {**environment, **proxies})
        if settings.lease.problem:
            names = ", ".join(declared.name for field, declared in variables(cls).items() if field.startswith("lease_"))
            raise SettingsError(f"environment variables {names}: {settings.lease.problem}")
        return settings

    @property
    def egress(self) -> EgressProxy | None:
        """The proxy with its exceptions."""
        return replace(self.proxy, exceptions=self.proxy_exceptions) if self.proxy is not None else None

    @property
    def lease(self) -> Terms:
        """The durations of the leader election."""
        return Terms(
            duration=self.lease_duration,
            renew_deadline=self.lease_renew_deadline,
            retry_period=self.lease_retry_period,
        )
