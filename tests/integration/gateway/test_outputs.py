"""An enrolled sidecar stores the values that its agent has set."""

from typing import Any

import httpx
import pytest

from integration.gateway.workspace import Workspace

PATH = "/api/v1alpha1/outputs"


def store(client: httpx.Client, token: str, **values: Any) -> httpx.Response:
    outputs = [{"name": name, "value": value} for name, value in values.items()]
    return client.patch(PATH, headers={"Authorization": f"Bearer {token}"}, json={"outputs": outputs})


def test_values_are_added_and_replaced(client: httpx.Client, workspace: Workspace, token: str) -> None:
    assert store(client, token, pr="1", text="a\n\x1b[1mb").status_code == 200
    assert store(client, token, branch="x", pr="2").status_code == 200
    assert workspace.task_status()["outputs"] == [
        {"name": "pr", "value": "2"},
        {"name": "text", "value": "a\nb"},
        {"name": "branch", "value": "x"},
    ]
    version = workspace.admin.get(workspace.path("tasks", "hello"))["metadata"]["resourceVersion"]
    assert store(client, token, branch="x", pr="2").status_code == 200
    assert workspace.admin.get(workspace.path("tasks", "hello"))["metadata"]["resourceVersion"] == version


def test_there_are_at_most_sixteen(client: httpx.Client, workspace: Workspace, token: str) -> None:
    assert store(client, token, **{f"v{number}": "x" * 1024 for number in range(16)}).status_code == 200
    refused = store(client, token, another="x")
    assert (refused.status_code, refused.json()["message"]) == (400, "Too many outputs.")
    assert store(client, token, v3="changed").status_code == 200
    assert len(workspace.task_status()["outputs"]) == 16


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"a b": "x"}, id="name"),
        pytest.param({"": "x"}, id="empty name"),
        pytest.param({"a" * 64: "x"}, id="long name"),
        pytest.param({"a": "ü" * 513}, id="long value"),
        pytest.param({"a": 1}, id="number"),
        pytest.param({f"v{number}": "" for number in range(17)}, id="many"),
    ],
)
def test_an_invalid_output_is_refused(client: httpx.Client, token: str, values: dict[str, Any]) -> None:
    assert store(client, token, **values).status_code == 400


def test_only_a_sidecar_may_store(client: httpx.Client, token: str) -> None:
    assert store(client, token[:-1] + ("0" if token[-1] != "0" else "1"), a="x").status_code == 401
