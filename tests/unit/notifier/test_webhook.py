"""Webhooks, sent to real servers: what arrives, where it goes, and what is told when it does not arrive."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from taskyard.notifier import webhook
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.webhook import MAX_RETRY_AFTER_SECONDS
from unit.notifier.receivers import (
    HOST,
    always,
    answer,
    authority,
    receiver,
    redirecting,
    serving,
    trust,
)
from unit.notifier.webhooksending import ATTRIBUTES, DATA, KEY, SECRET_PATH, refused, send, webhooks


async def test_a_cloud_event_arrives_that_its_library_reads() -> None:
    async with receiver() as served:
        await send(served.url())
    (request,) = served.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    assert request.headers["user-agent"].startswith("taskyard-notifier/")
    event = from_structured(HTTPMessage(headers=request.headers, body=request.body), JSONFormat())
    attributes = event.get_attributes()
    assert {name: attributes[name] for name in ("id", "source", "type", "subject")} == {
        name: ATTRIBUTES[name] for name in ("id", "source", "type", "subject")
    }
    assert attributes["time"] == datetime.fromisoformat(ATTRIBUTES["time"])
    assert (attributes["specversion"], attributes["datacontenttype"]) == ("1.0", "application/json")
    assert event.get_data() == DATA
    assert json.loads(request.body)["data"] == DATA


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(KEY, id="with its prefix"),
        pytest.param(KEY.removeprefix("whsec_"), id="without its prefix"),
        pytest.param(f" {KEY}\n", id="with blanks around it"),
        pytest.param("A" * 86 + "==", id="of 64 bytes"),
    ],
)
async def test_the_signature_is_that_of_standard_webhooks(key: str) -> None:
    async with receiver() as served:
        await send(served.url(), key)
    (request,) = served.requests
    assert Webhook(key.strip()).verify(request.body, request.headers)["data"] == DATA
    with pytest.raises(WebhookVerificationError):
        Webhook(key.strip()).verify(request.body.replace(b"Idle", b"Paused"), request.headers)


async def test_without_a_secret_there_is_no_signature() -> None:
    async with receiver() as served:
        await send(served.url())
    assert "webhook-signature" not in served.requests[0].headers
    assert served.requests[0].headers["webhook-id"] == ATTRIBUTES["id"]


async def test_the_id_is_the_same_however_often_it_is_sent() -> None:
    async with receiver() as served, webhooks() as sending:
        for _ in range(3):
            await sending.send(served.url(), KEY, ATTRIBUTES, DATA)
    assert {each.headers["webhook-id"] for each in served.requests} == {ATTRIBUTES["id"]}
    assert {json.loads(each.body)["id"] for each in served.requests} == {ATTRIBUTES["id"]}


async def test_cookies_are_not_kept() -> None:
    async with receiver(always(answer(204, "Set-Cookie: a=b; Path=/"))) as served, webhooks() as sending:
        await sending.send(served.url(), "", ATTRIBUTES, DATA)
        await sending.send(served.url(), "", ATTRIBUTES, DATA)
    assert all("cookie" not in each.headers for each in served.requests)


# --- TLS


async def test_a_receiver_with_tls_is_verified_by_the_authorities_of_the_installation(tmp_path: Path) -> None:
    known = authority()
    async with receiver(tls=serving(known, tmp_path)) as served:
        trusted = webhook.trusted(trust(known, tmp_path))
        await send(served.url(scheme="https"), KEY, tls=trusted, plain_http=False)
    (request,) = served.requests
    Webhook(KEY).verify(request.body, request.headers)


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    async with receiver(tls=serving(authority(), tmp_path)) as served:
        trusted = webhook.trusted(trust(authority(), tmp_path))
        error = await refused(served.url(SECRET_PATH, scheme="https"), tls=trusted)
    assert error.message.startswith(f"the certificate of {HOST} is not trusted: ")
    assert served.requests == []


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    known = authority()
    async with receiver(tls=serving(known, tmp_path, "other.test")) as served:
        error = await refused(served.url(SECRET_PATH, scheme="https"), tls=webhook.trusted(trust(known, tmp_path)))
    assert "is not trusted" in error.message
    assert served.requests == []


def test_a_file_of_authorities_that_is_missing_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        webhook.trusted(str(tmp_path / "none.pem"))


# --- what a receiver answers


@pytest.mark.parametrize(
    ("reply", "says", "retry_after"),
    [
        pytest.param(answer(401), "answered 401 Unauthorized; check the address and the signing", None, id="401"),
        pytest.param(answer(403), "answered 403 Forbidden; check the address and the signing", None, id="403"),
        pytest.param(answer(404), "answered 404 Not Found; check the address", None, id="404"),
        pytest.param(answer(410), "answered 410 Gone; check the address", MAX_RETRY_AFTER_SECONDS, id="410"),
        pytest.param(answer(410, "Retry-After: 1"), "answered 410", MAX_RETRY_AFTER_SECONDS, id="410 with a time"),
        pytest.param(answer(500), "answered 500 Internal Server Error", None, id="500"),
        pytest.param(answer(599), "answered 599", None, id="a status that has no name"),
        pytest.param(answer(429, "Retry-After: 7"), "answered 429 Too Many Requests", 7, id="429 with a time"),
        pytest.param(answer(503, "Retry-After: 0"), "answered 503", 0, id="503 with no time"),
        pytest.param(answer(429, "Retry-After: 99999"), "answered 429", MAX_RETRY_AFTER_SECONDS, id="a long time"),
        pytest.param(answer(429, f"Retry-After: {'9' * 5000}"), "429", MAX_RETRY_AFTER_SECONDS, id="an endless number"),
        pytest.param(answer(429, "Retry-After: -5"), "answered 429", None, id="a time that has passed"),
        pytest.param(answer(429, "Retry-After: Fri, 31 Jan 2026 12:00:00 GMT"), "answered 429", None, id="a date"),
        pytest.param(answer(429, "Retry-After: inf"), "answered 429", None, id="no time"),
        pytest.param(answer(307), "answered 307 Temporary Redirect", None, id="a redirect to nowhere"),
        pytest.param(
            b"SSH-2.0-OpenSSH_9.2 T0K3N\r\n", "cannot be reached: what it answered is no HTTP", None, id="ssh"
        ),
        pytest.param(b"", "cannot be reached: it closed the connection without an answer", None, id="nothing"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: " + b"T0K3N" * 9000 + b"\r\n\r\n", "cannot be reached", None, id="a huge head"
        ),
        pytest.param(
            b"HTTP/1.1 500 T0K3N\r\n\r\nT0K3N", "answered 500 Internal Server Error", None, id="its own words"
        ),
    ],
)
async def test_what_a_receiver_answers_is_told(reply: bytes, says: str, retry_after: float | None) -> None:
    async with receiver(always(reply)) as served:
        error = await refused(served.url(SECRET_PATH))
    assert error.reason == "DeliveryFailed"
    assert error.message.startswith(HOST)
    assert says in error.message
    assert error.retry_after == retry_after


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_a_message_that_is_refused_by_itself_is_told_apart(status: int) -> None:
    async with receiver(always(answer(status))) as served:
        error = await refused(served.url(SECRET_PATH))
    assert error.is_of_message and f"answered {status} " in error.message and "others meanwhile" in error.message


@pytest.mark.parametrize(
    "status", [301, 401, 402, 403, 404, 405, 408, 410, 415, 425, 429, 431, 451, 500, 501, 502, 503, 504]
)
async def test_every_other_answer_is_about_the_receiver(status: int) -> None:
    async with receiver(always(answer(status))) as served:
        error = await refused(served.url(SECRET_PATH))
    assert not error.is_of_message


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(200, body=b"x" * 1_000_000), id="200 with a body"),
        pytest.param(answer(201, body=b"{}"), id="201"),
        pytest.param(answer(202), id="202"),
        pytest.param(answer(204), id="204"),
        pytest.param(answer(299), id="a status that has no name"),
    ],
)
async def test_every_success_is_one_whatever_follows(reply: bytes) -> None:
    async with receiver(always(reply)) as served:
        await send(served.url())
    assert len(served.requests) == 1


async def test_a_server_that_hangs_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    async with receiver(always(None)) as served, asyncio.timeout(5):
        error = await refused(served.url(SECRET_PATH))
    assert error.message == f"{HOST} did not answer within 0.2 s"


async def test_a_handshake_that_hangs_is_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(webhook, "CONNECT_SECONDS", 0.2)
    async with receiver(always(None)) as served, asyncio.timeout(5):
        error = await refused(served.url(SECRET_PATH, scheme="https"))
    assert "did not answer within" in error.message


async def test_a_port_where_nobody_listens_is_told() -> None:
    async with receiver() as served:
        pass
    error = await refused(served.url(SECRET_PATH))
    assert error.message.startswith(f"{HOST} cannot be reached: ")
    assert "refused" in error.message.lower()


async def test_one_that_hangs_holds_up_no_other() -> None:
    async with receiver(always(None)) as hangs, receiver() as served, webhooks() as sending:
        waiting = [
            asyncio.create_task(sending.send(hangs.url(f"/{number}"), "", ATTRIBUTES, DATA)) for number in range(150)
        ]
        async with asyncio.timeout(10):
            await hangs.reached(len(waiting))
            await sending.send(served.url(), "", ATTRIBUTES, DATA)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert len(served.requests) == 1


async def test_no_log_shows_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiver(redirecting(307, f"/1{SECRET_PATH}", "/x")) as served:
        await send(served.url(), KEY)
    async with receiver(always(b"T0K3N S3CR3T\r\n\r\n")) as served:
        await refused(served.url(SECRET_PATH), KEY)
    assert "T0K3N" not in caplog.text
    assert "S3CR3T" not in caplog.text
    assert "MfKQ9r8G" not in caplog.text


async def test_checking_says_what_sending_would() -> None:
    async with webhooks(plain_http=False) as sending:
        await sending.check(f"https://{HOST}/hook", KEY)
        with pytest.raises(DeliveryError, match="private"):
            await sending.check("https://private.test/hook", KEY)
