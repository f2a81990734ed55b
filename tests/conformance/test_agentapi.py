"""The AgentAPI contract, row by row: what it requires of every server. What ours adds is in tests/unit/sidecar."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.endpoint import Endpoint

PROBLEM = "application/problem+json"
WAITING = "waiting for user input"
MAX_UPLOAD_BYTES = 10 << 20


def is_problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert response.status_code in statuses, response.text
    assert response.headers["Content-Type"].startswith(PROBLEM)
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert isinstance(body["title"], str) and isinstance(body["detail"], str)
    for error in body.get("errors") or []:
        assert isinstance(error["message"], str)
    return body


# GET /status, GET /messages


def test_status_has_three_fields(stable: Endpoint) -> None:
    status = stable.get("/status")
    assert status["status"] == "stable"
    assert status["transport"] in ("pty", "acp")
    assert isinstance(status["agent_type"], str)


def test_messages_are_numbered_from_the_agents_greeting_on(stable: Endpoint) -> None:
    messages = stable.messages()
    assert [message["id"] for message in messages] == list(range(len(messages)))
    assert messages[0]["role"] == "agent"
    for message in messages:
        assert {"id", "content", "role", "time"} <= set(message)
        assert message["role"] in ("user", "agent")
        assert message["time"][10] == "T"


# POST /message


@pytest.mark.parametrize(
    ("body", "location"),
    [
        pytest.param({"content": "x", "type": "shout"}, "body.type", id="type that is not in the enumeration"),
        pytest.param({"content": "x", "type": "user", "extra": 1}, "body.extra", id="unknown field"),
        pytest.param({"type": "user"}, "content", id="no content"),
        pytest.param({"content": 1, "type": "user"}, "body.content", id="content that is not text"),
    ],
)
def test_a_message_that_breaks_the_schema_is_422_and_names_the_field(
    stable: Endpoint, body: dict[str, Any], location: str
) -> None:
    problem = is_problem(stable.request("POST", "/message", json=body), 422)
    assert any(location in f"{error.get('location')} {error['message']}" for error in problem["errors"])


def test_a_user_message_returns_when_the_agent_starts_and_is_recorded_and_answered(stable: Endpoint) -> None:
    assert stable.post("sleep 1; echo answer-$((40 + 2))").json() == {"ok": True}
    stable.until("the answer", lambda: "answer-42" in stable.messages()[-1]["content"])
    stable.until_stable()
    assert stable.messages()[-2]["role"] == "user"
    assert stable.messages()[-2]["content"] == "sleep 1; echo answer-$((40 + 2))"
    assert stable.messages()[-1]["content"].strip() == "answer-42"


def test_a_user_message_while_the_agent_works_is_refused_with_the_cause(stable: Endpoint) -> None:
    stable.post("echo $(sleep 1; echo busy)")
    refused = stable.post("echo too early")
    problem = is_problem(refused, 409, 500)
    assert WAITING in problem["detail"] or WAITING in problem["errors"][0]["message"]
    stable.until_stable()
    assert "echo too early" not in stable.said("user")


@pytest.mark.parametrize("content", ["", " \n\t "])
def test_a_blank_message_is_refused_with_the_cause(stable: Endpoint, content: str) -> None:
    problem = is_problem(stable.post(content), 422, 500)
    assert "must not be empty" in problem["detail"] + str(problem.get("errors"))


def test_raw_keystrokes_pass_while_the_agent_works_and_are_not_recorded(stable: Endpoint) -> None:
    before = len(stable.said("user"))
    stable.post("bash -c 'trap \"echo interrupted; exit\" INT; while :; do sleep 0.1; echo work; done'")
    stable.until("the work", lambda: stable.messages()[-1]["content"].count("work\n") > 2)
    assert stable.get("/status")["status"] == "running"
    assert stable.post("\x03", "raw").json() == {"ok": True}
    stable.until("the interrupt", lambda: "interrupted" in stable.messages()[-1]["content"])
    stable.until_stable()
    assert len(stable.said("user")) == before + 1


def test_a_body_of_more_than_a_megabyte_is_refused(stable: Endpoint) -> None:
    response = stable.request("POST", "/message", json={"content": "x" * (1 << 20), "type": "user"})
    is_problem(response, 413, 422)


def test_status_and_messages_answer_while_a_message_is_delivered(ours: Endpoint) -> None:
    """The contract's original server holds its lock until the delivery is over."""
    ours.post("read -rsN 100000")  # the shell itself waits for keys, and shows none
    ours.until_stable()
    delivery = threading.Thread(target=ours.post, args=("nobody shows this",))
    delivery.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert ours.get("/status")["status"] == "running"
    assert ours.messages()[-1]["content"] == "nobody shows this"
    assert is_problem(ours.post("another"), 409)
    assert time.monotonic() - began < 1
    assert ours.post("\x03", "raw").json() == {"ok": True}
    delivery.join(30)
    ours.until_stable()


