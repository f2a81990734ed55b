"""A websocket as a client of the REST API opens it, by hand."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
from typing import Any

from taskyard.core.security.keyring import Keyring

PONG, CLOSE, PING, TEXT = 0xA, 0x8, 0x9, 0x1


class WebSocket:
    """A connection after its handshake; `status` is 101, or that of the refusal."""

    def __init__(
        self, port: int, keyring: Keyring, path: str, *, token: str, key: str = "", headers: tuple[str, ...] = ()
    ) -> None:
        """The token is sent as the command line sends it, in a cookie."""
        context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
        plain = socket.create_connection(("localhost", port), timeout=10)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        self._file = self._socket.makefile("rb")
        lines = (
            f"GET /api/v2{path} HTTP/1.1",
            "Host: localhost",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key or base64.b64encode(os.urandom(16)).decode()}",
            f"Cookie: coder_session_token={token}",
            *headers,
        )
        self._socket.sendall("\r\n".join((*lines, "", "")).encode())
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    def close(self) -> None:
        """Ends the connection without a word."""
        self._file.close()
        self._socket.close()

    def frame(self) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload. Raises EOFError at the end."""
        head = self._file.read(2)
        if len(head) < 2:
            raise EOFError
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(self._file.read(2), "big")
        return head[0] & 0x0F, self._file.read(size)

    def documents(self) -> list[Any]:
        """All documents up to the end, which must be a normal one."""
        found = []
        while (frame := self.frame())[0] == TEXT:
            found.append(json.loads(frame[1]))
        assert frame == (CLOSE, (1000).to_bytes(2, "big"))
        self.send(CLOSE, frame[1])
        return found

    def send(self, opcode: int, payload: bytes = b"") -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self._socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)
