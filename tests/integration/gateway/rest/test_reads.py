"""Sections 2.2, 2.3 and 3 of the contract, and other reads: lists, single Tasks, status and current state."""

from typing import Any

import pytest

from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, active, build, paused
from manifests import template, template_version


def test_a_list_is_newest_first_and_counts(ns: RestNamespace) -> None:
    """2.2-list."""
    for name in ("one", "two"):
        ns.task(name)
    answer = ns.owner.get("/tasks")
    assert answer.status_code == 200
    assert answer.json()["count"] == 2
    stamps = [task["created_at"] for task in answer.json()["tasks"]]
    assert stamps == sorted(stamps, reverse=True)


def test_a_task_whose_template_is_gone_does_not_fail_the_list(ns: RestNamespace) -> None:
    """2.2-whole."""
    ns.task("one")
    ns.admin.delete(ns.workspace.path("templateversions", "shell-v1"))
    answer = ns.wait("/tasks", lambda answer: answer.json()["tasks"][0]["template_name"] == "")
    assert answer.json()["tasks"][0]["template_version_id"] == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["idle", "still"], id="2.2-nothing no filter"),
        pytest.param("owner:me", ["idle", "still"], id="2.2-owner me"),
        pytest.param("owner:{namespace}", ["idle", "still"], id="2.2-owner by name"),
        pytest.param('"{namespace}"', ["idle", "still"], id="2.2-bare a bare word is an owner"),
        pytest.param("owner:{uid}", ["idle", "still"], id="2.2-owner by UUID"),
        pytest.param("organization:default", ["idle", "still"], id="2.2-organization by name"),
        pytest.param("organization:{organization}", ["idle", "still"], id="2.2-organization by UUID"),
        pytest.param("status:paused", ["still"], id="2.2-status"),
        pytest.param("STATUS:Active owner:me", ["idle"], id="2.2-case capitals, two keys"),
        pytest.param("status:error", [], id="2.2-status that none has"),
    ],
)
def test_a_list_by_query(ns: RestNamespace, query: str, found: list[str]) -> None:
    ns.task("still", status=paused())
    ns.task("idle", status=active())
    uid = ns.admin.get(f"/api/v1/namespaces/{ns.name}")["metadata"]["uid"]
    organization = ns.owner.get("/organizations").json()[0]["id"]
    text = query.format(namespace=ns.name, uid=uid, organization=organization)
    answer = ns.owner.get("/tasks", params={"q": text})
    assert sorted(task["name"] for task in answer.json()["tasks"]) == found


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        pytest.param(
            "owner:nobody-at-all",
            "owner",
            'user "nobody-at-all" either does not exist, or you are unauthorized to view them',
            id="2.2-owner unknown",
        ),
        pytest.param(
            "owner:kube-system",
            "owner",
            'user "kube-system" either does not exist, or you are unauthorized to view them',
            id="2.2-owner whose Tasks may not be listed",
        ),
        pytest.param(
            "organization:other",
            "organization",
            'organization "other" either does not exist, or you are unauthorized to view them',
            id="2.2-organization unknown",
        ),
        pytest.param("status:bogus", "status", "bogus", id="2.2-status bogus: checked"),
        pytest.param(":a", "q", "Query element \":a\" cannot start or end with ':'", id="2.2-colon begins with one"),
        pytest.param("a:", "q", "Query element \"a:\" cannot start or end with ':'", id="2.2-colon ends with one"),
        pytest.param("a:b:c", "q", "Query element \"a:b:c\" can only contain 1 ':'", id="2.2-colons two"),
        pytest.param("colour:red", "colour", '"colour" is not a valid query param', id="2.2-key unknown"),
    ],
)
def test_400_for_a_query_that_is_none(ns: RestNamespace, query: str, field: str, detail: str) -> None:
    answer = ns.owner.get("/tasks", params={"q": query})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid task search query."
    assert answer.json()["validations"][0]["field"] == field
    assert detail in answer.json()["validations"][0]["detail"]


