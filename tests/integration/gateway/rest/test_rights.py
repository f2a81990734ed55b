"""Authorization at the listener for users: callers with different rights."""

import time
from typing import Any

import httpx
import pytest

from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, paused


def test_without_a_token_nothing_is_shown(ns: RestNamespace) -> None:
    """2-token."""
    with ns.client() as client:
        answer = client.get("/tasks")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/buildinfo").status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("made-up", id="no token of Kubernetes"),
        pytest.param("a.b.c", id="the shape of one"),
        pytest.param("x" * 9000, id="too long"),
    ],
)
def test_a_made_up_token_is_refused(ns: RestNamespace, token: str) -> None:
    """2-token."""
    with ns.client(token) as client:
        assert client.get("/tasks").status_code == 401


def test_a_sidecars_token_is_refused(ns: RestNamespace) -> None:
    with ns.client(ns.token("owner", audience="taskyard")) as client:
        answer = client.get("/tasks")
    assert (answer.status_code, answer.json()) == (401, {"message": "The token is not valid."})


def test_a_token_of_an_account_that_is_gone_is_refused(ns: RestNamespace) -> None:
    token = ns.token("nobody")
    ns.admin.delete(f"/api/v1/namespaces/{ns.name}/serviceaccounts/nobody")
    with ns.client(token) as client:
        assert client.get("/tasks").status_code == 401


def test_the_token_may_be_in_the_header_that_the_contracts_clients_send(ns: RestNamespace) -> None:
    """2-token."""
    with ns.client(ns.token("owner"), header="Coder-Session-Token") as client:
        assert client.get("/users/me").json()["username"] == ns.name


def test_a_persons_token_is_refused_at_the_sidecars_listener(client: httpx.Client, ns: RestNamespace) -> None:
    answer = client.post("/api/v1alpha1/enroll", headers={"Authorization": f"Bearer {ns.token('owner')}"}, json={})
    assert answer.status_code in (400, 401)


READS: list[Any] = [
    pytest.param("GET", "", None, id="2.3-get"),
    pytest.param("DELETE", "", None, id="2.4-delete"),
    pytest.param("PATCH", "/input", {"input": "other"}, id="2.5-edit"),
    pytest.param("POST", "/send", {"input": "hi"}, id="2.6-sent"),
    pytest.param("GET", "/logs", None, id="2.7-live"),
    pytest.param("POST", "/pause", None, id="2.8-build pause"),
    pytest.param("POST", "/resume", None, id="2.8-build resume"),
]


@pytest.mark.parametrize(("method", "route", "body"), READS)
def test_a_denial_is_like_an_absence_byte_for_byte(
    ns: RestNamespace, other_ns: RestNamespace, method: str, route: str, body: Any
) -> None:
    """2-nf."""
    task = ns.task(status=paused())
    for client in (other_ns.owner, ns.as_("nobody")):
        there = client.request(method, f"/tasks/{ns.name}/hello{route}", json=body)
        by_uid = client.request(method, f"/tasks/me/{task['metadata']['uid']}{route}", json=body)
        absent = client.request(method, f"/tasks/{ns.name}/nothing{route}", json=body)
        nowhere = client.request(method, f"/tasks/no-such-ns/nothing{route}", json=body)
        for answer in (there, by_uid, absent, nowhere):
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
            assert answer.content == absent.content
    assert ns.owner.get("/tasks/me/hello").status_code == 200


def test_a_denial_asks_the_api_server_as_much_as_an_absence(ns: RestNamespace, other_ns: RestNamespace) -> None:
    """2-nf: calls to the API server take the time, so both take equally long."""
    ns.task(status=paused())

    def questions(name: str) -> int:
        before = ns.admin.counted()[1]
        assert other_ns.owner.get(f"/tasks/{ns.name}/{name}").status_code == 404
        end = time.monotonic() + 10
        while (asked := ns.admin.counted()[1] - before) == 0:
            assert time.monotonic() < end, "no call was made"
        return asked

    questions("first")  # the caller's identity, and their rights in the whole namespace, are cached from here on
    assert [questions(name) for name in ("hello", "absent")] == [1, 1]


@pytest.mark.parametrize(
    ("method", "route", "body", "status"),
    [
        pytest.param("GET", "", None, 200, id="sees the Task"),
        pytest.param("DELETE", "", None, 403, id="2.4-delete may not"),
        pytest.param("PATCH", "/input", {"input": "other"}, 403, id="may not change the prompt"),
        pytest.param("POST", "/pause", None, 403, id="2.8-right no right to write: 403, pause"),
        pytest.param("POST", "/resume", None, 403, id="2.8-right no right to write: 403, resume"),
        pytest.param("GET", "/logs", None, 404, id="2.7-right may not read the log"),
    ],
)
def test_a_reader_sees_the_task_and_no_more(ns: RestNamespace, method: str, route: str, body: Any, status: int) -> None:
    ns.task(status=paused())
    answer = ns.as_("reader").request(method, f"/tasks/me/hello{route}", json=body)
    assert answer.status_code == status, answer.text
    if route == "/logs":
        assert answer.json() == {"message": "Resource not found."}


def test_a_reader_may_not_speak_with_the_agent_of_an_active_task(ns: RestNamespace) -> None:
    """2.6-right, 2.7-right."""
    ns.running_task()
    reader = ns.as_("reader")
    assert reader.post("/tasks/me/hello/send", json={"input": "hi"}).json() == NOT_FOUND
    assert reader.get("/tasks/me/hello/logs").json() == NOT_FOUND


def test_everybody_lists_what_they_may_see(ns: RestNamespace, other_ns: RestNamespace) -> None:
    """2.2-list."""
    ns.task("one")
    other_ns.task("two")
    assert [task["name"] for task in ns.owner.get("/tasks").json()["tasks"]] == ["one"]
    assert [task["name"] for task in ns.as_("reader").get("/tasks").json()["tasks"]] == ["one"]
    assert [task["name"] for task in other_ns.owner.get("/tasks").json()["tasks"]] == ["two"]
    assert ns.as_("nobody").get("/tasks").json() == {"tasks": [], "count": 0}


def test_a_right_to_one_task_by_its_name_is_enough_for_that_task(ns: RestNamespace) -> None:
    ns.task("one")
    ns.task("two")
    rules = [{"apiGroups": ["taskyard.dev"], "resources": ["tasks"], "resourceNames": ["one"], "verbs": ["get"]}]
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns.name}/roles/nobody"
    ns.admin.patch(path, {"rules": rules})
    ns.wait("/tasks/me/one", lambda answer: answer.status_code == 200, role="nobody")
    assert ns.as_("nobody").get("/tasks/me/two").json() == NOT_FOUND


def test_what_is_written_is_written_by_the_person(ns: RestNamespace) -> None:
    body = {"template_version_id": ns.version["metadata"]["uid"], "input": "do it", "name": "mine"}
    assert ns.owner.post("/tasks/me", json=body).status_code == 201
    managers = ns.admin.get(ns.workspace.path("tasks", "mine"))["metadata"]["managedFields"]
    assert [entry["manager"] for entry in managers] == ["taskyard-gateway"]
    assert ns.as_("reader").post("/tasks/me", json={**body, "name": "other"}).json() == NOT_FOUND
