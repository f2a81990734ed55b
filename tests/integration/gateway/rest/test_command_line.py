"""Section 7 of the contract: the requests of the model system's own command line, command by command, as its version
2.30 makes them, and those of 2.31 for pausing and resuming."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import NOT_FOUND, Agent, RestNamespace, active, build, paused
from integration.gateway.rest.websocketclient import CLOSE, PING, PONG, TEXT, WebSocket
from manifests import template_version
from taskyard.core.security.keyring import Keyring

NO_PRESET = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def http(ns: RestNamespace) -> Iterator[httpx.Client]:
    """A client that sends what that command line sends with every request."""
    with ns.client(ns.token("owner"), header="Coder-Session-Token") as client:
        assert client.get("/buildinfo").json()["version"].startswith("v")
        yield client


def organization_of(http: httpx.Client) -> str:
    """The organization in which a command works: the only one of the user."""
    [organization] = http.get("/users/me/organizations").json()
    assert organization["is_default"]
    return str(organization["id"])


def create(http: httpx.Client, version: str, *, owner: str = "me", **more: Any) -> Any:
    body = {"template_version_id": version, "template_version_preset_id": NO_PRESET, "input": "Fix the build", **more}
    answer = http.post(f"/tasks/{owner}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_create_with_a_prompt_alone(ns: RestNamespace, http: httpx.Client) -> None:
    """C1, C4, C5, 7-create: the only template for Tasks is taken, and others do not count."""
    plain = template_version("plain-v1", template="plain")
    del plain["spec"]["agent"]
    ns.admin.create(ns.workspace.path("templateversions"), plain)
    ns.wait("/templates", lambda answer: len(answer.json()) == 2)
    organization = organization_of(http)
    [found] = http.get("/templates", params={"q": f'organization:"{organization}" has-ai-task:true'}).json()
    task = create(http, found["active_version_id"])
    assert task["name"].startswith("fix-the-build-")
    assert ns.admin.get(ns.workspace.path("tasks", task["name"]))["spec"]["prompt"] == "Fix the build"


def test_create_names_the_templates_if_there_are_several(ns: RestNamespace, http: httpx.Client) -> None:
    """C4, 7-create."""
    ns.admin.create(ns.workspace.path("templateversions"), template_version("claude-v1", template="claude"))
    ns.wait("/templates", lambda answer: len(answer.json()) == 2)
    query = f'organization:"{organization_of(http)}" has-ai-task:true'
    assert [entry["name"] for entry in http.get("/templates", params={"q": query}).json()] == ["claude", "shell"]


def test_create_with_a_template(ns: RestNamespace, http: httpx.Client) -> None:
    """C1, C2, 7-template."""
    organization = organization_of(http)
    for name in ("shell", f"{ns.name}/shell"):
        found = http.get(f"/organizations/{organization}/templates/{name}").json()
        assert create(http, found["active_version_id"], owner=ns.name)["template_name"] == "shell"


def test_create_with_a_template_version_and_a_preset(ns: RestNamespace, http: httpx.Client) -> None:
    """C3, C5, 7-version, 7-preset, 6-presets."""
    organization = organization_of(http)
    ns.admin.create(ns.workspace.path("templateversions"), template_version("shell-v2"))
    ns.wait("/templateversions/shell-v2", lambda answer: answer.status_code == 200)
    version = http.get(f"/organizations/{organization}/templates/shell/versions/shell-v1").json()["id"]
    presets = http.get(f"/templateversions/{version}/presets").json()
    chosen = next(preset["ID"] for preset in presets if preset["Name"] == "small")
    create(http, version, name="mine", template_version_preset_id=chosen)
    spec = ns.admin.get(ns.workspace.path("tasks", "mine"))["spec"]
    assert (spec["templateVersion"], spec["preset"]) == ("shell-v1", "small")


def test_a_template_of_another_namespace_than_the_tasks_is_refused_with_what_to_do(
    ns: RestNamespace, other_ns: RestNamespace, http: httpx.Client
) -> None:
    """C5: `--owner` without a template of that owner."""
    other_ns.admit(ns, role="owner")
    ns.wait(f"/users/{other_ns.name}", lambda answer: answer.status_code == 200)
    body = {"template_version_id": ns.version["metadata"]["uid"], "input": "x"}
    answer = http.post(f"/tasks/{other_ns.name}", json=body)
    assert answer.status_code == 400
    assert ns.name in answer.json()["detail"]
    organization = organization_of(http)
    found = http.get(f"/organizations/{organization}/templates/{other_ns.name}/shell").json()
    assert create(http, found["active_version_id"], owner=other_ns.name)["owner_name"] == other_ns.name


def test_list_status_and_delete(ns: RestNamespace, http: httpx.Client) -> None:
    """7-list, 7-status, 7-delete."""
    ns.task()
    for query in ('owner:"me"', "", f'owner:"{ns.name}" status:"pending"'):
        assert [task["name"] for task in http.get("/tasks", params={"q": query}).json()["tasks"]] == ["hello"]
    task = http.get("/tasks/me/hello").json()
    assert http.get(f"/tasks/me/{task['id']}").json() == task
    assert http.delete(f"/tasks/{task['owner_name']}/{task['id']}").status_code == 202
    assert http.get("/tasks/me/hello").status_code == 404


def test_logs_and_send(ns: RestNamespace, http: httpx.Client, keyring: Keyring) -> None:
    """7-logs, 7-send."""
    agent = Agent()
    message = {"id": 0, "role": "agent", "content": "hi", "time": "2026-01-01T00:00:00Z"}
    agent.answers["/messages"] = 200, {"messages": [message]}
    pod = ns.running_task(address=agent.address)
    task = http.get("/tasks/me/hello").json()
    path = f"/tasks/{task['owner_name']}/{task['id']}"
    with agent.serving(keyring, pod):
        [entry] = http.get(f"{path}/logs").json()["logs"]
        assert (entry["content"], entry["type"]) == ("hi", "output")
        assert http.post(f"{path}/send", json={"input": "go on"}).status_code == 204
    assert agent.asked[-1][1]["content"] == "go on"


Opening = Callable[..., WebSocket]


@pytest.fixture
def follow(ns: RestNamespace, gateway: Gateway, keyring: Keyring) -> Iterator[Opening]:
    """Opens the log of a build, as the command line follows it."""
    opened: list[WebSocket] = []

    def opening(build_id: str, *, role: str = "owner", query: str = "follow") -> WebSocket:
        path = f"/workspacebuilds/{build_id}/logs?{query}"
        opened.append(WebSocket(gateway.people_port, keyring, path, token=ns.token(role)))
        return opened[-1]

    yield opening
    for websocket in opened:
        websocket.close()


def test_pause_and_resume(ns: RestNamespace, http: httpx.Client, follow: Opening) -> None:
    """7-pause, 7-resume, 6-buildlog."""
    ns.task(status=active())
    task = http.get("/tasks/me/hello").json()
    path = f"/tasks/{task['owner_name']}/{task['id']}"
    for verb, transition, number in (("pause", "Stop", 2), ("resume", "Start", 3)):
        answer = http.post(f"{path}/{verb}")
        assert answer.status_code == 202
        asked = answer.json()["workspace_build"]["id"]
        # The operator may still be busy with others.
        assert http.get(f"/workspacebuilds/{asked}").json() == answer.json()["workspace_build"]
        log = follow(asked)
        assert log.status == 101
        ns.change("hello", {"phase": "Pausing", "build": build(number, transition, "Running")})
        opcode, first = log.frame()
        assert (opcode, b"the workspace" in first) == (TEXT, True)
        log.send(PING, b"still there?")
        assert log.frame() == (PONG, b"still there?")
        ns.change("hello", paused(2) if verb == "pause" else {**active(), "build": build(3)})
        assert log.documents() == []
        assert http.get(f"/workspacebuilds/{asked}").json()["job"]["status"] == "succeeded"
        [entry] = http.get(f"/workspacebuilds/{asked}/logs").json()
        assert entry["stage"] == ("Stopping" if verb == "pause" else "Starting") + " the workspace"
        # A build that has ended is told at once, and after an entry only what is new.
        assert len(follow(asked).documents()) == 1
        assert follow(asked, query="follow&after=1").documents() == []


def test_pause_of_a_task_that_was_created_paused(ns: RestNamespace, http: httpx.Client, follow: Opening) -> None:
    """7-pause: nothing is to be done, and nothing is waited for."""
    ns.task(status={"phase": "Paused"})
    asked = http.post("/tasks/me/hello/pause").json()["workspace_build"]
    assert (asked["transition"], asked["job"]["status"]) == ("stop", "succeeded")
    assert [entry["stage"] for entry in follow(asked["id"]).documents()] == ["Stopping the workspace"]
    assert http.get(f"/workspacebuilds/{asked['id']}").json() == asked
    # Its first start is the build of that number.
    asked = http.post("/tasks/me/hello/resume").json()["workspace_build"]
    assert (asked["build_number"], asked["transition"], asked["job"]["status"]) == (1, "start", "pending")


def test_a_client_may_leave_a_log(ns: RestNamespace, follow: Opening) -> None:
    """6-buildlog."""
    ns.task(status={"phase": "Initializing", "build": build(phase="Running")})
    uid = ns.owner.get("/tasks/me/hello").json()["id"]
    asked = ns.owner.get(f"/workspaces/{uid}").json()["latest_build"]["id"]
    log = follow(asked)
    log.frame()
    log.send(CLOSE, (1000).to_bytes(2, "big"))
    assert log.frame()[0] == CLOSE
    with pytest.raises(EOFError):
        log.frame()


def test_a_log_that_may_not_be_followed_is_refused_like_any_other(
    ns: RestNamespace, gateway: Gateway, keyring: Keyring, follow: Opening
) -> None:
    """6-buildlog."""
    ns.task(status=active())
    uid = ns.owner.get("/tasks/me/hello").json()["id"]
    asked = ns.owner.get(f"/workspaces/{uid}").json()["latest_build"]["id"]
    assert follow(asked, role="nobody").status == 404
    assert follow("nothing").status == 404
    assert WebSocket(gateway.people_port, keyring, f"/workspacebuilds/{asked}/logs?follow", token="x").status == 401
    assert WebSocket(gateway.people_port, keyring, "/tasks", token=ns.token("owner")).status == 200
    short = WebSocket(
        gateway.people_port, keyring, f"/workspacebuilds/{asked}/logs?follow", token=ns.token("owner"), key="c2hvcnQ="
    )
    assert short.status == 400
    # A page of another site may not use what a browser keeps for this one, and a cookie is for websockets alone.
    path, token = f"/workspacebuilds/{asked}/logs?follow", ns.token("owner")
    page = WebSocket(gateway.people_port, keyring, path, token=token, headers=("Origin: https://example.test",))
    assert page.status == 401
    with ns.client() as client:
        assert client.get("/tasks", headers={"Cookie": f"coder_session_token={token}"}).status_code == 401
    assert ns.owner.get(f"/workspacebuilds/{asked}/logs?follow").status_code == 400
    assert ns.as_("nobody").get(f"/workspacebuilds/{asked}/logs").json() == NOT_FOUND
