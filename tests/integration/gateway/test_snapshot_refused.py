"""Snapshots that the API server refuses: the Task says that its conversation is not stored, and why."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from integration.gateway.test_log_snapshot import MESSAGES, config_map, path_of, upload
from integration.gateway.workspace import RunningTask, Workspace
from integration.quota import put_quota, wait_refused
from kube import Kube

ASKED = {
    "type": "InputRequired",
    "status": "True",
    "reason": "PermissionRequested",
    "message": "The agent asks: may I?",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def told(workspace: Workspace) -> dict[str, Any] | None:
    conditions = workspace.task_status().get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "ConversationStored"), None)


def version(workspace: Workspace) -> str:
    return str(workspace.admin.get(workspace.path("tasks", "hello"))["metadata"]["resourceVersion"])


def test_a_quota_that_keeps_the_conversation_from_being_stored_is_told_until_it_is_stored_again(
    kube: Kube, client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """K13."""
    workspace.patch_task("hello", {"conditions": [ASKED]})
    put_quota(kube, workspace.namespace, {"count/configmaps": "1"}, used="1")
    wait_refused(kube, "configmaps", workspace.namespace, {"metadata": {"name": "x"}}, "exceeded quota")

    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code == 500
    condition = told(workspace)
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "QuotaExceeded")
    assert 'configmaps "hello-snapshot" is forbidden: exceeded quota: few' in condition["message"]
    assert workspace.task_status()["conditions"][0] == ASKED, "the conditions of others stay"

    before = version(workspace)
    put_quota(kube, workspace.namespace, {"count/configmaps": "2"}, used="2")
    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code == 500
    assert version(workspace) == before, "a retry is no reason to write"

    put_quota(kube, workspace.namespace, {"count/configmaps": "9"}, used="1")
    end = time.monotonic() + 10
    while upload(client, path_of(running), token, {"messages": MESSAGES}).status_code != 204:
        assert time.monotonic() < end, told(workspace)
        time.sleep(0.1)
    condition = told(workspace)
    assert condition is not None and (condition["status"], condition["reason"]) == ("True", "SnapshotStored")
    assert config_map(workspace) is not None
    assert workspace.task_status()["snapshot"]["messages"] == 2


@pytest.mark.parametrize(
    ("exists", "reason", "says"),
    [
        pytest.param({"data": {"mine": "yes"}}, "NameConflict", "exists and is not this Task's", id="a stranger's"),
        pytest.param(None, "ConfigMapRefused", "field is immutable when `immutable` is set", id="immutable"),
    ],
)
def test_any_other_refusal_is_told_too(
    client: httpx.Client,
    workspace: Workspace,
    running: RunningTask,
    token: str,
    exists: dict[str, Any] | None,
    reason: str,
    says: str,
) -> None:
    """K13."""
    path = workspace.path("configmaps", group="/api/v1")
    if exists is None:
        upload(client, path_of(running), token, {"messages": []})
        workspace.admin.patch(f"{path}/hello-snapshot", {"immutable": True})
    else:
        workspace.admin.create(path, {"metadata": {"name": "hello-snapshot"}, **exists})
    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code in (409, 500)
    condition = told(workspace)
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert says in condition["message"]


def test_a_conversation_that_is_stored_needs_no_condition(
    client: httpx.Client, workspace: Workspace, running: RunningTask, token: str
) -> None:
    """K13."""
    assert upload(client, path_of(running), token, {"messages": MESSAGES}).status_code == 204
    assert told(workspace) is None
