"""The examples of docs/agents.md with which an agent says that it is done, run as they stand by an agent in a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from localcluster import locations
from unit.sidecar.pod import Pod, until

PAGE = (locations.REPOSITORY / "docs" / "agents.md").read_text()
SECTION = PAGE[PAGE.index("## How an agent says that it is done") :]
BY_NAME, BY_REQUEST = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
LINK = "https://git.example.com/team/app/pull/7"


@pytest.fixture
def shell(pod: Pod, init_program: Path) -> Pod:
    """Its taskyard-init is installed as in a Pod, so that taskyard-report is in PATH."""
    subprocess.run([init_program, "install", pod.folder], check=True, timeout=10)
    pod.use_init(pod.folder / "taskyard-init")
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    return pod


def reported(pod: Pod, line: str, state: str, message: str) -> None:
    assert pod.post(line).json() == {"ok": True}
    until(line, lambda: (pod.gateway.last_report["state"], pod.gateway.last_report["message"]) == (state, message))
    pod.until_stable()


def test_by_the_name_of_the_command(shell: Pod) -> None:
    first, output, last = BY_NAME.splitlines()
    reported(shell, f"{first}; sleep 1", "working", "runs the tests")
    shell.post(output)
    until("the output", lambda: shell.gateway.outputs[-1:] == [[{"name": "pull-request", "value": LINK}]])
    shell.until_stable()
    reported(shell, last, "complete", "all tests pass")
    assert shell.gateway.last_report["uri"] == LINK


def test_by_a_tool_and_by_a_request(shell: Pod) -> None:
    tool, request = BY_REQUEST.splitlines()
    reported(shell, tool, "complete", "all tests pass")
    reported(shell, request.replace("8485", str(shell.report_port)), "failure", "two tests fail")


def test_by_what_the_page_has_an_agent_told(shell: Pod) -> None:
    complete, failed = re.findall(r"`(taskyard-report (?:complete|failed) '[A-Z ]+')`", SECTION)
    reported(shell, complete, "complete", "ONE LINE ABOUT WHAT YOU DID")
    reported(shell, failed, "failure", "WHY")
