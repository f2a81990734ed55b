"""Sections 2.4, 2.5 and 2.8 of the contract: delete, edit, pause and resume, row by row."""

import json
from typing import Any

import pytest

from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, active, build, paused

BUILD_ACTIVE = "A workspace build is already active."


def spec(ns: RestNamespace) -> Any:
    return ns.admin.get(ns.workspace.path("tasks", "hello"))["spec"]


def test_delete(ns: RestNamespace) -> None:
    """2.4-delete."""
    ns.task()
    answer = ns.owner.delete("/tasks/me/hello")
    assert (answer.status_code, answer.content) == (202, b"")
    assert ns.admin.find(ns.workspace.path("tasks", "hello")) is None
    assert ns.owner.get("/tasks/me/hello").json() == NOT_FOUND
    assert ns.owner.delete("/tasks/me/hello").json() == NOT_FOUND


@pytest.mark.parametrize("text", [pytest.param("", id="2.5-empty"), pytest.param(" \n", id="2.5-empty blank")])
def test_a_prompt_is_required(ns: RestNamespace, text: str) -> None:
    ns.task(status=paused())
    answer = ns.owner.patch("/tasks/me/hello/input", json={"input": text})
    assert (answer.status_code, answer.json()) == (400, {"message": "Task input is required."})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\ud800b", id="2.5-text half of a surrogate pair"),
        pytest.param("a\0b", id="2.5-text NUL"),
        pytest.param("a" * 65_537, id="2.5-text too long"),
    ],
)
def test_a_prompt_that_cannot_be_stored_is_refused(ns: RestNamespace, text: str) -> None:
    """K15."""
    ns.task(status=paused())
    answer = ns.owner.patch("/tasks/me/hello/input", content=json.dumps({"input": text}))
    assert (answer.status_code, answer.json()["message"]) == (400, "Task input is not valid.")
    assert [fault["field"] for fault in answer.json()["validations"]] == ["input"]
    assert ns.owner.get("/tasks/me/hello").json()["initial_prompt"] == "say hello"


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(active(), id="2.5-paused active"),
        pytest.param({"phase": "Pausing", "build": build(2, "Stop", "Running")}, id="2.5-paused pausing"),
        pytest.param({"phase": "Error", "build": build(phase="Failed")}, id="2.5-paused error"),
    ],
)
def test_the_prompt_of_a_task_that_is_not_paused_stays(ns: RestNamespace, status: Any) -> None:
    ns.task(status=status)
    answer = ns.owner.patch("/tasks/me/hello/input", json={"input": "other"})
    assert answer.status_code == 409
    assert answer.json() == {
        "message": "Unable to update task input, task must be paused.",
        "detail": "Please stop the task's workspace before updating the input.",
    }


def test_the_prompt_of_a_paused_task_changes_untrimmed(ns: RestNamespace) -> None:
    """2.5-edit."""
    ns.task(status=paused())
    answer = ns.owner.patch("/tasks/me/hello/input", json={"input": "  other\n"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert spec(ns)["prompt"] == "  other\n"
    assert ns.owner.get("/tasks/me/hello").json()["initial_prompt"] == "  other\n"


def test_pause(ns: RestNamespace) -> None:
    """2.8-build, 1-reasons: a stop build is requested."""
    task = ns.task(status=active())
    answer = ns.owner.post("/tasks/me/hello/pause")
    assert answer.status_code == 202
    asked = answer.json()["workspace_build"]
    assert (asked["build_number"], asked["transition"], asked["reason"]) == (2, "stop", "task_manual_pause")
    assert (asked["workspace_id"], asked["job"]["status"]) == (task["metadata"]["uid"], "pending")
    assert spec(ns)["paused"] is True
    path = f"/workspacebuilds/{asked['id']}"
    # Also while the operator has not begun with it.
    assert ns.owner.get(path).json() == asked
    ns.workspace.patch_task("hello", paused())
    found = ns.wait(path, lambda answer: answer.json()["job"]["status"] != "pending").json()
    assert (found["build_number"], found["job"]["status"]) == (2, "succeeded")


def test_pausing_what_is_paused_asks_for_no_second_build(ns: RestNamespace) -> None:
    """2.8-twice."""
    ns.task(status=paused())
    answer = ns.owner.post("/tasks/me/hello/pause")
    assert answer.status_code == 202
    assert answer.json()["workspace_build"]["build_number"] == 2


def test_resume(ns: RestNamespace) -> None:
    """2.8-build, 1-reasons: a start build is requested."""
    ns.task(status=paused())
    ns.owner.post("/tasks/me/hello/pause")
    answer = ns.owner.post("/tasks/me/hello/resume")
    assert answer.status_code == 202
    asked = answer.json()["workspace_build"]
    assert (asked["build_number"], asked["transition"], asked["reason"]) == (3, "start", "task_resume")
    task = ns.admin.get(ns.workspace.path("tasks", "hello"))
    assert task["spec"]["paused"] is False
    assert task["metadata"]["annotations"]["taskyard.dev/resumed-at"]


def test_a_running_workspace_is_not_resumed(ns: RestNamespace) -> None:
    """2.8-running."""
    ns.task(status=active())
    answer = ns.owner.post("/tasks/me/hello/resume")
    assert answer.status_code == 409
    assert answer.json() == {
        "message": "Task workspace is already running.",
        "detail": 'Workspace status is "running".',
    }


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(
            {"phase": "Error", "build": build(phase="Failed"), "workspace": {"status": "Failed"}}, id="failed"
        ),
        pytest.param(
            {"phase": "Error", "build": build(phase="Canceled"), "workspace": {"status": "Failed"}}, id="canceled"
        ),
    ],
)
def test_every_other_workspace_may_be_resumed(ns: RestNamespace, status: Any) -> None:
    """2.8-other."""
    ns.task(status=status)
    answer = ns.owner.post("/tasks/me/hello/resume")
    assert (answer.status_code, answer.json()["workspace_build"]["build_number"]) == (202, 2)


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"phase": "Pending", "build": build(phase="Pending")}, id="2.8-active build pending"),
        pytest.param({"phase": "Initializing", "build": build(phase="Running")}, id="2.8-active build running"),
        pytest.param({"phase": "Pausing", "build": build(2, "Stop", "Running")}, id="2.8-active stop in flight"),
        pytest.param(None, id="2.8-active before the first build"),
    ],
)
def test_while_a_build_is_active_no_other_is_asked_for(ns: RestNamespace, verb: str, status: Any) -> None:
    ns.task(status=status)
    before = spec(ns)
    answer = ns.owner.post(f"/tasks/me/hello/{verb}")
    assert (answer.status_code, answer.json()["message"]) == (409, BUILD_ACTIVE)
    assert spec(ns) == before
