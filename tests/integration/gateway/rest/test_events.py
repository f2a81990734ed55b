"""`GET …/events`: what happens to one Task, as it happens."""

import json
import time

import pytest

import plainhttp
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import RBAC, Agent, RestNamespace, build, paused
from integration.gateway.rest.stream import opened
from integration.gateway.rest.test_listener import api_requests
from taskyard.core.security.keyring import Keyring


def say(*messages: tuple[int, str, str]) -> tuple[int, bytes]:
    """The stream of a sidecar: messages as number, role and content."""
    blocks = [
        f"event: message_update\ndata: {json.dumps({'id': number, 'role': role, 'message': content, 'time': ''})}\n\n"
        for number, role, content in messages
    ]
    return 200, "".join([": ping\n\n", *blocks]).encode()


def test_a_stream_tells_the_task_its_builds_their_changes_and_the_end(ns: RestNamespace) -> None:
    ns.task(status=paused(1))
    with opened(ns.owner, ns.url("/tasks/me/hello/events")) as stream:
        assert stream.until("task").data["status"] == "paused"
        assert stream.retry == 2000
        assert stream.until("build").data["transition"] == "stop"
        ns.workspace.patch_task("hello", {"phase": "Initializing", "build": build(2, reason="Resume")})
        assert stream.until("task").data["status"] == "initializing"
        shown = stream.until("build").data
        assert (shown["build_number"], shown["reason"]) == (2, "task_resume")
        state = {"state": "Working", "message": "Reading", "uri": "", "timestamp": "2026-01-01T00:00:01Z", "build": 2}
        ns.workspace.patch_task("hello", {"state": state})
        assert stream.until("task", lambda data: data["current_state"]).data["current_state"]["message"] == "Reading"
        ns.admin.delete(ns.workspace.path("tasks", "hello"))
        assert stream.until("gone").data["name"] == "hello"
        assert list(stream) == []


def test_events_cost_no_call_to_the_api_server(ns: RestNamespace, gateway: Gateway) -> None:
    ns.task(status=paused(1))
    with opened(ns.owner, ns.url("/tasks/me/hello/events")) as stream:
        stream.until("build")
        before = api_requests(gateway)
        for number in range(20):
            ns.workspace.patch_task("hello", {"displayName": f"title {number}"})
            stream.until("task", lambda data, number=number: data["display_name"] == f"title {number}")
        after = api_requests(gateway)
    # The keys are checked once a minute, and the caller's access every ten seconds.
    assert after.pop("GET", 0) - before.pop("GET", 0) <= 1
    assert after.pop("POST", 0) - before.pop("POST", 0) <= 6
    assert after == before


def test_a_stream_goes_on_after_the_last_event_that_its_client_had(ns: RestNamespace) -> None:
    ns.task(status=paused(1))
    url = ns.url("/tasks/me/hello/events")
    with opened(ns.owner, url) as stream:
        had = stream.until("build").id
    with opened(ns.owner, url + "?timeout_seconds=1", Last_Event_ID=had) as stream:
        assert list(stream) == []
    ns.workspace.patch_task("hello", {"displayName": "another title"})
    with opened(ns.owner, url, Last_Event_ID=had) as stream:
        assert stream.until("task", lambda data: data["display_name"] == "another title").id != had


def test_messages_are_told_to_those_who_may_read_the_log(ns: RestNamespace, keyring: Keyring) -> None:
    agent = Agent()
    agent.answers["/events"] = say((0, "user", "say hello"), (1, "agent", "hel"))
    pod = ns.running_task(address=agent.address)
    url = ns.url("/tasks/me/hello/events")
    with agent.serving(keyring, pod), opened(ns.owner, url) as stream, opened(ns.owner, url) as another:
        assert stream.until("message").data == {"id": 0, "content": "say hello", "type": "input", "time": ""}
        assert stream.until("message").data["content"] == "hel"
        # The sidecar ends its stream at each restart, and starts the next one with the whole conversation.
        agent.answers["/events"] = say((0, "user", "say hello"), (1, "agent", "hello"))
        grown = stream.until("message")
        assert (grown.data["id"], grown.data["content"]) == (1, "hello")
        for content in ("say hello", "hello"):
            another.until("message", lambda data, content=content: data["content"] == content)
        connections = len(agent.asked)
        with opened(ns.owner, url + "?timeout_seconds=1", Last_Event_ID=grown.id) as third:
            assert [(event.name, event.data["id"]) for event in third] == [("message", 1)]
        # Three clients do not cause three connections: there are only the consecutive ones.
        assert len(agent.asked) <= connections + 2
        with opened(ns.as_("reader"), url + "?timeout_seconds=1") as reader:
            assert {event.name for event in reader} == {"task", "build"}


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "86401"])
def test_a_time_that_is_none_is_refused(ns: RestNamespace, seconds: str) -> None:
    ns.task()
    answer = ns.owner.get(ns.url("/tasks/me/hello/events"), params={"timeout_seconds": seconds})
    assert (answer.status_code, answer.json()["validations"][0]["field"]) == (400, "timeout_seconds")


def test_streams_end_when_access_is_lost_and_are_told_when_it_is_given(
    ns: RestNamespace, other_ns: RestNamespace
) -> None:
    ns.task(status=paused(1))
    one, all_of_them = ns.url(f"/tasks/{ns.name}/hello/events"), ns.url("/tasks/watch")
    with (
        opened(ns.as_("reader"), one) as reader,
        opened(ns.as_("reader"), all_of_them) as overview,
        opened(ns.owner, one) as owner,
        opened(other_ns.owner, all_of_them) as guest,
    ):
        for stream in (reader, owner):
            stream.until("build")
        overview.until("synced")
        assert guest.until("synced").data == {"count": 0}
        ns.admin.patch(f"{RBAC}/namespaces/{ns.name}/roles/reader", {"rules": []})
        ns.admin.delete(f"/api/v1/namespaces/{ns.name}/serviceaccounts/owner")
        ns.admit(other_ns, role="owner")
        assert [event.name for event in reader] == ["gone"]
        assert overview.until("gone").data["name"] == "hello"
        assert list(owner) == []
        assert guest.until("task").data["name"] == "hello"


def test_open_streams_are_counted(ns: RestNamespace, gateway: Gateway) -> None:
    ns.task()

    def value(name: str) -> float:
        text = plainhttp.get(f"http://127.0.0.1:{gateway.health_port}/metrics").text
        return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))

    before = value("taskyard_gateway_streams ")
    with opened(ns.owner, ns.url("/tasks/watch")) as stream:
        stream.until("synced")
        assert value("taskyard_gateway_streams ") == before + 1
    until = time.monotonic() + 10
    while value("taskyard_gateway_streams ") != before:
        assert time.monotonic() < until
        time.sleep(0.02)
