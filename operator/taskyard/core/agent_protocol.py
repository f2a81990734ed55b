"""How an agent is driven: the parts of its Pod and of its sidecar's settings that depend on its protocol."""

from __future__ import annotations

from taskyard.api.vocabulary import AgentProtocol, PermissionPolicy
from taskyard.core import agent_guess, agenttype
from taskyard.core.api_object import Manifest
from taskyard.core.template_version_view import TemplateVersionView

TERMINAL_SIZE = "80x1000"
AGENT_PORT = 3284


def init_options(version: TemplateVersionView) -> list[str]:
    """Options of `taskyard-init run`. A command's two outputs share a pipe, so that they are read in the order in which
    they were written. An AgentAPI server gets a terminal that nobody types into: with pipes it might read a prompt from
    standard input."""
    match version.protocol:
        case AgentProtocol.ACP:
            return ["--pipes"]
        case AgentProtocol.COMMAND:
            return ["--pipes", "--merge", *(["--retries", str(version.retries)] if version.retries else [])]
        case _:
            return ["--tty", TERMINAL_SIZE]


def restart_policy(version: TemplateVersionView) -> str:
    """Restart policy of the Pod: a command is not restarted, its end is its result."""
    return "Never" if version.protocol == AgentProtocol.COMMAND else "Always"


def sidecar_environment(version: TemplateVersionView, *, default_mount: str) -> dict[str, str]:
    """The sidecar's variables that tell it how to drive the agent."""
    values = {"TASKYARD_AGENT_PROTOCOL": version.protocol or ""}
    match version.protocol:
        case AgentProtocol.TERMINAL:
            agent_type = version.agent_type or agent_guess.of(command(version))
            # A type that is given decides against what the screen shows, so an unknown one is not named.
            if version.agent_type or agent_type != agenttype.CUSTOM:
                values["TASKYARD_AGENT_TYPE"] = agent_type
            values["TASKYARD_START_TIMEOUT"] = str(int(version.start_timeout.total_seconds()))
            if version.agent_ready:
                # The kubelet expands $(NAME) in a variable's value, and makes one of two dollar signs.
                values["TASKYARD_AGENT_READY"] = version.agent_ready.replace("$", "$$")
        case AgentProtocol.ACP:
            values["TASKYARD_AGENT_PERMISSIONS"] = version.permissions or PermissionPolicy.ALLOW
            values["TASKYARD_AGENT_DIRECTORY"] = directory(version, default_mount=default_mount)
        case AgentProtocol.AGENT_API:
            values["TASKYARD_AGENT_PORT"] = str(version.port or AGENT_PORT)
    return values


def directory(version: TemplateVersionView, *, default_mount: str) -> str:
    """The folder in which the agent works: its container's working directory, else its home."""
    home = (version.home or {}).get("mountPath", default_mount)
    return str(_agent(version).get("workingDir") or home)


def command(version: TemplateVersionView) -> list[str]:
    """The command, with its arguments, that starts the agent."""
    agent = _agent(version)
    return [*agent.get("command", []), *agent.get("args", [])]


def _agent(version: TemplateVersionView) -> Manifest:
    containers: list[Manifest] = version.pod.get("spec", {}).get("containers", [])
    return next((c for c in containers if c.get("name") == version.agent_container), {})