def test_a_path_without_a_name(ns: RestNamespace) -> None:
    """2-empty."""
    answer = ns.owner.get("/tasks/me/")
    assert (answer.status_code, answer.json()) == (400, {"message": '"task" must be provided.'})


def test_a_task_by_name_in_capitals_or_by_uid_whatever_the_user_is(ns: RestNamespace) -> None:
    """2-uuid, 2-name, 2-user."""
    uid = ns.task()["metadata"]["uid"]
    for path in ("me/hello", "me/HELLO", f"{ns.name}/hello", f"me/{uid}", f"nobody-at-all/{uid.upper()}"):
        assert ns.owner.get(f"/tasks/{path}").json()["id"] == uid, path
    assert ns.owner.get("/tasks/kube-system/hello").json() == NOT_FOUND


@pytest.mark.parametrize(
    ("phase", "shown"),
    [
        pytest.param("Pending", "pending", id="pending"),
        pytest.param("Initializing", "initializing", id="initializing"),
        pytest.param("Active", "active", id="active"),
        pytest.param("Pausing", "unknown", id="pausing"),
        pytest.param("Paused", "paused", id="paused"),
        pytest.param("Unknown", "unknown", id="unknown"),
        pytest.param("Error", "error", id="error"),
    ],
)
def test_status(ns: RestNamespace, phase: str, shown: str) -> None:
    """1-status, 3-overall."""
    ns.task(status={"phase": phase, "build": build()})
    assert ns.wait("/tasks/me/hello", lambda answer: answer.json()["status"] == shown)


def test_an_active_task_tells_of_its_agent(ns: RestNamespace) -> None:
    """1-agent."""
    ns.task(status=active())
    task = ns.owner.get("/tasks/me/hello").json()
    assert (task["workspace_status"], task["workspace_build_number"]) == ("running", 1)
    assert (task["workspace_agent_lifecycle"], task["workspace_agent_health"]) == ("ready", {"healthy": True})
    assert task["workspace_agent_id"]
    assert task["workspace_app_id"]
    assert task["updated_at"] == "2026-01-01T00:00:00.000000Z"
    agents = ns.owner.get(f"/workspaces/{task['workspace_id']}").json()["latest_build"]["resources"][0]["agents"]
    assert [(agent["id"], agent["apps"][0]["id"]) for agent in agents] == [
        (task["workspace_agent_id"], task["workspace_app_id"])
    ]


def state(word: str, number: int) -> Any:
    return {"state": word, "message": "m", "uri": "", "timestamp": "2026-01-02T00:00:00Z", "build": number}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        pytest.param(active() | {"state": state("Idle", 1)}, "idle", id="3-last of this build"),
        pytest.param(active() | {"state": state("Complete", 1)}, "complete", id="1-state the wire says complete"),
        pytest.param(active() | {"state": state("Failed", 1)}, "failed", id="1-state failure is shown as failed"),
        pytest.param(active() | {"state": state("Idle", 0)}, None, id="3-stale of an earlier start"),
        pytest.param(
            paused() | {"state": state("Working", 1)}, "working", id="3-last paused Tasks keep their last word"
        ),
        pytest.param(active(), None, id="3-null none"),
    ],
)
def test_current_state(ns: RestNamespace, status: Any, shown: str | None) -> None:
    ns.task(status=status)
    found = ns.owner.get("/tasks/me/hello").json()["current_state"]
    assert (found and found["state"]) == shown
    if found:
        assert found == {"timestamp": "2026-01-02T00:00:00Z", "state": shown, "message": "m", "uri": ""}


