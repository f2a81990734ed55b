"""An enrolled sidecar reports what its agent is doing."""

from typing import Any

import httpx
import pytest

from integration.gateway.enrollment import enroll
from integration.gateway.workspace import RunningTask, Workspace

PATH = "/api/v2/workspaceagents/me/app-status"
REPORT = {"app_slug": "taskyard", "state": "working", "message": "reading files", "uri": "https://example.test/1"}
DIGEST = "ab" * 32


def report(client: httpx.Client, token: str, **fields: Any) -> httpx.Response:
    return client.patch(PATH, headers={"Authorization": f"Bearer {token}"}, json={**REPORT, **fields})


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        pytest.param("working", "Working", id="working"),
        pytest.param("idle", "Idle", id="idle"),
        pytest.param("complete", "Complete", id="complete"),
        pytest.param("failure", "Failed", id="failure"),
    ],
)
def test_a_report_becomes_the_tasks_state(
    client: httpx.Client, workspace: Workspace, token: str, state: str, shown: str
) -> None:
    """2.10-taken."""
    response = report(client, token, state=state)

    assert (response.status_code, response.json()) == (200, {})
    found = workspace.task_status()["state"]
    assert found.pop("timestamp").endswith("Z")
    assert found == {"state": shown, "message": "reading files", "uri": "https://example.test/1", "build": 1}


def test_the_hash_of_the_typed_prompt_is_kept_until_another_one_is_reported(
    client: httpx.Client, workspace: Workspace, token: str
) -> None:
    report(client, token, prompt_sha256=DIGEST)
    report(client, token, state="idle")
    assert workspace.task_status()["promptSHA256"] == DIGEST


def test_a_report_that_changes_nothing_writes_nothing(client: httpx.Client, workspace: Workspace, token: str) -> None:
    report(client, token)
    before = workspace.admin.get(workspace.path("tasks", "hello"))["metadata"]["resourceVersion"]
    assert report(client, token).status_code == 200
    assert workspace.admin.get(workspace.path("tasks", "hello"))["metadata"]["resourceVersion"] == before


def test_other_fields_of_the_status_stay_as_they_were(client: httpx.Client, workspace: Workspace, token: str) -> None:
    workspace.patch_task("hello", {"phase": "Active", "displayName": "Say hello"})
    report(client, token)
    status = workspace.task_status()
    assert (status["phase"], status["displayName"], status["build"]["number"]) == ("Active", "Say hello", 1)


def test_the_message_loses_markup_and_escape_sequences(client: httpx.Client, workspace: Workspace, token: str) -> None:
    """2.10-clean."""
    report(client, token, message='"\\u001b[31m<b>red</b>\\n  alert\\u0007"')
    assert workspace.task_status()["state"]["message"] == "red alert"


def test_the_token_may_come_in_the_session_token_header(client: httpx.Client, token: str) -> None:
    assert client.patch(PATH, headers={"Coder-Session-Token": token}, json=REPORT).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message", "detail"),
    [
        pytest.param({"message": "x" * 161}, "Message is too long.", "160 bytes", id="2.10-long 161 bytes"),
        pytest.param({"message": "é" * 81}, "Message is too long.", "160 bytes", id="81 characters, 162 bytes"),
        pytest.param(
            {"state": "failed"}, "Invalid state provided.", "failure", id="2.10-state the name of the shown state"
        ),
        pytest.param({"state": ""}, "Invalid state provided.", "failure", id="2.10-state none"),
        pytest.param(
            {"app_slug": "x"}, "Failed to get workspace app.", 'No app found with slug "x"', id="2.10-slug another app"
        ),
        pytest.param({"uri": "x" * 2049}, "Validation failed.", "", id="address too long"),
        pytest.param({"message": 3}, "Validation failed.", "", id="message that is not a string"),
        pytest.param({"prompt_sha256": "xyz"}, "Validation failed.", "", id="invalid hash"),
        pytest.param({"more": "x" * 20_000}, "The request's body is too large.", "", id="body too large"),
    ],
)
def test_a_bad_report_is_refused_with_its_fault(
    client: httpx.Client, workspace: Workspace, token: str, fields: dict[str, Any], message: str, detail: str
) -> None:
    response = report(client, token, **fields)
    assert (response.status_code, response.json()["message"]) == (400, message)
    assert detail in response.json().get("detail", "")
    assert "state" not in workspace.task_status()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"message": "\xff"}', id="not UTF-8"),
        pytest.param(b"[" * 16_000, id="nested too deeply"),
        pytest.param(b'{"message": NaN}', id="NaN"),
    ],
)
def test_a_report_that_is_not_json_is_refused(client: httpx.Client, token: str, body: bytes) -> None:
    response = client.patch(PATH, headers={"Authorization": f"Bearer {token}"}, content=body)
    assert (response.status_code, response.json()["message"]) == (400, "Request body must be valid JSON.")


