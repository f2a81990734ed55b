"""The sidecar's settings, from its environment (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskyard.environment import (
    PATH,
    PORT,
    SWITCH,
    TEXT,
    Kind,
    number,
    number_of_seconds,
    one_of,
    read,
    variable,
)

PROTOCOLS = ("Terminal", "ACP", "Command", "AgentAPI")
PERMISSIONS = ("allow", "deny", "ask")


def https_url(text: str) -> str:
    """Without a slash at its end. ValueError."""
    if not text.startswith("https://"):
        raise ValueError
    return text.rstrip("/")


HTTPS_URL = Kind(https_url, "an https URL")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator sets in the Pod, and what has a default."""

    gateway_url: str = variable(
        "TASKYARD_GATEWAY_URL",
        HTTPS_URL,
        meaning="the gateway's address for sidecars, such as https://taskyard-gateway.taskyard.svc:8444",
    )
    ca_certificate: str = variable(
        "TASKYARD_CA_CERTIFICATE", TEXT, meaning="the certificate of the installation's authority, PEM"
    )
    token_file: Path = variable(
        "TASKYARD_TOKEN_FILE", PATH, meaning="the file with the service account's token of audience taskyard"
    )
    task_name: str = variable("TASKYARD_TASK_NAME", TEXT, meaning="the name of the Task")
    task_namespace: str = variable("TASKYARD_TASK_NAMESPACE", TEXT, meaning="the namespace of the Task")
    task_uid: str = variable("TASKYARD_TASK_UID", TEXT, meaning="the UID of the Task")
    pod_uid: str = variable("TASKYARD_POD_UID", TEXT, meaning="the UID of the Pod")
    build_number: int = variable("TASKYARD_BUILD_NUMBER", number(), meaning="the number of the build that made the Pod")
    protocol: str = variable(
        "TASKYARD_AGENT_PROTOCOL",
        one_of(*PROTOCOLS),
        default="Terminal",
        meaning="how the agent is driven",
    )
    agent_type: str = variable(
        "TASKYARD_AGENT_TYPE",
        TEXT,
        default="",
        without="unknown: the program's banner on the screen may tell",
        meaning="for Terminal the program that the terminal shows, from `agent.type` of the template version, else "
        "guessed from the agent's command: `claude`, `codex`, `gemini`, `opencode`, `aider`, …, `custom`",
    )
    agent_ready: str = variable(
        "TASKYARD_AGENT_READY",
        TEXT,
        default="",
        without="none: the prompt is typed when the program reads",
        meaning="for Terminal the regular expression that the screen must show before the first prompt, from "
        "`agent.ready` of the template version",
    )
    start_timeout: float = variable(
        "TASKYARD_START_TIMEOUT",
        number_of_seconds(1, 86_400),
        default="600",
        meaning="for Terminal how long the program may take until it reads its first prompt, from "
        "`startTimeoutSeconds` of the template version",
    )
    permissions: str = variable(
        "TASKYARD_AGENT_PERMISSIONS",
        one_of(*PERMISSIONS),
        default="allow",
        meaning="for ACP the answer to the agent's permission requests",
    )
    directory: str = variable(
        "TASKYARD_AGENT_DIRECTORY",
        TEXT,
        default="/",
        meaning="for ACP the directory in which the agent works: its container's `workingDir`, else its home",
    )
    agent_port: int = variable(
        "TASKYARD_AGENT_PORT", PORT, default="3284", meaning="for AgentAPI the port of the agent's own server"
    )
    agent_socket: str = variable(
        "TASKYARD_AGENT_SOCKET", TEXT, default="/taskyard/run/agent.sock", meaning="the socket of taskyard-init"
    )
    state_dir: Path = variable(
        "TASKYARD_STATE_DIR", PATH, default="/var/lib/taskyard", meaning="the folder of conversation and journal"
    )
    durable: bool = variable(
        "TASKYARD_DURABLE", SWITCH, default="false", meaning="whether that folder is on a claim and outlives the Pod"
    )
    hook_key: str = variable(
        "TASKYARD_HOOK_KEY",
        TEXT,
        default="",
        without="none: nobody may tell",
        secret=True,
        meaning="the key with which the Pod's preStop hook tells that the Pod ends: random, new with each Pod, also in "
        "the hook's header; it lets nobody do more than that",
    )
    listen: str = variable(
        "TASKYARD_LISTEN",
        TEXT,
        default="::",
        meaning="the address that the ports are bound to, but for that of the agent's reports; `::` takes IPv4 too",
    )
    port: int = variable("TASKYARD_SIDECAR_PORT", PORT, default="8484", meaning="the port of the AgentAPI routes")
    health_port: int = variable("TASKYARD_HEALTH_PORT", PORT, default="8486", meaning="the port of the probes")
    report_port: int = variable(
        "TASKYARD_REPORT_PORT", PORT, default="8485", meaning="the port for the agent's reports, on loopback"
    )
    stable_after: float = variable(
        "TASKYARD_STABLE_SECONDS",
        number_of_seconds(0.2, 300),
        default="2",
        meaning="how long nothing may change on the agent's screen until it counts as waiting for input",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError."""
        return read(cls, environment)

    @property
    def task(self) -> str:
        return f"{self.task_namespace}/{self.task_name}"
