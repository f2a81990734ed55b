"""What Apprise sends, by a real mail server and real HTTP servers behind the real proxy, and for how long."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from taskyard.core.notifications.texts import Text
from taskyard.notifier import apprise_service, connect_proxy
from taskyard.notifier.guarded_dns import GuardedDns
from taskyard.notifier.shared_threads import NAMESPACE, SHARE
from unit.notifier.appriseservices import NOWHERE, TEXT, json_receiver, refused, restored, sending, services
from unit.notifier.mailserver import mail_server
from unit.notifier.receivers import Request, always, answer, authority, dns, names, receiver, serving, trust

__all__ = ["restored"]


# --- mail


async def test_mail_arrives_with_title_and_text() -> None:
    async with mail_server() as served:
        service = services(schemes="mailto", mail=f"127.0.0.1:{served.port}")
        await service.send(f"mailto://me:pw@127.0.0.1:{served.port}?from=me@x.test&to=you@x.test&format=text", TEXT)
        service.close()
    (mail,) = served.mails
    assert mail["Subject"] == TEXT.title
    assert mail["To"] == "you@x.test"
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().strip().splitlines() == TEXT.body.splitlines()


async def test_in_a_mail_of_html_the_text_is_text() -> None:
    async with mail_server() as served:
        service = services(schemes="mailto", mail=f"127.0.0.1:{served.port}")
        await service.send(f"mailto://me:pw@127.0.0.1:{served.port}?from=me@x.test&to=you@x.test&format=html", TEXT)
        service.close()
    (mail,) = served.mails
    part = mail.get_body(("html",))
    assert part is not None
    assert "&lt;b&gt;Grüße&lt;/b&gt; &amp; more" in part.get_content().replace("&nbsp;", " ")


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "EHLO"])
async def test_mail_that_is_refused_is_told(command: str) -> None:
    async with mail_server(refuse=command) as served:
        service = services(schemes="mailto", mail=f"127.0.0.1:{served.port}")
        address = f"mailto://me:T0K3N@127.0.0.1:{served.port}?from=me@x.test&to=you@x.test"
        error = await refused(service, address)
        service.close()
    assert error.message == "the service could not be reached, or refused the text"
    assert served.mails == []


async def test_mail_without_a_trusted_certificate_is_not_sent(tmp_path: Path) -> None:
    async with mail_server(tls=serving(authority(), tmp_path, "localhost")) as served:
        service = services(schemes="mailtos", mail=f"localhost:{served.port}")
        address = f"mailtos://me:T0K3N@localhost:{served.port}?from=me@x.test&to=you@x.test&mode=starttls&verify=no"
        await refused(service, address)
        service.close()
    assert served.mails == []
    assert [line for line in served.commands if line.startswith("AUTH")] == []


async def test_mail_with_a_trusted_certificate_is_sent(tmp_path: Path) -> None:
    known = authority()
    async with mail_server(tls=serving(known, tmp_path, "localhost")) as served:
        service = services(schemes="mailtos", mail=f"localhost:{served.port}", certificates=trust(known, tmp_path))
        address = f"mailtos://me:pw@localhost:{served.port}?from=me@x.test&to=you@x.test&mode=starttls"
        await service.send(address, TEXT)
        service.close()
    assert len(served.mails) == 1


# --- HTTP


async def test_http_goes_through_the_proxy_with_tls(tmp_path: Path) -> None:
    async with json_receiver(tmp_path, always(answer(200))) as (served, service):
        await service.send(served.url("/T0K3N", scheme="jsons"), TEXT)
    (request,) = served.requests
    found = json.loads(request.body)
    assert (found["title"], found["message"]) == (TEXT.title, TEXT.body)
    assert request.headers["accept-encoding"] == "identity"


async def test_what_an_agent_says_calls_nobody_in_a_chat_and_stays_as_it_is_in_a_mail(tmp_path: Path) -> None:
    text = Text("@here: done", "@everyone, and mail me@example.test")
    async with json_receiver(tmp_path, always(answer(200))) as (served, service):
        await service.send(served.url("/T0K3N", scheme="jsons"), text)
    (request,) = served.requests
    sent = json.loads(request.body)["message"]
    assert "@everyone" not in sent
    assert sent.replace("\u200b", "") == text.body
    async with mail_server() as mails:
        service = services(schemes="mailto", mail=f"127.0.0.1:{mails.port}")
        await service.send(f"mailto://me:pw@127.0.0.1:{mails.port}?from=me@x.test&to=you@x.test&format=text", text)
        service.close()
    (mail,) = mails.mails
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().strip() == text.body


async def test_a_private_address_is_not_reached(tmp_path: Path) -> None:
    guard = dns(names(receiver_test="10.0.0.1"))
    async with json_receiver(tmp_path, always(answer(200)), guard) as (served, service):
        await refused(service, served.url("/T0K3N", scheme="jsons"))
    async with json_receiver(tmp_path, always(answer(200)), GuardedDns()) as (served, service):
        await refused(service, served.url("/T0K3N", scheme="jsons", host="127.0.0.1"))
        await refused(service, served.url("/T0K3N", scheme="jsons", host="2130706433"))
        await refused(service, served.url("/T0K3N", scheme="jsons", host="localhost"))
    assert served.connections == 0


async def test_what_is_spoken_without_tls_reaches_nobody() -> None:
    async with receiver() as served, sending(schemes="json") as service:
        await refused(service, served.url("/T0K3N", scheme="json"))
    assert served.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("matrixs://T0K3N@receiver.test:PORT/!room:home.test", id="Matrix"),
        pytest.param("rockets://user:T0K3N@receiver.test:PORT/#room?mode=token", id="Rocket.Chat"),
    ],
)
async def test_the_token_of_a_person_still_counts_after_a_message(address: str, tmp_path: Path) -> None:
    """A login that Apprise has not made is not ended: the next message would be refused."""
    known = {"success": True, "room_id": "!room:home.test", "user_id": "@user:home.test", "device_id": "D"}

    def reply(request: Request) -> bytes:
        is_unknown = "/.well-known/" in request.path or request.path.endswith("/m.room.encryption")
        return answer(404, body=b"{}") if is_unknown else answer(200, body=json.dumps(known).encode())

    issuer = authority()
    async with (
        receiver(reply, tls=serving(issuer, tmp_path)) as served,
        sending(schemes="matrixs rockets", certificates=trust(issuer, tmp_path)) as service,
    ):
        await service.send(address.replace("PORT", str(served.port)), TEXT)
    paths = [request.path for request in served.requests]
    assert any(TEXT.title.encode() in request.body for request in served.requests), paths
    assert not [path for path in paths if path.endswith("/logout")]


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async with json_receiver(tmp_path, always(answer(307, "Location: /elsewhere"))) as (served, service):
        await refused(service, served.url("/T0K3N?redirect=yes", scheme="jsons"))
    assert [each.path for each in served.requests] == ["/T0K3N"]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(401, "the service answered 401", id="401"),
        pytest.param(429, "the service answered 429", id="429"),
        pytest.param(413, "the service answered 413", id="413, of one message"),
        pytest.param(422, "the service answered 422", id="422, of one message"),
        pytest.param(500, "the service answered 500", id="500"),
    ],
)
async def test_the_status_of_a_service_is_told(status: int, says: str, tmp_path: Path) -> None:
    async with json_receiver(tmp_path, always(answer(status, body=b"T0K3N"))) as (served, service):
        error = await refused(service, served.url("/T0K3N", scheme="jsons"))
    assert (error.reason, error.message, error.is_of_message) == ("DeliveryFailed", says, status in (413, 422))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("verify=no", id="not verified"),
        pytest.param("optional=yes", id="a failure that is none"),
        pytest.param("retry=5&wait=30", id="repeated by Apprise itself"),
    ],
)
async def test_options_of_an_address_change_nothing_of_what_is_promised(options: str, tmp_path: Path) -> None:
    known = authority()
    async with (
        receiver(tls=serving(authority(), tmp_path)) as served,
        sending(schemes="jsons", certificates=trust(known, tmp_path)) as service,
        asyncio.timeout(5),
    ):
        await refused(service, served.url(f"/T0K3N?{options}", scheme="jsons"))
    assert served.requests == []


async def test_an_answer_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    packed = zlib.compressobj(wbits=31)
    bomb = b"".join([packed.compress(bytes(1 << 20)) for _ in range(64)]) + packed.flush()
    reply = answer(500, "Content-Encoding: gzip", body=bomb)
    async with json_receiver(tmp_path, always(reply)) as (served, service):
        tracemalloc.start()
        error = await refused(service, served.url("/T0K3N", scheme="jsons"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(bomb) < connect_proxy.ANSWER_BYTES
    assert error.message == "the service answered 500"
    assert most < 8 << 20


async def test_an_answer_that_is_too_long_is_cut(tmp_path: Path) -> None:
    async with json_receiver(tmp_path, always(answer(200, body=bytes(100_000)))) as (served, service):
        await service.send(served.url("/T0K3N", scheme="jsons"), TEXT)
    async with json_receiver(tmp_path, always(answer(200, body=bytes(1_000_000)))) as (served, service):
        await refused(service, served.url("/T0K3N", scheme="jsons"))


# --- time


async def test_a_service_that_hangs_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apprise_service, "READ_SECONDS", 0.3)
    began = time.monotonic()
    async with json_receiver(tmp_path, always(None)) as (served, service):
        # The address' own times do not count.
        await refused(service, served.url("/T0K3N?rto=600&cto=600", scheme="jsons"))
    assert time.monotonic() - began < 5


async def test_a_service_that_drips_is_ended_by_the_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connect_proxy, "TUNNEL_SECONDS", 0.5)
    began = time.monotonic()
    async with json_receiver(tmp_path, always(None)) as (served, service):
        await refused(service, served.url("/T0K3N?rto=600", scheme="jsons"))
    assert time.monotonic() - began < 5


async def test_the_time_is_that_of_the_whole_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apprise_service, "SECONDS", 0.5)
    monkeypatch.setattr(apprise_service, "READ_SECONDS", 2.0)
    async with json_receiver(tmp_path, always(None)) as (served, service):
        error = await refused(service, served.url("/T0K3N", scheme="jsons"))
        assert error.message == "the service did not answer within 0.5 s"
        # Its thread still waits: the next message to the same address waits for that thread, and begins no other.
        await refused(service, served.url("/T0K3N", scheme="jsons"))
        assert served.connections == 1


async def test_a_service_cannot_let_a_thread_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    service = services()
    monkeypatch.setattr(apprise_service, "SECONDS", 0.5)
    found = service._service("ntfys://host.test/topic")
    calls = []

    def send(**_: object) -> bool:
        calls.append("request")
        found.throttle(wait=3600)
        calls.append("woken")
        return True

    found.send = send
    began = time.monotonic()
    assert service._notify(found, TEXT, time.monotonic() + 0.5) != ""
    assert (calls, time.monotonic() - began < 2) == (["request"], True)


async def test_services_that_hang_hold_up_no_other_namespace(tmp_path: Path) -> None:
    def reply(request: Any) -> bytes | None:
        return None if request.path.startswith("/hangs") else answer(200)

    async with json_receiver(tmp_path, reply) as (served, service):
        NAMESPACE.set("bad")
        hanging = [
            asyncio.create_task(service.send(served.url(f"/hangs-{number}", scheme="jsons"), TEXT))
            for number in range(100)
        ]
        async with asyncio.timeout(20):
            await served.reached(SHARE)
            NAMESPACE.set("good")
            await service.send(served.url("/quick", scheme="jsons"), TEXT)
        assert served.connections == SHARE + 1
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert [each.path for each in served.requests if each.path == "/quick"] == ["/quick"]


async def test_a_message_that_gets_no_thread_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with json_receiver(tmp_path, always(None)) as (served, service):
        hanging = [
            asyncio.create_task(service.send(served.url(f"/hangs-{number}", scheme="jsons"), TEXT))
            for number in range(SHARE)
        ]
        async with asyncio.timeout(20):
            await served.reached(SHARE)
        monkeypatch.setattr(apprise_service, "SECONDS", 0.1)
        error = await refused(service, served.url("/T0K3N", scheme="jsons"))
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert error.message == apprise_service.NO_THREAD


LOADING = """
import asyncio, threading, time, certifi
from taskyard.notifier.apprise_service import AppriseServices
from taskyard.notifier.fault import DeliveryError

