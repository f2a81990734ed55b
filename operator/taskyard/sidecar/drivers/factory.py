"""Makes the driver for a Pod's agent. Only the module of that driver is loaded, since a Pod needs no other."""

import importlib
from typing import TYPE_CHECKING

from taskyard.environment import SettingsError
from taskyard.sidecar.drivers.base import Driver, DriverObserver
from taskyard.sidecar.settings import Settings

if TYPE_CHECKING:
    from taskyard.core.ready_pattern import ReadyPattern


_MODULES = {
    "Terminal": "taskyard.sidecar.drivers.terminal.driver",
    "ACP": "taskyard.sidecar.drivers.acp.driver",
    "Command": "taskyard.sidecar.drivers.command",
    "AgentAPI": "taskyard.sidecar.drivers.agentapi",
}


def load_driver(protocol: str) -> None:
    """Loads the module that `driver_for` takes the driver of that protocol from, so that it has not to wait for it."""
    importlib.import_module(_MODULES[protocol])


def driver_for(settings: Settings, prompt: str, observer: DriverObserver) -> Driver:
    """The driver of the agent's protocol, which gives the agent `prompt` and tells `observer` what happens."""
    match settings.protocol:
        case "Command":
            from taskyard.sidecar.drivers.command import CommandDriver

            return CommandDriver(settings.agent_socket, prompt, observer)
        case "ACP":
            from taskyard.sidecar.drivers.acp.driver import AcpDriver

            return AcpDriver(
                settings.agent_socket,
                prompt,
                observer,
                permissions=settings.permissions,
                directory=settings.directory,
                mcp_url=f"http://127.0.0.1:{settings.report_port}/mcp",
                state_file=settings.state_dir / "acp.jsonl",
            )
        case "AgentAPI":
            from taskyard.sidecar.drivers.agentapi import AgentApiDriver

            return AgentApiDriver(settings.agent_socket, prompt, observer, port=settings.agent_port)
        case _:
            from taskyard.sidecar.drivers.terminal.driver import TerminalDriver

            return TerminalDriver(
                settings.agent_socket,
                prompt,
                observer,
                stable_after=settings.stable_after,
                state_file=settings.state_dir / "terminal.jsonl",
                agent_type=settings.agent_type,
                ready=_ready(settings.agent_ready),
                start_timeout=settings.start_timeout,
            )


def _ready(pattern: str) -> "ReadyPattern | None":
    """What the screen must show before the first prompt. RE2 takes 3 MB, so it is loaded only where it is needed."""
    if not pattern:
        return None
    from taskyard.core.ready_pattern import ReadyPattern

    try:
        return ReadyPattern(pattern)
    except ValueError as error:
        raise SettingsError(f"TASKYARD_AGENT_READY: {error}") from error
