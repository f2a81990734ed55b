"""`POST` and `GET …/inputs`: messages that are queued until the agent is ready."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import plainhttp
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import RestNamespace, paused
from taskyard.core.security.keyring import Keyring


def test_an_input_is_queued_by_the_person(ns: RestNamespace) -> None:
    task = ns.task(status=paused(1))
    body = {"content": "and now the tests", "resume": True}
    answer = ns.owner.post(ns.url("/tasks/me/hello/inputs"), json=body)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    expected = {"content": "and now the tests", "type": "user", "resume": True, "answers": None, "phase": "queued"}
    assert {name: shown[name] for name in expected} == expected
    made = ns.admin.get(ns.workspace.path("taskinputs", shown["name"]))
    assert made["spec"] == {"task": "hello", "content": "and now the tests", "type": "User", "resume": True}
    assert made["metadata"]["uid"] == shown["id"]
    assert made["metadata"]["labels"] == {"taskyard.dev/created-by": "gateway"}, "nobody applies it again (K7)"
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["taskyard-gateway"]
    by_uid = ns.owner.post(ns.url(f"/tasks/me/{task['metadata']['uid']}/inputs"), json={"content": "more"})
    assert by_uid.status_code == 201


def test_a_command_of_the_program_is_queued_as_one(ns: RestNamespace) -> None:
    ns.task()
    made = ns.owner.post(ns.url("/tasks/me/hello/inputs"), json={"content": "/compact", "type": "control"})
    assert (made.status_code, made.json()["type"]) == (201, "control")
    path = ns.workspace.path("taskinputs", made.json()["name"])
    assert ns.admin.get(path)["spec"]["type"] == "Control"


@pytest.mark.parametrize("phase", ["Pending", "Paused", "Pausing"])
def test_keystrokes_without_a_screen_are_refused_at_once(ns: RestNamespace, phase: str) -> None:
    """They would be pressed at the next start, before the agent is ready."""
    ns.task(status={"phase": phase})
    url = ns.url("/tasks/me/hello/inputs")
    for body in ({"content": "q", "type": "raw"}, {"content": "q", "type": "raw", "resume": True}):
        answer = ns.owner.post(url, json=body)
        assert answer.status_code == 409, answer.text
        assert answer.json()["message"] == f"Task is {phase.lower()}."
        assert answer.json()["detail"].endswith("Send them when the task is active.")
    assert ns.owner.post(url, json={"content": "hi"}).status_code == 201, "a message waits"
    assert [entry["content"] for entry in ns.owner.get(url).json()["inputs"]] in ([], ["hi"])


def test_keystrokes_that_came_before_the_pause_are_found_by_their_key(ns: RestNamespace) -> None:
    ns.task(status={"phase": "Active"})
    url, key = ns.url("/tasks/me/hello/inputs"), {"Idempotency-Key": "once"}
    body = {"content": "q", "type": "raw"}
    assert ns.owner.post(url, json=body, headers=key).status_code == 201
    ns.wait(url, lambda answer: answer.json()["count"] == 1)
    ns.change("hello", {"phase": "Paused"})
    assert ns.owner.post(url, json=body, headers=key).status_code == 200


def test_a_request_that_comes_again_with_its_key_queues_nothing(ns: RestNamespace) -> None:
    ns.task()
    url, key = ns.url("/tasks/me/hello/inputs"), {"Idempotency-Key": "once"}
    first = ns.owner.post(url, json={"content": "hi"}, headers=key)
    again = ns.owner.post(url, json={"content": "hi"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = ns.owner.post(url, json={"content": "other"}, headers=key)
    assert other.status_code == 409
    assert ns.owner.post(url, json={"content": "hi"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "content", id="no content"),
        pytest.param({"content": " \n"}, "content", id="blank"),
        pytest.param({"content": "a\0b"}, "content", id="a NUL"),
        pytest.param({"content": "\ud800"}, "content", id="half of a surrogate pair"),
        pytest.param({"content": "x" * 65_537}, "content", id="too long"),
        pytest.param({"content": "x", "type": "shout"}, "type", id="another type"),
        pytest.param(
            {"content": "x", "type": "raw", "answers": "q-1"}, "answers", id="keystrokes that answer a question"
        ),
        pytest.param({"content": "/a\n/b", "type": "control"}, "content", id="a command of two lines"),
        pytest.param({"content": " ", "type": "control"}, "content", id="a blank command"),
        pytest.param({"content": "x", "type": "control", "answers": "q-1"}, "answers", id="a command that answers"),
        pytest.param({"content": "x", "answers": "Not An Id"}, "answers", id="an invalid question id"),
    ],
)
def test_what_cannot_be_said_is_refused(ns: RestNamespace, body: Any, field: str) -> None:
    ns.task()
    answer = ns.owner.post(ns.url("/tasks/me/hello/inputs"), content=json.dumps(body))
    assert answer.status_code == 400
    assert field in [entry["field"] for entry in answer.json()["validations"]]


def test_inputs_are_listed_in_the_order_of_their_delivery_and_in_pages(ns: RestNamespace) -> None:
    ns.task()
    ns.task("another")
    url = ns.url("/tasks/me/hello/inputs")
    names = [ns.owner.post(url, json={"content": f"message {number}"}).json()["name"] for number in range(5)]
    ns.owner.post(ns.url("/tasks/me/another/inputs"), json={"content": "something for the other one"})
    path = ns.workspace.path("taskinputs", names[0])
    delivered = {"phase": "Delivered", "order": 1, "deliveredAt": "2026-01-01T00:00:00Z"}
    ns.admin.patch(f"{path}/status", {"status": delivered})
    ns.wait(url, lambda answer: answer.json()["count"] == 5 and answer.json()["inputs"][0]["phase"] == "delivered")
    found, token = [], ""
    for expected in (2, 2, 1):
        answer = ns.owner.get(url, params={"limit": 2, "continue": token}).json()
        assert answer["count"] == expected
        token = answer.get("continue", "")
        found += answer["inputs"]
    assert token == ""
    assert [entry["content"] for entry in found] == [f"message {number}" for number in range(5)]
    assert found[0]["delivered_at"] == "2026-01-01T00:00:00Z"


def test_the_inputs_of_a_former_task_of_the_name_are_not_shown(ns: RestNamespace) -> None:
    ns.task()
    url = ns.url("/tasks/me/hello/inputs")
    made = ns.owner.post(url, json={"content": "for the first"}).json()
    ns.wait(url, lambda answer: answer.json()["count"] == 1)
    path = ns.workspace.path("taskinputs", made["name"])
    owner = {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "name": "hello",
        "uid": "former",
        "controller": True,
    }
    ns.admin.patch(path, {"metadata": {"ownerReferences": [owner]}})
    ns.wait(url, lambda answer: answer.json()["count"] == 0)


@pytest.fixture
def narrow(admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, namespace: str) -> Iterator[RestNamespace]:
    """The namespace of a gateway that lets two inputs of a Task wait, and three of a namespace."""
    bounds = {"TASKYARD_MAX_QUEUED_PER_TASK": "2", "TASKYARD_MAX_QUEUED_PER_NAMESPACE": "3"}
    with fresh_gateway.serving(keyring, **bounds) as gateway:
        ns = RestNamespace(admin, gateway, keyring, namespace)
        yield ns
        ns.close()


def test_an_input_that_finds_the_queue_full_is_refused_at_once(narrow: RestNamespace, fresh_gateway: Gateway) -> None:
    """And nothing is made of it; a repeated request is answered all the same."""
    for name in ("hello", "other"):
        narrow.task(name, status={"phase": "Active"})
    url, other = narrow.url("/tasks/me/hello/inputs"), narrow.url("/tasks/me/other/inputs")
    for number in range(2):
        made = narrow.owner.post(url, json={"content": "hi"}, headers={"Idempotency-Key": str(number)})
        assert made.status_code == 201, made.text
    narrow.wait(url, lambda answer: answer.json()["count"] == 2)
    full = narrow.owner.post(url, json={"content": "hi"})
    assert full.status_code == 429
    assert int(full.headers["Retry-After"]) == 30
    assert full.json() == {
        "message": "Too many inputs are waiting.",
        "detail": 'The queue of Task "hello" is full: 2 messages wait for its agent, and more may not. Create the '
        "input again when some of them have been delivered, or delete some.",
    }
    assert narrow.owner.post(url, json={"content": "hi"}, headers={"Idempotency-Key": "1"}).status_code == 200
    assert narrow.owner.post(url, json={"content": "\x03", "type": "raw"}).status_code == 201
    assert narrow.owner.post(url, json={"content": "yes", "answers": "q-1"}).status_code == 201
    assert narrow.owner.post(other, json={"content": "hi"}).status_code == 201
    narrow.wait(other, lambda answer: answer.json()["count"] == 1)
    full = narrow.owner.post(other, json={"content": "hi"})
    assert full.status_code == 429
    assert full.json()["detail"].startswith(f'The queues of namespace "{narrow.name}" are full: 3 messages wait')
    assert len(narrow.owner.get(url).json()["inputs"]) == 4
    metrics = plainhttp.get(f"http://127.0.0.1:{fresh_gateway.health_port}/metrics").text
    assert 'taskyard_gateway_inputs_refused_total{bound="QueueFull"} 1.0' in metrics
    assert 'taskyard_gateway_inputs_refused_total{bound="NamespaceQueueFull"} 1.0' in metrics
