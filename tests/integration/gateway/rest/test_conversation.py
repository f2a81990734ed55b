"""Sections 2.6 and 2.7 of the contract: send and logs, row by row, with an endpoint that answers like a sidecar."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.gateway.rest.rest_namespace import Agent, RestNamespace, build, paused
from taskyard.core import names
from taskyard.core.security.keyring import Keyring


@pytest.fixture
def agent(ns: RestNamespace, keyring: Keyring) -> Iterator[Agent]:
    agent = Agent()
    pod = ns.running_task(address=agent.address)
    with agent.serving(keyring, pod):
        yield agent


def send(ns: RestNamespace, text: Any = "go on", **headers: str) -> Any:
    return ns.owner.post("/tasks/me/hello/send", json={"input": text}, headers=headers)


def test_a_message_reaches_the_agent(ns: RestNamespace, agent: Agent) -> None:
    """2.6-sent."""
    answer = send(ns, " go on ")
    assert (answer.status_code, answer.content) == (204, b"")
    assert agent.asked == [("/status", {}), ("/message", {"content": " go on ", "type": "user"})]


def test_the_callers_own_key_counts_for_that_caller_alone(ns: RestNamespace, agent: Agent) -> None:
    send(ns, **{"Idempotency-Key": "one"})
    send(ns, **{"Idempotency-Key": "one"})
    send(ns)
    keys = [key for key in agent.keys if key]
    assert keys[0] == keys[1] != keys[2]
    assert all(key.startswith("send/") and "one" not in key for key in keys)


@pytest.mark.parametrize(
    "text", [pytest.param("", id="2.6-empty"), pytest.param(" \n", id="2.6-empty blank: 400 and not 502")]
)
def test_a_message_is_required(ns: RestNamespace, text: str) -> None:
    ns.task(status=paused())
    answer = send(ns, text)
    assert (answer.status_code, answer.json()) == (400, {"message": "Task input is required."})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"input": "a" * 65_537}), id="too long"),
        pytest.param(json.dumps({"input": "a\0b"}), id="NUL"),
        pytest.param('{"input": "\\ud800"}', id="half of a surrogate pair"),
    ],
)
def test_a_message_that_no_agent_can_take(ns: RestNamespace, body: str) -> None:
    ns.running_task()
    answer = ns.owner.post("/tasks/me/hello/send", content=body)
    assert (answer.status_code, answer.json()["message"]) == (400, "Task input is not valid.")


WAIT = "The task is resuming. Wait for the task to become active before sending messages."
GATE: list[Any] = [
    pytest.param({"phase": "Pending"}, 409, "Task is pending.", WAIT, id="2.6-pending"),
    pytest.param({"phase": "Initializing"}, 409, "Task is initializing.", WAIT, id="2.6-pending initializing"),
    pytest.param({"phase": "Paused"}, 409, "Task is paused.", "Resume the task to send messages.", id="2.6-paused"),
    pytest.param(
        {"phase": "Pausing"},
        409,
        "Task is pausing.",
        "Once it is paused, resume the task to send messages.",
        id="2.6-pausing",
    ),
    pytest.param(
        {"phase": "Error"},
        400,
        "Task must be active.",
        'Task status is "error", it must be "active" to interact with the task.',
        id="2.6-error",
    ),
    pytest.param(
        {"phase": "Unknown"},
        400,
        "Task must be active.",
        'Task status is "unknown", it must be "active" to interact with the task.',
        id="2.6-error unknown",
    ),
]


@pytest.mark.parametrize(("status", "code", "message", "detail"), GATE)
def test_the_gate(ns: RestNamespace, status: Any, code: int, message: str, detail: str) -> None:
    ns.task(status=status)
    answer = send(ns)
    assert (answer.status_code, answer.json()) == (code, {"message": message, "detail": detail})


@pytest.mark.parametrize("route", ["send", "logs"])
def test_a_pod_that_cannot_be_reached(ns: RestNamespace, route: str) -> None:
    """2.6-dial, 2.7-livefails."""
    ns.running_task(address=Agent().address)
    answer = send(ns) if route == "send" else ns.owner.get("/tasks/me/hello/logs")
    assert (answer.status_code, answer.json()["message"]) == (502, "Failed to reach task app endpoint.")


@pytest.mark.parametrize(
    ("path", "given", "code", "message"),
    [
        pytest.param("/status", (500, {}), 502, "Failed to get status from task app.", id="2.6-statusfails"),
        pytest.param(
            "/status", (200, b"no JSON"), 502, "Failed to get status from task app.", id="2.6-statusfails no JSON"
        ),
        pytest.param(
            "/status",
            (200, {"status": "running"}),
            409,
            "Task app is not ready to accept input.",
            id="2.6-busy not stable",
        ),
        pytest.param(
            "/message",
            (409, {"detail": "the agent works"}),
            409,
            "Task app is not ready to accept input.",
            id="2.6-busy between status and message",
        ),
        pytest.param(
            "/message", (422, {"detail": "no"}), 502, "Task app rejected the message.", id="2.6-message refused"
        ),
        pytest.param(
            "/message", (502, {"detail": "no"}), 502, "Task app rejected the message.", id="2.6-message fails"
        ),
    ],
)
def test_an_agent_that_does_not_take_it(
    ns: RestNamespace, agent: Agent, path: str, given: Any, code: int, message: str
) -> None:
    agent.answers[path] = given
    answer = send(ns)
    assert (answer.status_code, answer.json()["message"]) == (code, message)
    if code == 409:
        assert answer.json()["detail"] == "Status: running"


def test_another_pods_certificate_is_not_spoken_to(ns: RestNamespace, keyring: Keyring) -> None:
    """2.6-gone. The process at the address has no certificate of the Pod, and receives neither key nor message."""
    agent = Agent()
    ns.running_task(address=agent.address)
    with agent.serving(keyring, {"metadata": {"uid": "00000000-0000-0000-0000-000000000001"}}):
        assert send(ns).status_code == 502
        assert agent.asked == []


MESSAGES = [
    {"id": 0, "content": "Hello", "role": "agent", "time": "2026-01-01T00:00:00Z"},
    {"id": 1, "content": "do it", "role": "user", "time": "2026-01-01T00:00:01Z"},
]
ENTRIES = [
    {"id": 0, "content": "Hello", "type": "output", "time": "2026-01-01T00:00:00Z"},
    {"id": 1, "content": "do it", "type": "input", "time": "2026-01-01T00:00:01Z"},
]


def test_live_logs(ns: RestNamespace, agent: Agent) -> None:
    """2.7-live, 1-log: the answer has no `snapshot`."""
    agent.answers["/messages"] = (200, {"messages": MESSAGES})
    assert ns.owner.get("/tasks/me/hello/logs").json() == {"logs": ENTRIES}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param((500, {}), "Failed to get messages from task app.", id="2.7-livefails"),
        pytest.param((200, {"messages": None}), "Invalid task app response.", id="2.7-livefails no messages"),
        pytest.param(
            (200, {"messages": [{**MESSAGES[0], "role": "ghost"}]}),
            "Invalid task app response.",
            id="2.7-livefails unknown role",
        ),
    ],
)
def test_live_logs_that_cannot_be_had(ns: RestNamespace, agent: Agent, given: Any, message: str) -> None:
    agent.answers["/messages"] = given
    answer = ns.owner.get("/tasks/me/hello/logs")
    assert (answer.status_code, answer.json()["message"]) == (502, message)


def stored(ns: RestNamespace, task: Any, text: str) -> None:
    """Stores a snapshot as the sidecars' listener stores it."""
    ns.admin.create(
        ns.workspace.path("configmaps", group="/api/v1"),
        {
            "metadata": {
                "name": "hello-snapshot",
                "ownerReferences": [names.owner_reference(name="hello", uid=task["metadata"]["uid"])],
            },
            "data": {"snapshot.json": text},
        },
    )
    summary = {"configMap": "hello-snapshot", "takenAt": "2026-01-03T00:00:00Z", "messages": 2, "bytes": 1}
    ns.workspace.patch_task("hello", {"snapshot": {**summary, "truncated": False}})


