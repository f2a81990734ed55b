"""A websocket (RFC 6455) that only the server writes to: one JSON document a message. The client may close it and ping.

It is answered on the route of a GET request, so a request that is refused gets an answer in the form of all errors.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from enum import IntEnum
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from taskyard.httpconnection import UPGRADE, Upgraded

_KEY_BYTES = 16
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL, _MASKED, _LENGTH = 0x80, 0x80, 0x7F
_MAX_CONTROL_BYTES = 125
_NORMAL, _UNEXPECTED = 1000, 1011
# How many pings and pongs a client may send between two looks at them.
_MAX_CONTROL_FRAMES = 8
# How long the client has to close its side.
_CLOSE_SECONDS = 2.0


class Ping:
    """Stands among the documents for a ping: nothing is new, and proxies shall not take the connection for idle."""


class _Opcode(IntEnum):
    TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def is_asked_for(request: Request) -> bool:
    """Whether the request is a valid handshake, and the connection can be taken over."""
    headers = request.headers
    try:
        key = base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return (
        headers.get("upgrade", "").lower() == "websocket"
        and headers.get("sec-websocket-version") == "13"
        and len(key) == _KEY_BYTES
        and UPGRADE in request.scope.get("extensions", {})
    )


class WebSocketResponse(Response):
    """The response to such a request: sends the documents, None standing for nothing new, and then closes. A client
    that leaves is noticed whenever the documents go on."""

    def __init__(self, request: Request, documents: AsyncIterator[Any]) -> None:
        super().__init__()
        self._key = request.headers["sec-websocket-key"]
        self._documents = documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        upgrade: Callable[[], Upgraded] = scope["extensions"][UPGRADE]["take_over"]
        connection = upgrade()
        connection.write(_handshake(self._key))
        try:
            code = _UNEXPECTED
            try:
                is_left = await self._send(connection)
                code = _NORMAL
            finally:
                connection.write(frame(_Opcode.CLOSE, code.to_bytes(2, "big")))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    while not is_left and not _client_has_left(connection):
                        await connection.change()
        finally:
            connection.close()

    async def _send(self, connection: Upgraded) -> bool:
        """Sends the documents. Whether the client has left before the end."""
        async for document in self._documents:
            if _client_has_left(connection):
                return True
            if isinstance(document, Ping):
                connection.write(frame(_Opcode.PING, b""))
            elif document is not None:
                connection.write(frame(_Opcode.TEXT, json.dumps(document).encode()))
        return False


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message of the server, which is not masked."""
    size = len(payload)
    if size <= _MAX_CONTROL_BYTES:
        length = bytes([size])
    elif size < 1 << 16:
        length = bytes([126]) + size.to_bytes(2, "big")
    else:
        length = bytes([127]) + size.to_bytes(8, "big")
    return bytes([_FINAL | opcode]) + length + payload


def _handshake(key: str) -> bytes:
    accept = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()).decode()
    lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    return "\r\n".join((*lines, f"Sec-WebSocket-Accept: {accept}", "", "")).encode()


def _client_has_left(connection: Upgraded) -> bool:
    """Reads what the client has sent and answers its last ping. Whether it is gone, wants to close, breaks the
    protocol, or sends too much at once."""
    frames, pong = 0, None
    while len(head := connection.peek(2)) == 2:
        size, opcode = head[1] & _LENGTH, head[0] & 0x0F
        if not head[1] & _MASKED or size > _MAX_CONTROL_BYTES or opcode not in (_Opcode.PING, _Opcode.PONG):
            return True
        whole = connection.read(2 + 4 + size)
        if whole is None:
            break
        frames += 1
        if frames > _MAX_CONTROL_FRAMES:
            return True
        if opcode == _Opcode.PING:
            mask, masked = whole[2:6], whole[6:]
            # Of several pings the last is answered (RFC 6455, section 5.5.3).
            pong = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
    if pong is not None:
        connection.write(frame(_Opcode.PONG, pong))
    return connection.has_ended