# GET /events


def test_events_replay_messages_then_status_then_errors(stable: Endpoint) -> None:
    known = stable.messages()
    with stable.events() as events:
        replayed = [next(events) for _ in range(len(known) + 1)]
    names = [name for name, _ in replayed]
    assert names == ["message_update"] * len(known) + ["status_change"]
    for (_, data), message in zip(replayed, known, strict=False):
        assert data["message"] == message["content"]
        assert {"id", "role", "message", "time"} <= set(data)
        assert (data["id"], data["role"]) == (message["id"], message["role"])
    assert replayed[-1][1]["status"] == "stable"
    assert isinstance(replayed[-1][1]["agent_type"], str)


def test_events_report_what_happens(stable: Endpoint) -> None:
    first = len(stable.messages())
    statuses, updates = [], {}
    with stable.events() as events, ThreadPoolExecutor(1) as threads:
        for _ in range(first + 1):
            next(events)
        posted = threads.submit(stable.post, "echo news")
        while "stable" not in statuses:
            name, data = next(events)
            if name == "status_change":
                statuses.append(data["status"])
            elif name == "message_update":
                updates[data["id"]] = (data["role"], data["message"].strip())
        assert posted.result().json() == {"ok": True}
    assert statuses == ["running", "stable"]
    assert updates[first] == ("user", "echo news")
    assert updates[first + 1] == ("agent", "news")


def test_a_client_that_does_not_read_blocks_nobody(ours: Endpoint) -> None:
    with ours.events(), ours.events("/internal/screen"):
        ours.post("seq 1 3000")
        ours.until("the answer", lambda: "3000" in ours.messages()[-1]["content"])
        ours.until_stable()


# POST /upload


def test_an_uploaded_file_is_where_the_agent_can_read_it(stable: Endpoint) -> None:
    content = bytes(range(256)) * 4096
    response = stable.request("POST", "/upload", files={"file": ("some data.bin", content)})
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["ok"] is True
    assert Path(body["filePath"]).name.endswith("some data.bin")
    stable.post(f"cksum < '{body['filePath']}'")
    stable.until("the size", lambda: stable.messages()[-1]["content"].strip().endswith(str(len(content))))


def test_two_files_of_one_name_are_two_files(stable: Endpoint) -> None:
    paths = [
        stable.request("POST", "/upload", files={"file": ("a.txt", text)}).json()["filePath"] for text in (b"1", b"2")
    ]
    assert len(set(paths)) == 2


def test_a_file_of_ten_megabytes_is_taken_and_a_larger_one_is_400(stable: Endpoint) -> None:
    response = stable.request("POST", "/upload", files={"file": ("full", b"x" * (MAX_UPLOAD_BYTES - 1024))})
    assert response.status_code == 200
    is_problem(stable.request("POST", "/upload", files={"file": ("more", b"x" * (MAX_UPLOAD_BYTES + 1))}), 400)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"files": {"other": ("a", b"x")}}, id="another field"),
        pytest.param({"json": {"file": "x"}}, id="not a form"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_form_without_the_file_is_refused(stable: Endpoint, arguments: dict[str, Any]) -> None:
    is_problem(stable.request("POST", "/upload", **arguments), 400, 415, 422)


# GET /internal/screen, /, /openapi.json


def test_screen_shows_what_a_person_would_see(stable: Endpoint) -> None:
    with stable.events("/internal/screen") as events, ThreadPoolExecutor(1) as threads:
        name, data = next(events)
        assert name == "screen" and isinstance(data["screen"], str)
        threads.submit(stable.post, "echo on-the-screen-$((1 + 1))")
        while "on-the-screen-2" not in next(events)[1]["screen"]:
            pass


def test_root_redirects_to_a_page_for_people(stable: Endpoint) -> None:
    response = stable.request("GET", "/")
    assert response.status_code == 307
    assert response.headers["Location"]


def test_openapi_document_names_the_routes(stable: Endpoint) -> None:
    document = stable.get("/openapi.json")
    assert document["openapi"].startswith("3.")
    assert {"/status", "/messages", "/message", "/events", "/upload", "/internal/screen"} <= set(document["paths"])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/no-such-route", 404), ("DELETE", "/status", 405)])
def test_unknown_paths_and_methods_are_refused(stable: Endpoint, method: str, path: str, status: int) -> None:
    assert stable.request(method, path).status_code == status
