"""The agent's own port over HTTP: reports by command and by MCP, and requests that are refused."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import plainhttp
from unit.sidecar.pod import Pod, until


def report(pod: Pod, **body: object) -> httpx.Response:
    return plainhttp.post(f"http://127.0.0.1:{pod.report_port}/report", json=body)


@pytest.fixture(scope="module")
def reporter(init_program: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of `taskyard-report`."""
    folder = tmp_path_factory.mktemp("bin")
    subprocess.run([init_program, "install", folder], check=True, timeout=10)
    return str(folder / "taskyard-report")


def test_the_command_says_what_is_wrong(shared_pod: Pod, reporter: str) -> None:
    def call(*arguments: str, url: str = shared_pod.mcp_url) -> tuple[int, str]:
        done = subprocess.run(
            [reporter, *arguments], env={"TASKYARD_MCP_URL": url}, capture_output=True, text=True, timeout=20
        )
        return done.returncode, done.stderr

    assert call("finished", "x") == (
        1,
        "taskyard-report: state must be one of working, idle, complete, failed (422)\n",
    )
    assert call("idle", "")[0] == 1
    assert call("output", "a b=c")[1].startswith("taskyard-report: name must be")
    assert call("idle", "x", "--link", "ftp://x")[1].startswith("taskyard-report: link must be")
    assert call("idle", "x", url="http://127.0.0.1:1/")[1] == (
        "taskyard-report: cannot connect to the sidecar: Connection refused\n"
    )


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://example.test"}, id="a web page's origin"),
        pytest.param({"Origin": "null"}, id="a local file's origin"),
        pytest.param({"Host": "example.test"}, id="another name of this host"),
        pytest.param({"Host": "[::"}, id="a malformed name"),
    ],
)
def test_web_pages_cannot_report(shared_pod: Pod, headers: dict[str, str]) -> None:
    for path in ("mcp", "report", "output"):
        response = plainhttp.post(
            f"http://127.0.0.1:{shared_pod.report_port}/{path}",
            content=json.dumps({"state": "complete", "summary": "x"}),
            headers=headers,
        )
        assert response.status_code == 403


def test_mcp_over_http(shared_pod: Pod) -> None:
    def ask(body: object, **headers: str) -> httpx.Response:
        return plainhttp.post(shared_pod.mcp_url, json=body, headers=headers)

    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}
    assert ask(hello).json()["result"]["protocolVersion"] == "2025-06-18"
    noted = ask({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (noted.status_code, noted.content) == (202, b"")
    call = {"name": "report_task", "arguments": {"state": "failed", "summary": "no such repository"}}
    done = ask({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
    assert done.json()["result"]["isError"] is False
    until("the report", lambda: shared_pod.states()[-1] == ("failure", "no such repository"))
    assert ask(hello, **{"MCP-Protocol-Version": "1999-01-01"}).status_code == 400
    assert plainhttp.get(shared_pod.mcp_url).status_code == 405
    assert plainhttp.delete(shared_pod.mcp_url).status_code == 405


def test_reports_are_limited_in_rate_and_size(shared_pod: Pod) -> None:
    assert report(shared_pod, state="idle", summary="x" * 20_000).status_code == 413
    time.sleep(0.5)
    statuses = [report(shared_pod, state="idle", summary=f"step {number}").status_code for number in range(40)]
    assert statuses[:20] == [200] * 20
    assert 429 in statuses
    time.sleep(1.1)
    assert report(shared_pod, state="complete", summary="after all").status_code == 200
    until("the last report", lambda: shared_pod.states()[-1] == ("complete", "after all"))
