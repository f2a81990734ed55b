"""The routes over real TLS, as the operator calls them."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from unit.sidecar.gateway_app import POD_UID
from unit.sidecar.pod import Pod, until

ROUTES = [
    ("GET", "/status"),
    ("GET", "/messages"),
    ("GET", "/events"),
    ("POST", "/message"),
    ("GET", "/internal/screen"),
    ("POST", "/upload"),
    ("POST", "/snapshot"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
    ("GET", "/no-such-route"),
]


@pytest.mark.parametrize("key", [None, "wrong"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_requires_the_key(shared_pod: Pod, method: str, path: str, key: str | None) -> None:
    with shared_pod.new_client(key) as client:
        response = client.request(method, path, extensions={"sni_hostname": POD_UID})
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Unauthorized"


def test_certificate_is_the_pods(shared_pod: Pod) -> None:
    with (
        shared_pod.new_client(shared_pod.gateway.key) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get("/status", extensions={"sni_hostname": "another-pod"})


def test_status_follows_the_contract(shared_pod: Pod) -> None:
    assert shared_pod.get("/status") == {"status": "stable", "agent_type": "custom", "transport": "pty"}


def test_first_message_is_the_agents_greeting(shared_pod: Pod) -> None:
    first = shared_pod.messages()[0]
    assert (first["id"], first["role"], first["content"]) == (0, "agent", "agent$")
    assert set(first) == {"id", "role", "content", "time"}


@pytest.mark.parametrize(
    ("body", "location"),
    [
        pytest.param({"content": "x", "type": "shout"}, "body.type", id="unknown type"),
        pytest.param({"content": 1, "type": "user"}, "body.content", id="content that is not text"),
        pytest.param({"type": "user"}, "body.content", id="no content"),
        pytest.param({"content": "x", "type": "user", "extra": 1}, "body.extra", id="unknown field"),
        pytest.param({"content": "", "type": "user"}, "body.content", id="empty"),
        pytest.param({"content": " \n\t", "type": "user"}, "body.content", id="blank"),
        pytest.param({"content": "\x1b\x00", "type": "user"}, "body.content", id="nothing but control characters"),
        pytest.param({"content": "x" * 65_537, "type": "user"}, "body.content", id="too long"),
        pytest.param({"content": "\ud800", "type": "user"}, "body.content", id="half a surrogate pair"),
        pytest.param({"content": "", "type": "raw"}, "body.content", id="no keystrokes"),
        pytest.param({"content": " ", "type": "control"}, "body.content", id="no command"),
        pytest.param({"content": "/a\n/b", "type": "control"}, "body.content", id="a command of two lines"),
        pytest.param({"content": "/a\x1b", "type": "control"}, "body.content", id="a command with a control character"),
        pytest.param({"content": "x" * 4097, "type": "control"}, "body.content", id="a command that is too long"),
        pytest.param({"content": "/a", "type": "control", "answers": "q"}, "body.answers", id="a command as an answer"),
    ],
)
def test_bad_message_is_refused_with_the_field(shared_pod: Pod, body: dict[str, Any], location: str) -> None:
    response = shared_pod.client.post("/message", content=json.dumps(body), extensions={"sni_hostname": POD_UID})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert location in [error["location"] for error in response.json()["errors"]]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_body_that_is_not_a_message_is_refused(shared_pod: Pod, body: bytes) -> None:
    response = shared_pod.client.post("/message", content=body, extensions={"sni_hostname": POD_UID})
    assert response.status_code == 422
    assert response.json()["title"] == "Unprocessable Entity"


def test_bad_idempotency_key_is_refused(shared_pod: Pod) -> None:
    assert shared_pod.post("x", key="k" * 256).status_code == 422


@pytest.mark.parametrize("name", ["", "n" * 254, "a\tb"])
def test_bad_name_of_an_input_is_refused(shared_pod: Pod, name: str) -> None:
    response = shared_pod.post("x", name=name)
    assert (response.status_code, "Taskyard-Input" in response.json()["detail"]) == (422, True)


def test_body_of_more_than_a_megabyte_is_refused(shared_pod: Pod) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    with shared_pod.new_client(shared_pod.gateway.key) as client:
        response = client.post("/message", content=pieces(), extensions={"sni_hostname": POD_UID})
    assert response.status_code == 413


def test_wrong_paths_and_methods_are_problems_too(shared_pod: Pod) -> None:
    extensions = {"sni_hostname": POD_UID}
    missing = shared_pod.client.get("/no-such-route", extensions=extensions)
    wrong = shared_pod.client.delete("/status", extensions=extensions)
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    assert (wrong.status_code, wrong.json()["title"]) == (405, "Method Not Allowed")


def test_clients_that_send_nothing_or_stop_half_way_are_dropped(shared_pod: Pod) -> None:
    context = ssl.create_default_context(cadata=shared_pod.gateway.authority.pem)
    head = "POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    head += f"Authorization: Bearer {shared_pod.gateway.key}\r\n\r\n"

    def answer(sent: bytes) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", shared_pod.port), timeout=15) as plain,
            context.wrap_socket(plain, server_hostname=POD_UID) as connection,
        ):
            connection.sendall(sent)
            received = b""
            try:
                while piece := connection.recv(65_536):
                    received += piece
            except (ConnectionError, ssl.SSLEOFError):
                pass
            return received

    began = time.monotonic()
    with ThreadPoolExecutor() as threads:
        silent, half_head, half_body = threads.map(answer, [b"", b"GET /status HT", head.encode() + b"{"])
    assert silent == half_head == b""
    assert half_body.startswith(b"HTTP/1.1 408 ")
    assert 4 < time.monotonic() - began < 12


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n", b"x", id="a body that nobody reads"
        ),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /h", b"x", id="a second head"),
        # A server skips empty lines before a head.
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n", id="empty lines before a second head"),
    ],
)
def test_clients_that_trickle_bytes_after_an_answer_are_dropped(shared_pod: Pod, begin: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", shared_pod.health_port), timeout=1) as connection:
        connection.sendall(begin)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 12:
                connection.sendall(drop)
                time.sleep(0.2)
    assert time.monotonic() - began > 4


def test_message_is_delivered_once_per_key_and_refused_while_the_agent_works(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    counted = "echo counted >> count; sleep 0.3"
    with ThreadPoolExecutor() as threads:
        at_once = list(threads.map(lambda _: shared_pod.post(counted, key="once"), range(3)))
    assert [response.json() for response in at_once] == [{"ok": True}] * 3
    refused = shared_pod.post("echo too early", key="early")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "a message can only be sent when the agent is waiting for user input"
    assert shared_pod.post(counted, key="once").json() == {"ok": True}
    shared_pod.until_stable()
    assert shared_pod.post(counted, key="once").json() == {"ok": True}
    assert shared_pod.status() == "stable"
    assert (shared_pod.home / "count").read_text() == "counted\n"
    contents = [content for _, content in shared_pod.contents()]
    assert contents.count(counted) == 1
    assert "echo too early" not in contents


def test_a_command_of_the_program_waits_its_turn_like_a_message_and_is_part_of_the_conversation(
    shared_pod: Pod,
) -> None:
    """A1: what a person types at the program's prompt."""
    shared_pod.until_stable()
    command = "echo as a person > typed-here"
    assert shared_pod.post(command, kind="control", key="control").json() == {"ok": True}
    shared_pod.until_stable()
    assert (shared_pod.home / "typed-here").read_text() == "as a person\n"
    assert ("user", command) in shared_pod.contents()
    assert shared_pod.post("sleep 1").json() == {"ok": True}
    assert shared_pod.post("echo too early", kind="control").status_code == 409
    shared_pod.until_stable()


