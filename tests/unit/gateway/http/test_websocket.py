"""A websocket: which requests ask for one, its frames, and what its client may send."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from fastapi import Request

from taskyard.gateway.http.websocket import Ping, WebSocketResponse, frame, is_asked_for
from taskyard.httpconnection import UPGRADE, Upgraded

HANDSHAKE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": base64.b64encode(bytes(16)).decode(),
}


def request(*, extensions: Any = None, **headers: str) -> Request:
    given = HANDSHAKE | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in given.items() if value]
    offered = {UPGRADE: None} if extensions is None else extensions
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "extensions": offered})


@pytest.mark.parametrize(
    ("asked", "is_one"),
    [
        pytest.param(request(), True, id="a handshake"),
        pytest.param(request(upgrade="WebSocket"), True, id="in another case"),
        pytest.param(request(upgrade=""), False, id="no upgrade"),
        pytest.param(request(upgrade="h2c"), False, id="another upgrade"),
        pytest.param(request(sec_websocket_version="8"), False, id="another version"),
        pytest.param(request(sec_websocket_key="c2hvcnQ="), False, id="a short key"),
        pytest.param(request(sec_websocket_key="@"), False, id="a key that is none"),
        pytest.param(request(sec_websocket_key=""), False, id="no key"),
        pytest.param(request(extensions={}), False, id="a connection that cannot be taken over"),
    ],
)
def test_which_requests_ask_for_one(asked: Request, is_one: bool) -> None:
    assert is_asked_for(asked) is is_one


@pytest.mark.parametrize(
    ("size", "head"),
    [
        pytest.param(0, "8100", id="empty"),
        pytest.param(125, "817d", id="the longest of the short"),
        pytest.param(126, "817e007e", id="two bytes of length"),
        pytest.param(65_535, "817effff", id="the longest of these"),
        pytest.param(65_536, "817f0000000000010000", id="eight bytes of length"),
    ],
)
def test_the_length_of_a_frame(size: int, head: str) -> None:
    assert frame(0x1, b"x" * size) == bytes.fromhex(head) + b"x" * size


class Client:
    """The other end of a connection that has been taken over."""

    def __init__(self, *sent: bytes) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False
        self.connection = Upgraded(cast(asyncio.Transport, self), self._close)
        for data in sent:
            self.connection.take(data)

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self._close()

    def _close(self) -> None:
        self.is_closed = True
        self.connection.end()

    async def served(self, documents: AsyncIterator[Any]) -> list[bytes]:
        """What is written to the client after the handshake, frame by frame as it is written."""
        asked = request(extensions={UPGRADE: {"take_over": lambda: self.connection}})
        await WebSocketResponse(asked, documents)(asked.scope, asked.receive, _nowhere)
        return [written for written in self.writes if not written.startswith(b"HTTP/1.1 101 ")]


async def _nowhere(message: Any) -> None:
    raise AssertionError("An answer of HTTP after the upgrade.")


def sent(opcode: int, payload: bytes = b"", *, final: int = 0x80, masked: int = 0x80) -> bytes:
    """A frame of a client."""
    mask = b"\x01\x02\x03\x04"
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([final | opcode, masked | len(payload)]) + mask + body


async def documents(*entries: Any, client: Client) -> AsyncIterator[Any]:
    """The entries; then the client closes."""
    for entry in entries:
        yield entry
    client.connection.take(sent(0x8, CLOSING))


CLOSING = (1000).to_bytes(2, "big")
CLOSE, PONG = frame(0x8, CLOSING), frame(0xA, b"b")


@pytest.mark.parametrize(
    ("received", "answers"),
    [
        pytest.param([sent(0x9, b"b")], [PONG], id="a ping is answered"),
        pytest.param([sent(0x9, b"a"), sent(0x9, b"b")], [PONG], id="the last of several pings is answered"),
        pytest.param([sent(0x9, b"a") * 7 + sent(0x9, b"b")], [PONG], id="as many as are looked at"),
        pytest.param([sent(0xA)], [], id="a pong needs no answer"),
        pytest.param([sent(0x9, b"a")[:5]], [], id="a ping that has not arrived whole"),
    ],
)
async def test_a_client_may_ping(received: list[bytes], answers: list[bytes]) -> None:
    client = Client(*received)
    text = frame(0x1, b"1")
    assert await client.served(documents(None, 1, client=client)) == [*answers, text, CLOSE]


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(sent(0x8, CLOSING), id="it closes"),
        pytest.param(sent(0x9) * 9, id="more pings than are looked at"),
        pytest.param(sent(0xA) * 9, id="more pongs than are looked at"),
        pytest.param(sent(0x9) * 682, id="a flood of pings"),
        pytest.param(sent(0x9, masked=0), id="a frame that is not masked"),
        pytest.param(sent(0x1, b"hello"), id="a message"),
        pytest.param(sent(0x0, b"hello"), id="the rest of a message"),
        pytest.param(sent(0x9, b"x" * 126), id="a long ping"),
        pytest.param(b"x" * 5000, id="more than is read"),
    ],
)
async def test_a_client_that_leaves_or_breaks_the_protocol_gets_nothing_more(received: bytes) -> None:
    client = Client(received)
    assert [written for written in await client.served(documents(1, 2, client=client)) if written != CLOSE] == []
    assert client.is_closed


async def test_a_client_that_has_gone_gets_nothing_more() -> None:
    client = Client()
    client.connection.end()
    assert frame(0x1, b"1") not in await client.served(documents(1, client=client))


async def test_a_ping_keeps_the_connection_alive() -> None:
    client = Client()
    assert await client.served(documents(None, Ping(), client=client)) == [frame(0x9, b""), CLOSE]


async def test_a_connection_is_closed_when_its_documents_fail() -> None:
    async def failing() -> AsyncIterator[Any]:
        yield 1
        raise ZeroDivisionError

    client = Client()
    with pytest.raises(ZeroDivisionError):
        await client.served(failing())
    assert client.is_closed
    assert client.writes[-1] == frame(0x8, (1011).to_bytes(2, "big"))
