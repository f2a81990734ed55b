"""An enrolled sidecar stores snapshots of the conversation."""

import json
import uuid
from typing import Any

import httpx
import pytest

from integration.gateway.workspace import RunningTask, Workspace

NOT_FOUND = "Resource not found or you do not have access to this resource"
MESSAGES = [
    {"id": 0, "content": "$ \x1b[1mready\x1b[0m", "role": "agent", "time": "2026-01-01T00:00:00Z"},
    {"id": 1, "content": "say héllo", "role": "user", "time": "2026-01-01T00:00:01Z"},
]


def path_of(running: RunningTask) -> str:
    return f"/api/v2/workspaceagents/me/tasks/{running.task['metadata']['uid']}/log-snapshot"


def upload(client: httpx.Client, path: str, token: str, body: Any, query: str = "?format=agentapi") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path + query, headers={"Authorization": f"Bearer {token}"}, content=content)


def config_map(workspace: Workspace, name: str = "hello-snapshot") -> dict[str, Any] | None:
    return workspace.admin.find(workspace.path("configmaps", name, group="/api/v1"))


def test_a_snapshot_is_kept_in_a_config_map_that_goes_with_the_task(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """2.9-stored, 1-delete."""
    response = upload(client, path_of(running), token, {"messages": MESSAGES})

    assert (response.status_code, response.content) == (204, b"")
    stored = config_map(workspace)
    assert stored is not None
    document = stored["data"]["snapshot.json"]
    assert json.loads(document) == {"format": "agentapi", "data": {"messages": MESSAGES}}
    assert stored["data"]["log.txt"] == (
        "agent 2026-01-01T00:00:00Z\n$ ready\n\nuser 2026-01-01T00:00:01Z\nsay héllo\n"
    )
    assert stored["metadata"]["labels"]["taskyard.dev/task"] == "hello"
    assert stored["metadata"]["labels"]["taskyard.dev/template"] == "shell"
    (owner,) = stored["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Task", running.task["metadata"]["uid"], True)
    assert not owner.get("blockOwnerDeletion")
    summary = workspace.task_status()["snapshot"]
    assert summary.pop("takenAt").endswith("Z")
    assert summary == {
        "configMap": "hello-snapshot",
        "messages": 2,
        "bytes": len(document.encode()),
        "truncated": False,
    }


def test_a_later_snapshot_takes_the_place_of_the_earlier(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """2.9-stored."""
    upload(client, path_of(running), token, {"messages": MESSAGES})
    assert upload(client, path_of(running), token, {"messages": [], "truncated": True}).status_code == 204
    stored = config_map(workspace)
    assert stored is not None
    assert json.loads(stored["data"]["snapshot.json"])["data"] == {"messages": []}
    summary = workspace.task_status()["snapshot"]
    assert (summary["messages"], summary["truncated"]) == (0, True)


def test_the_largest_body_that_is_taken_fits_into_the_snapshot(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    frame = {"messages": [{"id": 1, "content": "", "role": "agent", "time": ""}]}
    frame["messages"][0]["content"] = "x" * (65_536 - len(json.dumps(frame)))
    body = json.dumps(frame).encode()
    assert len(body) == 65_536

    assert upload(client, path_of(running), token, body).status_code == 204
    summary = workspace.task_status()["snapshot"]
    assert 65_000 < summary["bytes"] <= 65_536


def test_the_last_snapshot_is_taken_while_the_pod_is_stopped(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    workspace.build(running.task, 2, transition="Stop", reason="ManualPause")
    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code == 204


@pytest.mark.parametrize(
    ("query", "message", "detail"),
    [
        pytest.param("", "Invalid query parameters.", "format", id="no format"),
        pytest.param("?format=", "Invalid query parameters.", "format", id="empty format"),
        pytest.param("?format=agentapi&x=1", "Invalid query parameters.", "format", id="an additional parameter"),
        pytest.param("?format=agentapi&format=agentapi", "Invalid query parameters.", "format", id="format twice"),
        pytest.param(
            "?format=x",
            "Invalid format parameter.",
            'Only "agentapi" format is currently supported, got "x".',
            id="2.9-3 another format",
        ),
    ],
)
def test_a_bad_query_is_refused(
    client: httpx.Client, running: RunningTask, token: str, query: str, message: str, detail: str
) -> None:
    """2.9-2."""
    response = upload(client, path_of(running), token, {"messages": []}, query)
    assert (response.status_code, response.json()["message"]) == (400, message)
    assert detail in response.json()["detail"]


def test_a_task_id_that_is_no_uuid_comes_before_the_query(client: httpx.Client, token: str) -> None:
    """2.9-1."""
    response = upload(client, "/api/v2/workspaceagents/me/tasks/hello/log-snapshot", token, {}, "?x=1")
    assert (response.status_code, response.json()["message"]) == (400, "Invalid task ID format.")


def test_another_task_is_not_found_before_the_body_is_read(
    client: httpx.Client, workspace: Workspace, token: str
) -> None:
    """2.9-4."""
    other = workspace.task("other")
    for uid in (other["metadata"]["uid"], str(uuid.uuid4())):
        response = upload(client, f"/api/v2/workspaceagents/me/tasks/{uid}/log-snapshot", token, b"x" * 100_000)
        assert (response.status_code, response.json()) == (404, {"message": NOT_FOUND})


@pytest.mark.parametrize(
    ("body", "message", "detail"),
    [
        pytest.param(b"x" * 65_537, "Failed to decode request payload.", "65536", id="2.9-5 one byte too large"),
        pytest.param(b"{", "Failed to decode request payload.", "", id="2.9-5 bad JSON"),
        pytest.param(b"[" * 60_000, "Failed to decode request payload.", "nested", id="nested too deeply"),
        pytest.param(b"[]", "Failed to decode request payload.", "object", id="a list"),
        pytest.param(
            b"{}", "Invalid agentapi payload structure.", 'Missing required "messages" field.', id="2.9-6 no messages"
        ),
        pytest.param(
            b'{"messages": null}',
            "Invalid agentapi payload structure.",
            'Missing required "messages" field.',
            id="2.9-6 messages null",
        ),
        pytest.param(b'{"messages": [{}]}', "Invalid agentapi payload structure.", "", id="an empty message"),
        pytest.param(
            b'{"messages": [{"id": 1, "content": "x", "role": "robot"}]}',
            "Invalid agentapi payload structure.",
            "",
            id="unknown role",
        ),
    ],
)
def test_a_bad_payload_is_refused(
    client: httpx.Client,
    workspace: Workspace,
    running: RunningTask,
    token: str,
    body: bytes,
    message: str,
    detail: str,
) -> None:
    response = upload(client, path_of(running), token, body)
    assert (response.status_code, response.json()["message"]) == (400, message)
    assert detail in response.json().get("detail", "")
    assert config_map(workspace) is None


def test_a_body_without_announced_length_is_bounded_too(client: httpx.Client, running: RunningTask, token: str) -> None:
    response = client.post(
        path_of(running) + "?format=agentapi",
        headers={"Authorization": f"Bearer {token}"},
        content=(b"x" * 10_000 for _ in range(10)),
    )
    assert (response.status_code, response.json()["message"]) == (400, "Failed to decode request payload.")


def test_halves_of_surrogate_pairs_are_stored_as_question_marks(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """K15: also in a time, which is text too."""
    body = b'{"messages": [{"id": 1, "content": "a\\ud800b", "role": "agent", "time": "\\udc00"}]}'
    assert upload(client, path_of(running), token, body).status_code == 204
    stored = config_map(workspace)
    assert stored is not None
    [message] = json.loads(stored["data"]["snapshot.json"])["data"]["messages"]
    assert (message["content"], message["time"]) == ("a?b", "?")


def test_a_config_map_that_is_not_the_tasks_is_never_touched(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    name = "hello-snapshot"
    workspace.admin.create(
        workspace.path("configmaps", group="/api/v1"), {"metadata": {"name": name}, "data": {"mine": "yes"}}
    )
    response = upload(client, path_of(running), token, {"messages": MESSAGES})
    assert (response.status_code, response.json()["message"]) == (
        409,
        'ConfigMap "hello-snapshot" is not this Task\'s.',
    )
    stored = config_map(workspace)
    assert stored is not None
    assert stored["data"] == {"mine": "yes"}
    assert "snapshot" not in workspace.task_status()


def test_what_a_former_task_of_the_name_left_is_taken_over(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """Garbage collection may be late, or may have mistaken the new Task for the earlier one."""
    upload(client, path_of(running), token, {"messages": MESSAGES})
    path = workspace.path("configmaps", "hello-snapshot", group="/api/v1")
    (owner,) = workspace.admin.get(path)["metadata"]["ownerReferences"]
    workspace.admin.patch(
        path, {"metadata": {"ownerReferences": [owner | {"uid": str(uuid.uuid4())}]}, "data": {"log.txt": "old"}}
    )
    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code == 204
    stored = config_map(workspace)
    assert stored is not None
    assert stored["metadata"]["ownerReferences"] == [owner]
    assert stored["data"]["log.txt"] != "old"


SAID = {"id": 2, "content": "héllo", "role": "agent", "time": "2026-01-01T00:00:02Z"}
STRANGERS = [{"id": 1, "content": "say héllo", "role": "user", "time": "2025-12-31T00:00:01Z"}]


@pytest.mark.parametrize(
    ("messages", "labels", "is_taken"),
    [
        pytest.param(MESSAGES, {"taskyard.dev/task": "hello"}, True, id="the same conversation"),
        pytest.param(STRANGERS, {"taskyard.dev/task": "hello"}, False, id="another conversation"),
        pytest.param([], {"taskyard.dev/task": "hello"}, False, id="nothing in common"),
        pytest.param(MESSAGES, {"taskyard.dev/task": "site"}, False, id="of a Task of another name"),
        pytest.param(MESSAGES, {}, False, id="without labels"),
    ],
)
def test_a_restored_snapshot_is_taken_over_by_the_task_whose_home_has_the_same_conversation(
    client: httpx.Client,
    workspace: Workspace,
    running: RunningTask,
    token: str,
    messages: list[Any],
    labels: dict[str, str],
    is_taken: bool,
) -> None:
    """K3."""
    document = json.dumps({"format": "agentapi", "data": {"messages": messages}})
    left = {"metadata": {"name": "hello-snapshot", "labels": labels}, "data": {"snapshot.json": document}}
    workspace.admin.create(workspace.path("configmaps", group="/api/v1"), left)
    response = upload(client, path_of(running), token, {"messages": [*MESSAGES, SAID]})
    assert response.status_code == (204 if is_taken else 409)
    stored = config_map(workspace)
    assert stored is not None
    owners = [owner["uid"] for owner in stored["metadata"].get("ownerReferences", ())]
    assert owners == ([running.task["metadata"]["uid"]] if is_taken else [])
    assert (stored["data"]["snapshot.json"] == document) is not is_taken


def test_a_config_map_that_may_not_be_changed_is_an_internal_error(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """2.9-7."""
    upload(client, path_of(running), token, {"messages": []})
    workspace.admin.patch(workspace.path("configmaps", "hello-snapshot", group="/api/v1"), {"immutable": True})
    response = upload(client, path_of(running), token, {"messages": MESSAGES})
    assert (response.status_code, response.json()["message"]) == (500, "Internal error storing snapshot.")
    assert "immutable" in response.json()["detail"]


def test_without_a_token_and_after_deletion_the_answer_is_401(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """2.9-token."""
    assert client.post(path_of(running)).status_code == 401
    workspace.admin.delete(workspace.path("tasks", "hello"))
    assert upload(client, path_of(running), token, {"messages": []}).status_code == 401
