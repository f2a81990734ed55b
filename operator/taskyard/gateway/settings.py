"""Settings of the gateway, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Settings:
    """Where the gateway is and where it listens.

    `namespace` holds the installation; `service_name` is the Service that leads to the gateway. An empty
    `listen_address` means all of the machine's addresses; an empty `kubeconfig` the service account of the Pod, or
    outside of a cluster the user's kubeconfig.
    """

    namespace: str
    service_name: str = "taskyard-gateway"
    listen_address: str = ""
    sidecar_port: int = 8444
    health_port: int = 8081
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