def test_raw_keystrokes_go_through_at_any_time_once_and_unrecorded(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    shared_pod.post("cat > typed")
    before = shared_pod.messages()
    assert shared_pod.post("raw text\r\x04", kind="raw", key="raw").json() == {"ok": True}
    assert shared_pod.post("raw text\r\x04", kind="raw", key="raw").json() == {"ok": True}
    shared_pod.until_stable()
    assert (shared_pod.home / "typed").read_text() == "raw text\n"
    assert [m for m in shared_pod.contents() if m[0] == "user"] == [
        (m["role"], m["content"]) for m in before if m["role"] == "user"
    ]


def test_events_replay_the_conversation_and_continue(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    known = shared_pod.messages()
    with shared_pod.events() as events:
        replayed = [next(events) for _ in known]
        assert replayed == [
            ("message_update", {"id": m["id"], "role": m["role"], "message": m["content"], "time": m["time"]})
            for m in known
        ]
        assert next(events) == ("status_change", {"status": "stable", "agent_type": "custom"})
        with shared_pod.new_client(shared_pod.gateway.key) as client:
            client.post("/message", json={"content": "echo news", "type": "user"}, extensions={"sni_hostname": POD_UID})
        seen = []
        while ("status_change", {"status": "stable", "agent_type": "custom"}) not in seen:
            seen.append(next(events))
    said = [(data["role"], data["message"]) for name, data in seen if name == "message_update"]
    assert ("user", "echo news") in said
    assert said[-1] == ("agent", "news")
    assert ("status_change", {"status": "running", "agent_type": "custom"}) in seen


def test_screen_shows_what_a_person_would_see(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    shared_pod.post("clear; echo on the screen")
    with shared_pod.events("/internal/screen") as events:
        for name, data in events:
            assert name == "screen"
            if data["screen"] == "on the screen\nagent$":
                break


def test_snapshot_is_uploaded_on_request(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    shared_pod.post("echo for the snapshot")
    shared_pod.until_stable()
    response = shared_pod.client.post("/snapshot", extensions={"sni_hostname": POD_UID})
    assert response.json()["ok"] is True
    assert shared_pod.gateway.snapshots[-1]["messages"] == shared_pod.messages()


def test_nothing_is_typed_when_the_journal_cannot_be_written(shared_pod: Pod) -> None:
    shared_pod.until_stable()
    journal = shared_pod.state / "journal.jsonl"
    kept = shared_pod.state / "kept"
    journal.rename(kept)
    journal.mkdir()
    try:
        for kind in ("user", "raw"):
            response = shared_pod.post("touch typed-without-journal\r", kind=kind, key=f"lost-{kind}")
            assert response.status_code == 503
            assert response.json()["title"] == "Service Unavailable"
    finally:
        journal.rmdir()
        kept.rename(journal)
    until("the agent to be ready again", lambda: shared_pod.status() == "stable")
    assert not (shared_pod.home / "typed-without-journal").exists()
    assert shared_pod.post("touch typed-with-journal", key="lost-user").json() == {"ok": True}
    until("the message", lambda: (shared_pod.home / "typed-with-journal").exists())
