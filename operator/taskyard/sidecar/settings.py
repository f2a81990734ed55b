"""The sidecar's settings, from its environment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROTOCOLS = ("Terminal", "ACP", "Command", "AgentAPI")
PERMISSIONS = ("allow", "deny", "ask")


class SettingsError(ValueError):
    """A variable of the environment is missing or invalid; the text names it."""


@dataclass(frozen=True)
class Settings:
    """`listen` is the address of `port` and `health_port`. `ca_certificate` is PEM. `durable`: the state outlives the
    Pod.

    `agent_port` is the port of an agent's own server; `permissions` and `directory` are for ACP: the answer to the
    agent's permission requests, and the directory in which it works.
    `agent_type` names the program that the terminal shows, as far as the agent's command reveals it.
    `hook_key` is the key that the kubelet sends with the preStop hook; when empty, every call of the hook is refused.
    `stable_after`: seconds without a change on its screen after which the agent counts as waiting for input.
    """

    gateway_url: str
    ca_certificate: str
    token_file: Path
    task_name: str
    task_namespace: str
    task_uid: str
    pod_uid: str
    build_number: int
    protocol: str
    agent_type: str
    agent_socket: str
    agent_port: int
    permissions: str
    directory: str
    state_dir: Path
    durable: bool
    listen: str
    port: int
    health_port: int
    report_port: int
    stable_after: float
    hook_key: str

    @property
    def task(self) -> str:
        return f"{self.task_namespace}/{self.task_name}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""

    def required(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            raise SettingsError(f"environment variable {name} is missing")
        return value

    def number(name: str, default: int | None = None) -> int:
        value = environment.get(name, "") or (required(name) if default is None else str(default))
        if not value.isdecimal():
            raise SettingsError(f"environment variable {name} must be a number, not {value!r}")
        return int(value)

    def seconds(name: str, default: float, least: float, most: float) -> float:
        value = environment.get(name, "") or str(default)
        try:
            given = float(value)
        except ValueError:
            given = math.nan
        if not least <= given <= most:
            raise SettingsError(f"environment variable {name} must be seconds from {least} to {most}, not {value!r}")
        return given

    gateway_url = required("TASKYARD_GATEWAY_URL")
    if not gateway_url.startswith("https://"):
        raise SettingsError(f"environment variable TASKYARD_GATEWAY_URL must be an https URL, not {gateway_url!r}")
    protocol = environment.get("TASKYARD_AGENT_PROTOCOL") or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise SettingsError(
            f"environment variable TASKYARD_AGENT_PROTOCOL is {protocol!r}; this sidecar speaks {', '.join(PROTOCOLS)}"
        )
    permissions = environment.get("TASKYARD_AGENT_PERMISSIONS") or PERMISSIONS[0]
    if permissions not in PERMISSIONS:
        known = ", ".join(PERMISSIONS)
        raise SettingsError(
            f"environment variable TASKYARD_AGENT_PERMISSIONS must be one of {known}, not {permissions!r}"
        )
    return Settings(
        gateway_url=gateway_url.rstrip("/"),
        ca_certificate=required("TASKYARD_CA_CERTIFICATE"),
        token_file=Path(required("TASKYARD_TOKEN_FILE")),
        task_name=required("TASKYARD_TASK_NAME"),
        task_namespace=required("TASKYARD_TASK_NAMESPACE"),
        task_uid=required("TASKYARD_TASK_UID"),
        pod_uid=required("TASKYARD_POD_UID"),
        build_number=number("TASKYARD_BUILD_NUMBER"),
        protocol=protocol,
        agent_type=environment.get("TASKYARD_AGENT_TYPE") or "custom",
        agent_port=number("TASKYARD_AGENT_PORT", 3284),
        permissions=permissions,
        directory=environment.get("TASKYARD_AGENT_DIRECTORY") or "/",
        agent_socket=environment.get("TASKYARD_AGENT_SOCKET") or "/taskyard/run/agent.sock",
        state_dir=Path(environment.get("TASKYARD_STATE_DIR") or "/var/lib/taskyard"),
        durable=environment.get("TASKYARD_DURABLE", "") == "true",
        listen=environment.get("TASKYARD_LISTEN") or "::",
        port=number("TASKYARD_SIDECAR_PORT", 8484),
        health_port=number("TASKYARD_HEALTH_PORT", 8486),
        report_port=number("TASKYARD_REPORT_PORT", 8485),
        hook_key=environment.get("TASKYARD_HOOK_KEY", ""),
        stable_after=seconds("TASKYARD_STABLE_SECONDS", 2.0, 0.2, 300.0),
    )
