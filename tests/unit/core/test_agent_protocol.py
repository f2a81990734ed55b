from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import agent_protocol
from unit.core.builders import template_version

TERMINAL = {"TASKYARD_START_TIMEOUT": "600"}


@pytest.mark.parametrize(
    ("agent", "options", "policy"),
    [
        pytest.param({"protocol": "Terminal"}, ["--tty", "80x1000"], "Always", id="a program in a terminal"),
        pytest.param({"protocol": "ACP"}, ["--pipes"], "Always", id="a program that speaks ACP"),
        pytest.param({"protocol": "Command"}, ["--pipes", "--merge"], "Never", id="a command"),
        pytest.param(
            {"protocol": "Command", "retries": 3},
            ["--pipes", "--merge", "--retries", "3"],
            "Never",
            id="a command that is tried again",
        ),
        pytest.param({"protocol": "AgentAPI"}, ["--tty", "80x1000"], "Always", id="a server of its own"),
    ],
)
def test_command_is_wrapped_by_protocol(agent: dict[str, Any], options: list[str], policy: str) -> None:
    version = template_version(agent={"container": "agent", **agent})
    assert agent_protocol.init_options(version) == options
    assert agent_protocol.restart_policy(version) == policy


@pytest.mark.parametrize(
    ("agent", "more"),
    [
        pytest.param({"protocol": "Terminal"}, TERMINAL, id="a program in a terminal"),
        pytest.param(
            {"protocol": "Terminal", "type": "codex"},
            TERMINAL | {"TASKYARD_AGENT_TYPE": "codex"},
            id="a program that its command hides",
        ),
        pytest.param(
            {"protocol": "Terminal", "ready": r"^\$(HOME)\$$"},
            # The kubelet makes of it what the template version says.
            TERMINAL | {"TASKYARD_AGENT_READY": r"^\$$(HOME)\$$$$"},
            id="a pattern of the screen",
        ),
        pytest.param({"protocol": "Command", "retries": 3}, {}, id="a command"),
        pytest.param(
            {"protocol": "ACP"},
            {"TASKYARD_AGENT_PERMISSIONS": "allow", "TASKYARD_AGENT_DIRECTORY": "/home/agent"},
            id="ACP, nobody to ask",
        ),
        pytest.param(
            {"protocol": "ACP", "permissions": "ask"},
            {"TASKYARD_AGENT_PERMISSIONS": "ask", "TASKYARD_AGENT_DIRECTORY": "/home/agent"},
            id="ACP, asking",
        ),
        pytest.param({"protocol": "AgentAPI"}, {"TASKYARD_AGENT_PORT": "3284"}, id="the usual port"),
        pytest.param({"protocol": "AgentAPI", "port": 9000}, {"TASKYARD_AGENT_PORT": "9000"}, id="another port"),
    ],
)
def test_sidecar_is_told(agent: dict[str, Any], more: dict[str, str]) -> None:
    version = template_version(agent={"container": "agent", **agent})
    values = agent_protocol.sidecar_environment(version, default_mount="/home/agent")
    assert values == {"TASKYARD_AGENT_PROTOCOL": agent["protocol"], **more}


def test_agent_works_in_its_containers_folder() -> None:
    container = {"name": "agent", "image": "debian", "command": ["bash"], "workingDir": "/src"}
    version = template_version(pod={"spec": {"containers": [{"name": "db"}, container]}})
    assert agent_protocol.directory(version, default_mount="/home/agent") == "/src"
    assert (
        agent_protocol.directory(template_version(home={"size": "1Gi", "mountPath": "/h"}), default_mount="/home/agent")
        == "/h"
    )
    assert agent_protocol.directory(template_version(home=None), default_mount="/home/agent") == "/home/agent"


def test_type_of_the_template_version_counts_more_than_the_guess() -> None:
    """T5: the command names one program, and another one runs."""
    container = {"name": "agent", "image": "debian", "command": ["claude"]}
    version = template_version(
        agent={"container": "agent", "protocol": "Terminal", "type": "custom"},
        pod={"spec": {"containers": [container]}},
    )
    values = agent_protocol.sidecar_environment(version, default_mount="/home/agent")
    assert values["TASKYARD_AGENT_TYPE"] == "custom"
