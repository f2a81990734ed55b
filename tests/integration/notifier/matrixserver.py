"""A Matrix homeserver on loopback, with as much of the client-server API (v3) as a client needs that logs in, joins a
room and sends to it. TLS; no message is encrypted end to end."""

from __future__ import annotations

import http.server
import itertools
import json
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from integration.notifier.receivers import SECONDS, Threads

HOME = "home.test"
USER = f"@taskyard:{HOME}"
# Aliases of rooms that exist, and their ids.
ROOMS = {f"#builds:{HOME}": f"!builds:{HOME}", f"#alerts:{HOME}": f"!alerts:{HOME}"}
API = "/_matrix/client/v3"
SENT = re.compile(rf"{API}/rooms/([^/]+)/send/m\.room\.message/([^/]+)")
STATE = re.compile(rf"{API}/rooms/([^/]+)/state/m\.room\.encryption")

Answer = tuple[int, dict[str, Any]]


def fault(status: int, code: str, text: str) -> Answer:
    return status, {"errcode": code, "error": text}


@dataclass
class MatrixServer:
    """`password` is that of USER. `tokens` are the access tokens that count: those that somebody has from elsewhere,
    and those that were got by a login until they are logged out. `messages` are what rooms have, as room and text."""

    tls: ssl.SSLContext
    password: str
    tokens: set[str] = field(default_factory=set)
    messages: list[tuple[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    # All tokens that were ever handed out.
    issued: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._joined: set[str] = set()
        self._sent: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count(1)
        self._answering = threading.Lock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                with server._answering:
                    status, document = server._answer(self.command, urlsplit(self.path).path, bearer, body)
                octets = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def do_PUT(self) -> None:
                self.answer()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = Threads(("127.0.0.1", 0), Handler)
        # Hands are shaken in the threads, at the first read: one that does not would hold up all.
        self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def begin_anew(self, *tokens: str) -> None:
        """As if nobody had ever asked anything; only these tokens count."""
        self.tokens = set(tokens)
        for known in (self.messages, self.requests, self.issued, self._joined, self._sent):
            known.clear()

    def wait(self, number: int, seconds: float = SECONDS) -> list[tuple[str, str]]:
        """Returns all messages once there are so many."""
        end = time.monotonic() + seconds
        while len(self.messages) < number:
            assert time.monotonic() < end, f"not {number} messages within {seconds} s; asked was {self.requests}"
            time.sleep(0.02)
        return list(self.messages)

    def _answer(self, method: str, path: str, bearer: str, body: bytes) -> Answer:
        self.requests.append(f"{method} {path}")
        if path == "/.well-known/matrix/client":
            return fault(404, "M_NOT_FOUND", "no delegation")
        content = json.loads(body) if body.strip() else None
        if (method, path) == ("POST", f"{API}/login"):
            return self._login(content or {})
        if bearer not in self.tokens:
            return fault(401, "M_UNKNOWN_TOKEN", f"the access token {bearer} is not known")
        match method, path.removeprefix(API):
            case "GET", "/account/whoami":
                return 200, {"user_id": USER, "device_id": "DEVICE"}
            case "POST", "/keys/upload":
                return 200, {"one_time_key_counts": {}}
            case "POST", "/logout":
                self.tokens.remove(bearer)
                return 200, {}
            case "POST", joining if joining.startswith("/join/"):
                return self._join(unquote(joining.removeprefix("/join/")))
        if method == "GET" and STATE.fullmatch(path):
            return fault(404, "M_NOT_FOUND", "the room is not encrypted")
        if method == "PUT" and (sent := SENT.fullmatch(path)):
            return self._send(bearer, unquote(sent[1]), sent[2], content)
        return fault(404, "M_UNRECOGNIZED", f"{method} {path}")

    def _login(self, content: dict[str, Any]) -> Answer:
        who = content.get("identifier", {})
        known = content.get("type") == "m.login.password" and who.get("type") == "m.id.user"
        if not known or who.get("user") not in (USER, "taskyard") or content.get("password") != self.password:
            # What a careless server says.
            return fault(403, "M_FORBIDDEN", f"invalid password {content.get('password')}")
        token = f"T0K3N-of-login-{next(self._numbers)}"
        self.tokens.add(token)
        self.issued.append(token)
        return 200, {"access_token": token, "user_id": USER, "device_id": f"DEVICE{len(self.issued)}"}

    def _join(self, room: str) -> Answer:
        id_ = ROOMS.get(room, room)
        if id_ not in ROOMS.values():
            return fault(403, "M_FORBIDDEN", "not invited")
        self._joined.add(id_)
        return 200, {"room_id": id_}

    def _send(self, bearer: str, room: str, transaction: str, content: Any) -> Answer:
        if room not in self._joined:
            return fault(403, "M_FORBIDDEN", "not in the room")
        # The same transaction is the same message.
        if (bearer, transaction) not in self._sent:
            self._sent[bearer, transaction] = f"$event-{next(self._numbers)}"
            self.messages.append((room, str(content["body"])))
        return 200, {"event_id": self._sent[bearer, transaction]}