def test_users_and_organizations(ns: RestNamespace, other_ns: RestNamespace) -> None:
    me = ns.owner.get("/users/me").json()
    assert me["username"] == ns.name
    assert me["name"] == f"system:serviceaccount:{ns.name}:owner"
    [organization] = ns.owner.get("/organizations").json()
    assert me["organization_ids"] == [organization["id"]]
    assert ns.owner.get(f"/users/{me['id']}").json() == me
    for hidden in (other_ns.name, "no-such-ns"):
        answer = ns.owner.get(f"/users/{hidden}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_templates_versions_and_presets(ns: RestNamespace, other_ns: RestNamespace) -> None:
    ns.admin.create(ns.workspace.path("templateversions"), template_version("shell-v2"))
    ns.admin.create(ns.workspace.path("templates"), template("shell-v1"))
    ns.wait("/templateversions/shell-v2", lambda answer: answer.status_code == 200)
    uid = ns.version["metadata"]["uid"]
    [found] = ns.wait("/templates", lambda answer: answer.json()[0]["active_version_id"] == uid).json()
    assert (found["name"], found["active_version_id"]) == ("shell", uid)
    version = ns.owner.get(f"/templateversions/{uid}").json()
    assert (version["name"], version["template_id"], version["has_ai_task"]) == ("shell-v1", found["id"], True)
    presets = ns.owner.get(f"/templateversions/{uid}/presets").json()
    assert [(preset["Name"], preset["Default"]) for preset in presets] == [("large", True), ("small", False)]
    for path in (f"/templateversions/{uid}", f"/templateversions/{uid}/presets", f"/templates/{found['id']}"):
        assert other_ns.owner.get(path).json() == NOT_FOUND


def test_presets_that_are_too_large_to_be_kept_are_read(ns: RestNamespace, other_ns: RestNamespace) -> None:
    parameters = [{"name": f"notes-{number}"} for number in range(4)]
    values = [{"name": entry["name"], "value": "é" * 4_000} for entry in parameters]
    presets = [{"name": "long", "description": "Notes", "parameters": values}, {"name": "short", "default": True}]
    ns.admin.create(
        ns.workspace.path("templateversions"), template_version("shell-v2", parameters=parameters, presets=presets)
    )
    uid = ns.wait("/templateversions/shell-v2", lambda answer: answer.status_code == 200).json()["id"]
    long, short = ns.owner.get(f"/templateversions/{uid}/presets").json()
    assert (long["Name"], long["Description"], long["Default"]) == ("long", "Notes", False)
    assert long["Parameters"] == [{"Name": entry["name"], "Value": entry["value"]} for entry in values]
    assert (short["Name"], short["Parameters"], short["Default"]) == ("short", [], True)
    assert other_ns.owner.get(f"/templateversions/{uid}/presets").json() == NOT_FOUND


def test_workspaces_and_builds(ns: RestNamespace, other_ns: RestNamespace) -> None:
    task = ns.task(status=active())
    workspace = ns.owner.get(f"/workspaces/{task['metadata']['uid']}").json()
    latest = workspace["latest_build"]
    assert (latest["build_number"], latest["transition"], latest["status"]) == (1, "start", "running")
    assert latest["job"]["status"] == "succeeded"
    assert ns.owner.get(f"/workspacebuilds/{latest['id']}").json() == latest
    for path in (f"/workspaces/{workspace['id']}", f"/workspacebuilds/{latest['id']}"):
        assert other_ns.owner.get(path).json() == NOT_FOUND
    assert ns.owner.get("/workspaces/nothing").json() == NOT_FOUND


def test_the_build_of_a_pause_that_nobody_asked_for_says_so(ns: RestNamespace) -> None:
    """5-reason, 1-reasons."""
    stopped = paused()
    task = ns.task(status={**stopped, "build": {**stopped["build"], "reason": "AutoPause"}})
    latest = ns.owner.get(f"/workspaces/{task['metadata']['uid']}").json()["latest_build"]
    assert (latest["transition"], latest["reason"]) == ("stop", "task_auto_pause")


def test_buildinfo(ns: RestNamespace) -> None:
    with ns.client() as anonymous:
        assert anonymous.get("/buildinfo").json()["version"].startswith("v")
