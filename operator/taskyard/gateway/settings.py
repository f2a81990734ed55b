"""Settings of the gateway, from its environment (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from taskyard.core import input_bounds
from taskyard.core.input_bounds import Bounds
from taskyard.environment import LOG_LEVEL, NAMES, PORT, SWITCH, TEXT, Kind, number, read, variable

# The paths of Anthropic's and OpenAI's APIs, which show which of the two forms to use.
NAMING_PATHS = ("/messages", "/chat/completions")


def naming_url(text: str) -> str:
    """The URL of a language model, empty for none. Raises ValueError."""
    parts = urlsplit(text)
    path = parts.path.rstrip("/")
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or not path.endswith(NAMING_PATHS)):
        raise ValueError
    return text


COUNT = number(1, 1_000_000)
QUEUED = number(1, 65_536)
NAMING_URL = Kind(naming_url, f"the http or https URL of an endpoint that ends with {' or '.join(NAMING_PATHS)}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the gateway is, where it listens, and the limits of its callers."""

    namespace: str = variable("TASKYARD_NAMESPACE", TEXT, meaning="the namespace of the installation")
    service_name: str = variable(
        "TASKYARD_SERVICE_NAME",
        TEXT,
        default="taskyard-gateway",
        meaning="the gateway's Service",
    )
    listen_address: str = variable(
        "TASKYARD_LISTEN_ADDRESS",
        TEXT,
        default="",
        without="all addresses",
        meaning="the address that all ports are bound to",
    )
    sidecar_port: int = variable(
        "TASKYARD_SIDECAR_PORT", PORT, default="8444", meaning="the port of the sidecars' listener"
    )
    people: bool = variable(
        "TASKYARD_PEOPLE", SWITCH, default="true", meaning="whether the REST API for people is served"
    )
    people_port: int = variable("TASKYARD_PEOPLE_PORT", PORT, default="8443", meaning="the port of the REST API")
    people_tls_folder: str = variable(
        "TASKYARD_PEOPLE_TLS_DIR",
        TEXT,
        default="",
        without="a certificate of the installation's authority",
        meaning="the folder of the REST API's certificate, `tls.crt` and `tls.key`",
    )
    people_hosts: tuple[str, ...] = variable(
        "TASKYARD_PEOPLE_HOSTS",
        NAMES,
        default="",
        without="none",
        meaning="host names in the certificate of the installation's authority, in addition to the Service's",
    )
    default_namespace: str = variable(
        "TASKYARD_DEFAULT_NAMESPACE",
        TEXT,
        default="default",
        meaning="the namespace that `me` stands for when the user has none",
    )
    people_rate: int = variable(
        "TASKYARD_PEOPLE_RATE",
        COUNT,
        default="50",
        meaning="how many requests a second one caller may send on average",
    )
    people_burst: int = variable(
        "TASKYARD_PEOPLE_BURST",
        COUNT,
        default="500",
        meaning="how many requests one caller may send at once after a pause",
    )
    people_at_once: int = variable(
        "TASKYARD_PEOPLE_AT_ONCE",
        COUNT,
        default="64",
        meaning="how many requests of one caller are answered at the same time",
    )
    people_streams: int = variable(
        "TASKYARD_PEOPLE_STREAMS", COUNT, default="128", meaning="how many streams one caller may have open"
    )
    audit: bool = variable(
        "TASKYARD_AUDIT",
        SWITCH,
        default="true",
        meaning="whether a line of JSON on standard output tells of each act of a person",
    )
    max_queued_per_task: int = variable(
        "TASKYARD_MAX_QUEUED_PER_TASK",
        QUEUED,
        default=str(input_bounds.MAX_QUEUED_PER_TASK),
        meaning="how many messages wait for one Task, as the operator has it; more are refused",
    )
    max_queued_per_namespace: int = variable(
        "TASKYARD_MAX_QUEUED_PER_NAMESPACE",
        QUEUED,
        default=str(input_bounds.MAX_QUEUED_PER_NAMESPACE),
        meaning="how many messages wait for all Tasks of a namespace, as the operator has it",
    )
    # It may contain a key.
    naming_url: str = variable(
        "TASKYARD_NAMING_URL",
        NAMING_URL,
        default="",
        without="names come from the prompt",
        secret=True,
        meaning="a language model that names Tasks",
    )
    naming_model: str = variable(
        "TASKYARD_NAMING_MODEL",
        TEXT,
        default="",
        needed_with="naming_url",
        meaning="the name of the model behind TASKYARD_NAMING_URL",
    )
    naming_key: str = variable(
        "TASKYARD_NAMING_KEY", TEXT, default="", without="none", secret=True, meaning="the key for TASKYARD_NAMING_URL"
    )
    health_port: int = variable("TASKYARD_HEALTH_PORT", PORT, default="8081", meaning="the port of probes and metrics")
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
        return read(cls, environment)

    @property
    def input_bounds(self) -> Bounds:
        """How many inputs may wait."""
        return Bounds(per_task=self.max_queued_per_task, per_namespace=self.max_queued_per_namespace)

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The names by which sidecars may call the gateway."""
        service, namespace = self.service_name, self.namespace
        return (
            f"{service}.{namespace}.svc",
            f"{service}.{namespace}.svc.cluster.local",
            f"{service}.{namespace}",
            service,
            "localhost",
            *self.people_hosts,
        )