def logs(ns: RestNamespace) -> Any:
    """Returns the answer once the cache has the snapshot."""
    return ns.wait("/tasks/me/hello/logs", lambda answer: "snapshot_at" in answer.json() or answer.is_error)


@pytest.mark.parametrize("phase", ["Paused", "Pending", "Initializing", "Pausing"])
def test_stored_logs(ns: RestNamespace, phase: str) -> None:
    """2.7-stored, 2.7-none, 1-log: paused, pending, initializing, and while pausing."""
    task = ns.task(status={"phase": phase, "build": build(2, "Stop")})
    assert ns.owner.get("/tasks/me/hello/logs").json() == {"logs": [], "snapshot": True}
    stored(ns, task, json.dumps({"format": "agentapi", "data": {"messages": MESSAGES}}))
    assert logs(ns).json() == {"logs": ENTRIES, "snapshot": True, "snapshot_at": "2026-01-03T00:00:00Z"}


@pytest.mark.parametrize(
    ("text", "body"),
    [
        pytest.param("{", {"message": "Internal error decoding task snapshot."}, id="2.7-broken no JSON"),
        pytest.param(
            '{"format": "x", "data": {}}',
            {"message": "Unsupported task snapshot format.", "detail": 'Expected format "agentapi", got "x".'},
            id="2.7-broken another format",
        ),
        pytest.param(
            '{"format": "agentapi", "data": 1}',
            {"message": "Internal error decoding snapshot data."},
            id="2.7-broken no data",
        ),
        pytest.param(
            '{"format": "agentapi", "data": {}}', {"message": "Invalid snapshot data."}, id="2.7-broken no messages"
        ),
    ],
)
def test_a_snapshot_that_is_none(ns: RestNamespace, text: str, body: Any) -> None:
    stored(ns, ns.task(status=paused()), text)
    answer = logs(ns)
    assert (answer.status_code, answer.json()) == (500, body)


@pytest.mark.parametrize(
    ("phase", "status"),
    [pytest.param("Error", "error", id="2.7-state error"), pytest.param("Unknown", "unknown", id="2.7-state unknown")],
)
def test_no_logs_in_other_states(ns: RestNamespace, phase: str, status: str) -> None:
    ns.task(status={"phase": phase})
    answer = ns.owner.get("/tasks/me/hello/logs")
    assert answer.status_code == 409
    assert answer.json() == {
        "message": "Cannot fetch logs for task in current state.",
        "detail": f'Task status is "{status}".',
    }
