"""Settings of the gateway, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Those of Anthropic and of OpenAI: which of the two forms is spoken.
_NAMING_PATHS = ("/messages", "/chat/completions")
_MAX_COUNT = 1_000_000
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Settings:
    """Where the gateway is and where it listens.

    `namespace` holds the installation; `service_name` is the Service that leads to the gateway. An empty
    `listen_address` means all of the machine's addresses; an empty `kubeconfig` the service account of the Pod, or
    outside of a cluster the user's kubeconfig.

    `people` says whether the REST API for people is served, with the certificate in `people_tls_folder` or, without
    one, with one from the installation's authority that is good for `people_hosts` too. `default_namespace` is `me` for
    a user without a namespace. One caller may send `people_rate` requests a second on average, `people_burst` at once
    after a rest, have `people_at_once` answered at the same time, and `people_streams` streams open.
    `naming_url` leads to a language model that names Tasks.
    """

    namespace: str
    service_name: str = "taskyard-gateway"
    listen_address: str = ""
    sidecar_port: int = 8444
    health_port: int = 8081
    people: bool = True
    people_port: int = 8443
    people_tls_folder: str = ""
    people_hosts: tuple[str, ...] = ()
    default_namespace: str = "default"
    people_rate: int = 50
    people_burst: int = 500
    people_at_once: int = 64
    people_streams: int = 128
    naming_url: str = ""
    naming_model: str = ""
    naming_key: str = field(default="", repr=False)
    log_level: str = "INFO"
    kubeconfig: str = ""

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


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read `TASKYARD_*`. ValueError, naming the variable, when one is missing or unusable."""
    namespace = environment.get("TASKYARD_NAMESPACE", "")
    if not namespace:
        raise ValueError("TASKYARD_NAMESPACE is not set: it names the namespace that Taskyard is installed in")
    log_level = environment.get("TASKYARD_LOG_LEVEL", Settings.log_level).upper()
    if log_level not in _LOG_LEVELS:
        raise ValueError(f"TASKYARD_LOG_LEVEL is {log_level!r}, not one of {', '.join(_LOG_LEVELS)}")
    return Settings(
        namespace=namespace,
        service_name=environment.get("TASKYARD_SERVICE_NAME") or Settings.service_name,
        listen_address=environment.get("TASKYARD_LISTEN_ADDRESS", Settings.listen_address),
        sidecar_port=_port(environment, "TASKYARD_SIDECAR_PORT", Settings.sidecar_port),
        health_port=_port(environment, "TASKYARD_HEALTH_PORT", Settings.health_port),
        people=_switch(environment, "TASKYARD_PEOPLE", Settings.people),
        people_port=_port(environment, "TASKYARD_PEOPLE_PORT", Settings.people_port),
        people_tls_folder=environment.get("TASKYARD_PEOPLE_TLS_DIR", ""),
        people_hosts=tuple(filter(None, environment.get("TASKYARD_PEOPLE_HOSTS", "").split(","))),
        default_namespace=environment.get("TASKYARD_DEFAULT_NAMESPACE") or Settings.default_namespace,
        people_rate=_count(environment, "TASKYARD_PEOPLE_RATE", Settings.people_rate),
        people_burst=_count(environment, "TASKYARD_PEOPLE_BURST", Settings.people_burst),
        people_at_once=_count(environment, "TASKYARD_PEOPLE_AT_ONCE", Settings.people_at_once),
        people_streams=_count(environment, "TASKYARD_PEOPLE_STREAMS", Settings.people_streams),
        naming_url=_naming_url(environment),
        naming_model=environment.get("TASKYARD_NAMING_MODEL", ""),
        naming_key=environment.get("TASKYARD_NAMING_KEY", ""),
        log_level=log_level,
        kubeconfig=environment.get("KUBECONFIG", ""),
    )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"{name} is {text!r}, not a port number from 1 to 65535")
    return int(text)


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= _MAX_COUNT:
        raise ValueError(f"{name} is {text!r}, not a number from 1 to {_MAX_COUNT}")
    return int(text)


def _switch(environment: Mapping[str, str], name: str, default: bool) -> bool:
    text = environment.get(name) or str(default).lower()
    if text not in ("true", "false"):
        raise ValueError(f"{name} is {text!r}, not true or false")
    return text == "true"


def _naming_url(environment: Mapping[str, str]) -> str:
    url = environment.get("TASKYARD_NAMING_URL", "")
    if not url:
        return ""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not parts.hostname or not path.endswith(_NAMING_PATHS):
        raise ValueError(
            "TASKYARD_NAMING_URL is not the http or https URL of an endpoint that ends with "
            + " or ".join(_NAMING_PATHS)
        )
    if not environment.get("TASKYARD_NAMING_MODEL"):
        raise ValueError("TASKYARD_NAMING_MODEL is not set: it names the model behind TASKYARD_NAMING_URL")
    return url