def test_the_key_of_another_pod_is_refused(client: httpx.Client, workspace: Workspace, token: str) -> None:
    other = enroll(client, workspace.running_task("other").token).json()["token"]
    forged = token.rpartition(".")[0] + "." + other.rpartition(".")[2]
    assert report(client, forged).status_code == 401


def test_a_token_that_names_another_tasks_build_is_refused(
    client: httpx.Client, workspace: Workspace, token: str
) -> None:
    workspace.running_task("other")
    assert report(client, token.replace("/hello-1/", "/other-1/")).status_code == 401
    assert "state" not in workspace.task_status("other")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x", id="garbage"),
        pytest.param("../../secrets/x." + "0" * 64, id="path"),
        pytest.param("a/b/c." + "0" * 64, id="wrong key"),
    ],
)
def test_an_invalid_token_is_refused(client: httpx.Client, token: str) -> None:
    assert report(client, token).status_code == 401


def test_a_pod_that_was_replaced_may_not_change_the_state(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    workspace.build(running.task, 2, reason="Recover")
    response = report(client, token)
    assert (response.status_code, response.json()["message"]) == (409, "A newer build has replaced this Pod.")
    assert "state" not in workspace.task_status()


def test_a_pod_that_is_being_stopped_still_reports(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    workspace.build(running.task, 2, transition="Stop", reason="ManualPause")
    assert report(client, token, state="idle").status_code == 200
    assert workspace.task_status()["state"]["build"] == 1


def test_a_pod_stopped_and_started_again_as_another_is_replaced(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    workspace.build(running.task, 2, transition="Stop", reason="ManualPause")
    workspace.build(running.task, 3, transition="Start", reason="Resume")
    workspace.build(running.task, 4, transition="Stop", reason="ManualPause")
    assert report(client, token).status_code == 409


def test_after_its_tasks_deletion_the_token_is_invalid(client: httpx.Client, workspace: Workspace, token: str) -> None:
    workspace.admin.delete(workspace.path("tasks", "hello"))
    assert report(client, token).status_code == 401


def test_reports_and_operator_may_write_at_the_same_time(
    client: httpx.Client, workspace: Workspace, token: str
) -> None:
    for number in range(10):
        workspace.patch_task("hello", {"phase": ("Active", "Initializing")[number % 2]})
        assert report(client, token, message=f"step {number}").status_code == 200
    assert workspace.task_status()["state"]["message"] == "step 9"


def test_what_keeps_the_prompt_from_the_agent_comes_and_goes(
    client: httpx.Client, workspace: Workspace, token: str
) -> None:
    """T2"""
    starting = {"reason": "NotReading", "message": "npm runs"}
    assert report(client, token, starting=starting).status_code == 200
    assert workspace.task_status()["workspace"]["starting"] == starting
    report(client, token, state="idle")
    assert workspace.task_status()["workspace"]["starting"] == starting
    report(client, token, state="idle", starting=None)
    assert "starting" not in workspace.task_status()["workspace"]
    assert report(client, token, starting={"reason": "Not Reading"}).status_code == 400