services = AppriseServices(schemes=["ntfy"], mail_hosts=[], proxy="http://127.0.0.1:9", certificates=certifi.where())
from apprise.manager_plugins import NotificationManager
load, threads = NotificationManager.load_modules, []

def noted(self, *arguments, **named):
    threads.append(threading.current_thread() is threading.main_thread())
    return load(self, *arguments, **named)

NotificationManager.load_modules = noted

async def main():
    await asyncio.gather(*(services.check("ntfy://ntfy.sh/topic") for _ in range(3)))
    print("first in the loop:", threads[0], "plugins:", len(list(NotificationManager().schemas())) > 100)

asyncio.run(main())
"""


def test_plugins_are_read_in_a_thread() -> None:
    """In a process of its own: in this one they were read before."""
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "first in the loop: False plugins: True", done.stderr


async def test_two_messages_to_one_address_are_sent_one_after_the_other(tmp_path: Path) -> None:
    async with json_receiver(tmp_path, always(answer(200))) as (served, service):
        address = served.url("/T0K3N", scheme="jsons")
        await asyncio.gather(*(service.send(address, TEXT) for _ in range(5)))
    assert len(served.requests) == 5


async def test_a_text_is_cut_where_a_service_takes_no_more() -> None:
    service = services()._service("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
    assert service.overflow_mode == "truncate"
    split = services()._service("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?overflow=split")
    assert split.overflow_mode == "split"


# --- secrets


async def test_no_log_shows_an_address(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    async with json_receiver(tmp_path, always(answer(401, body=b"T0K3N"))) as (served, service):
        await refused(service, served.url("/T0K3N?x=T0K3N", scheme="jsons", host="me:T0K3N@receiver.test"))
        await refused(service, "bogus://T0K3N")
        await refused(service, "jsons://")
    async with json_receiver(tmp_path, always(b"T0K3N: no HTTP\r\n\r\n")) as (served, service):
        await refused(service, served.url("/T0K3N", scheme="jsons"))
    async with mail_server(refuse="AUTH") as served_mail:
        service = services(schemes="mailto", mail=f"127.0.0.1:{served_mail.port}")
        await refused(service, f"mailto://me:T0K3N@127.0.0.1:{served_mail.port}?from=me@x.test")
        service.close()
    assert "T0K3N" not in caplog.text


def test_the_environment_has_the_proxy_and_nothing_that_leads_past_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "*")
    services(certificates="/etc/ca.pem")
    assert {os.environ[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")} == {NOWHERE}
    assert {os.environ[name] for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")} == {"/etc/ca.pem"}
    assert [name for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "CURL_CA_BUNDLE") if name in os.environ] == []
