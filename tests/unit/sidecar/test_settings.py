from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.environment import SettingsError
from taskyard.sidecar.settings import Settings

ENVIRONMENT = {
    "TASKYARD_GATEWAY_URL": "https://taskyard-gateway.taskyard.svc:8444/",
    "TASKYARD_CA_CERTIFICATE": "PEM",
    "TASKYARD_TOKEN_FILE": "/var/run/secrets/taskyard/token",
    "TASKYARD_TASK_NAME": "shell",
    "TASKYARD_TASK_NAMESPACE": "team",
    "TASKYARD_TASK_UID": "1",
    "TASKYARD_POD_UID": "2",
    "TASKYARD_BUILD_NUMBER": "3",
    "TASKYARD_AGENT_PROTOCOL": "Terminal",
    "TASKYARD_AGENT_SOCKET": "/run/agent.sock",
    "TASKYARD_STATE_DIR": "/state",
    "TASKYARD_DURABLE": "true",
}


def test_settings_come_from_the_environment() -> None:
    read = Settings.from_environment(ENVIRONMENT)
    assert read.gateway_url == "https://taskyard-gateway.taskyard.svc:8444"
    assert read.task == "team/shell"
    assert read.build_number == 3
    assert read.durable
    assert (read.port, read.health_port, read.listen, read.stable_after) == (8484, 8486, "::", 2.0)
    assert read.state_dir == Path("/state")
    assert (read.agent_type, read.agent_ready, read.start_timeout) == ("", "", 600.0)


def test_what_the_template_version_says_of_a_terminal_is_read() -> None:
    given = {"TASKYARD_AGENT_TYPE": "aider", "TASKYARD_AGENT_READY": " ^> $ ", "TASKYARD_START_TIMEOUT": "90"}
    read = Settings.from_environment(ENVIRONMENT | given)
    assert (read.agent_type, read.agent_ready, read.start_timeout) == ("aider", " ^> $ ", 90.0)


@pytest.mark.parametrize(
    "name",
    [
        "TASKYARD_GATEWAY_URL",
        "TASKYARD_CA_CERTIFICATE",
        "TASKYARD_TOKEN_FILE",
        "TASKYARD_TASK_NAME",
        "TASKYARD_TASK_NAMESPACE",
        "TASKYARD_TASK_UID",
        "TASKYARD_POD_UID",
        "TASKYARD_BUILD_NUMBER",
    ],
)
def test_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set; it holds"):
        Settings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("TASKYARD_BUILD_NUMBER", "one", "must be a whole number, not 'one'", id="build number"),
        pytest.param("TASKYARD_SIDECAR_PORT", "x", "must be a port number from 1 to 65535, not 'x'", id="port"),
        pytest.param("TASKYARD_STABLE_SECONDS", "0", "must be a number of seconds from 0.2 to 300", id="never stable"),
        pytest.param("TASKYARD_STABLE_SECONDS", "nan", "must be a number of seconds from 0.2 to 300", id="no number"),
        pytest.param("TASKYARD_GATEWAY_URL", "http://gateway", "must be an https URL", id="a gateway without TLS"),
        pytest.param("TASKYARD_AGENT_PROTOCOL", "MCP", "must be one of Terminal, ACP", id="unknown protocol"),
        pytest.param("TASKYARD_AGENT_PERMISSIONS", "Maybe", "must be one of allow, deny, ask", id="unknown policy"),
        pytest.param("TASKYARD_DURABLE", "yes", "must be true or false", id="no switch"),
    ],
)
def test_bad_value_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.*{message}"):
        Settings.from_environment(ENVIRONMENT | {name: value})
