"""Frames of a websocket, and which requests ask for one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi import Request

from taskyard.gateway.http.websocket import frame, is_asked_for
from taskyard.httpconnection import UPGRADE

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
