"""How an agent is driven, by its protocol: what of its Pod and of its sidecar's settings depends on that."""

from __future__ import annotations

from taskyard.api.templateversion import AgentProtocol, PermissionPolicy
from taskyard.core import agenttype
from taskyard.core.observed import Manifest, TemplateView

TERMINAL_SIZE = "80x1000"
AGENT_PORT = 3284


def init_options(template: TemplateView) -> list[str]:
    """Options of `taskyard-init run`. A command's two outputs share a pipe, so that they are read in the order in which
    they were written. A server of its own has a terminal that nobody types into: with pipes it might read a prompt."""
    match template.protocol:
        case AgentProtocol.ACP:
            return ["--pipes"]
        case AgentProtocol.COMMAND:
            return ["--pipes", "--merge", *(["--retries", str(template.retries)] if template.retries else [])]
        case _:
            return ["--tty", TERMINAL_SIZE]


def restart_policy(template: TemplateView) -> str:
    """Of the Pod: a command's end is its result."""
    return "Never" if template.protocol == AgentProtocol.COMMAND else "Always"


def sidecar_environment(template: TemplateView, *, default_mount: str) -> dict[str, str]:
    """The sidecar's variables that tell it how to drive the agent."""
    values = {"TASKYARD_AGENT_PROTOCOL": template.protocol or ""}
    match template.protocol:
        case AgentProtocol.TERMINAL:
            values["TASKYARD_AGENT_TYPE"] = agenttype.of(command(template))
        case AgentProtocol.ACP:
            values["TASKYARD_AGENT_PERMISSIONS"] = template.permissions or PermissionPolicy.ALLOW
            values["TASKYARD_AGENT_DIRECTORY"] = directory(template, default_mount=default_mount)
        case AgentProtocol.AGENT_API:
            values["TASKYARD_AGENT_PORT"] = str(template.port or AGENT_PORT)
    return values


def directory(template: TemplateView, *, default_mount: str) -> str:
    """The folder in which the agent works: its container's working directory, else its home."""
    home = (template.home or {}).get("mountPath", default_mount)
    return str(_agent(template).get("workingDir") or home)


def command(template: TemplateView) -> list[str]:
    """What starts the agent."""
    agent = _agent(template)
    return [*agent.get("command", []), *agent.get("args", [])]


def _agent(template: TemplateView) -> Manifest:
    containers: list[Manifest] = template.pod.get("spec", {}).get("containers", [])
    return next((c for c in containers if c.get("name") == template.agent_container), {})
