"""Receivers of notifications on loopback: a webhook that verifies signatures and the schema, and a mail server."""

from __future__ import annotations

import email
import email.policy
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Self

from jsonschema_rs import ValidationError, validator_for
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from localcluster.locations import REPOSITORY
from ports import free_port

SECONDS = 30.0
# The installation names it, before there is a mail server.
MAIL_PORT = free_port()
SCHEMA = validator_for(json.loads((REPOSITORY / "docs" / "notification.schema.json").read_text()))
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq1nYw8o2ZQ4="


@dataclass(frozen=True)
class Received:
    """One attempt of which the receiver got the whole message. `status` is what it answered, 0 for nothing."""

    at: float
    id: str
    event: dict[str, Any]
    status: int

    @property
    def name(self) -> str:
        return str(self.event["data"]["event"])

    @property
    def task(self) -> str:
        return str(self.event["data"]["task"]["name"])


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


class WebhookReceiver:
    """Takes each message, unless `answer` (a status, or a function of the event) says something else. While
    `hangs` is set it answers nothing."""

    def __init__(self, *, secret: str = SIGNING_SECRET) -> None:
        self.answer: int | Callable[[dict[str, Any]], int] = 204
        # The header Retry-After of an answer that is no success.
        self.retry_after = ""
        self.hangs = threading.Event()
        self.attempts: list[Received] = []
        # Messages whose answer has not been decided yet count too.
        self.asked = 0
        self.refused: list[str] = []
        self._verifier = Webhook(secret)
        self._closing = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._receive(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Received]:
        """What it took, duplicates among them."""
        return [one for one in list(self.attempts) if 200 <= one.status < 300]

    def of(self, task: str) -> list[str]:
        """The names of what it took of a Task, without duplicates: each id where it came first."""
        ids: dict[str, str] = {}
        for one in self.taken:
            if one.event["data"].get("task", {}).get("name") == task:
                ids.setdefault(one.id, one.name)
        return list(ids.values())

    def wait(self, what: str, holds: Callable[[], Any], seconds: float = SECONDS) -> None:
        """Returns once `holds` is true."""
        end = time.monotonic() + seconds
        while not holds():
            told = [(one.status, one.name, one.id) for one in self.attempts]
            assert time.monotonic() < end, f"{what}: not within {seconds} s; it got {told}, refused {self.refused}"
            time.sleep(0.02)

    def wait_for(self, task: str, *events: str, seconds: float = SECONDS) -> None:
        """Returns once it took exactly these of a Task, in this order."""
        self.wait(f"{task}: {events}", lambda: len(self.of(task)) >= len(events), seconds)
        assert self.of(task) == list(events)

    def _receive(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        try:
            event = self._verifier.verify(body, dict(handler.headers.items()))
            assert handler.headers["Content-Type"].startswith("application/cloudevents+json"), handler.headers
            assert event["id"] == handler.headers["webhook-id"], event
            SCHEMA.validate(event["data"])
        except (WebhookVerificationError, ValidationError, AssertionError) as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            handler.send_response(401)
            handler.end_headers()
            return
        self.asked += 1
        if self.hangs.is_set():
            self.attempts.append(Received(time.monotonic(), event["id"], event, 0))
            while self.hangs.is_set() and not self._closing.is_set():
                time.sleep(0.05)
            return
        status = self.answer(event) if callable(self.answer) else self.answer
        self.attempts.append(Received(time.monotonic(), event["id"], json.loads(body), status))
        handler.send_response(status)
        if self.retry_after and status >= 400:
            handler.send_header("Retry-After", self.retry_after)
        handler.end_headers()


class MailServer:
    """Speaks as much of SMTP as a client without TLS and without a login needs."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server._talk(self.rfile.readline, self.wfile.write)

        class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Threads(("127.0.0.1", MAIL_PORT), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Apprise's URL for it."""
        return f"mailto://127.0.0.1:{MAIL_PORT}?from=taskyard@example.com&to=owner@example.com"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in list(self.mails)]

    def wait(self, number: int, seconds: float = SECONDS) -> list[EmailMessage]:
        """Returns all mails once there are so many."""
        end = time.monotonic() + seconds
        while len(self.mails) < number:
            assert time.monotonic() < end, f"not {number} mails within {seconds} s, but {self.subjects}"
            time.sleep(0.02)
        return list(self.mails)

    def _talk(self, read: Callable[[], bytes], write: Callable[[bytes], Any]) -> None:
        write(b"220 mail.example.com\r\n")
        while line := read():
            match line.split(None, 1)[0].strip().upper() if line.strip() else b"":
                case b"DATA":
                    write(b"354 go on\r\n")
                    content = b""
                    while (line := read()).rstrip(b"\r\n") != b".":
                        content += line
                    parsed = email.message_from_bytes(content, policy=email.policy.default)
                    assert isinstance(parsed, EmailMessage)
                    self.mails.append(parsed)
                    write(b"250 taken\r\n")
                case b"QUIT":
                    write(b"221 bye\r\n")
                    return
                case _:
                    write(b"250 well\r\n")
