"""Authorization at the routes under /api/v1alpha1: callers with different rights."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, paused
from integration.gateway.rest.test_listener import signed

# Streams would not end.
BRIEF = "?timeout_seconds=1"
OF_A_TASK = {
    "events": ("GET", f"/events{BRIEF}", None),
    "builds": ("GET", "/builds", None),
    "inputs": ("GET", "/inputs", None),
    "new input": ("POST", "/inputs", {"content": "hi"}),
}
OF_ALL = {"tasks": "/tasks", "watch": f"/tasks/watch{BRIEF}"}


@pytest.mark.parametrize(
    ("role", "what", "status"),
    [
        pytest.param(role, what, status, id=f"{role}: {what}")
        for role, statuses in {
            "owner": {"events": 200, "builds": 200, "inputs": 200, "new input": 201},
            "reader": {"events": 200, "builds": 200, "inputs": 404, "new input": 403},
            "nobody": dict.fromkeys(OF_A_TASK, 404),
        }.items()
        for what, status in statuses.items()
    ],
)
def test_what_a_role_may(ns: RestNamespace, role: str, what: str, status: int) -> None:
    ns.task(status=paused())
    method, route, body = OF_A_TASK[what]
    answer = ns.as_(role).request(method, ns.url(f"/tasks/me/hello{route}"), json=body)
    assert answer.status_code == status, answer.text
    if status == 404:
        assert answer.json() == NOT_FOUND


@pytest.mark.parametrize("what", OF_A_TASK)
def test_a_denial_is_like_an_absence_byte_for_byte(ns: RestNamespace, other_ns: RestNamespace, what: str) -> None:
    uid = ns.task(status=paused())["metadata"]["uid"]
    method, route, body = OF_A_TASK[what]
    for client in (other_ns.owner, ns.as_("nobody")):
        answers = [
            client.request(method, ns.url(f"/tasks/{of}{route}"), json=body)
            for of in (f"{ns.name}/hello", f"me/{uid}", f"{ns.name}/nothing", "no-such-ns/nothing")
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.content for answer in answers} == {answers[-1].content}
        assert answers[0].json() == NOT_FOUND


@pytest.mark.parametrize(("role", "names"), [("owner", {"hello"}), ("reader", {"hello"}), ("nobody", set())])
def test_everybody_lists_what_they_may_see(
    ns: RestNamespace, other_ns: RestNamespace, role: str, names: set[str]
) -> None:
    ns.task()
    other_ns.task("foreign")
    page = ns.as_(role).get(ns.url("/tasks")).json()
    assert {task["name"] for task in page["tasks"]} == names
    watched = ns.as_(role).get(ns.url(OF_ALL["watch"])).text
    assert ('"name":"hello"' in watched) == bool(names)
    assert "foreign" not in watched


@pytest.mark.parametrize("who", ["anonymous", "expired", "of another audience", "made up"])
def test_without_a_valid_token_every_route_is_closed(ns: RestNamespace, kubeconfig: Path, who: str) -> None:
    ns.task(status=paused())
    [key_file] = kubeconfig.parent.rglob("service-account.key")
    token: dict[str, Any] = {
        "anonymous": lambda: "",
        "expired": lambda: signed(key_file, ns, ends=datetime.now(UTC) - timedelta(minutes=30)),
        "of another audience": lambda: ns.token("owner", audience="taskyard"),
        "made up": lambda: "a.b.c",
    }
    with ns.client(token[who]()) as client:
        answers = [
            client.request(method, ns.url(f"/tasks/me/hello{route}"), json=body)
            for method, route, body in OF_A_TASK.values()
        ]
        answers += [client.get(ns.url(path)) for path in OF_ALL.values()]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
