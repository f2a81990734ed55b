"""What a sidecar's answer means, and how much of it is read."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from taskyard.bytebudget import ByteBudget
from taskyard.core import text_limits
from taskyard.core.security.certificates import new_authority
from taskyard.sidecarclient import (
    MESSAGES_BYTES,
    Accepted,
    Answer,
    Blocks,
    Failed,
    NoAnswerError,
    NotReady,
    Refused,
    Sidecars,
    TooLargeError,
    event_of,
    read,
)
from unit.virtual_time import in_no_time, now


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, {"ok": True}, Accepted(in_doubt=False), id="200: the agent has it"),
        pytest.param(200, {"ok": True, "inDoubt": True}, Accepted(in_doubt=True), id="200: in doubt"),
        pytest.param(
            200,
            {"ok": True, "deliveredBefore": True},
            Accepted(in_doubt=False, repeated=True),
            id="200: delivered before under another key",
        ),
        pytest.param(200, {}, Accepted(in_doubt=False), id="200: nothing said"),
        pytest.param(
            409, {"detail": "the agent works"}, NotReady("the agent works"), id="409: the agent is not ready for input"
        ),
        pytest.param(422, {"detail": "blank"}, Refused("blank"), id="422: bad input"),
        pytest.param(400, {"title": "Bad Request"}, Refused("Bad Request"), id="400: bad input, the title serves"),
        pytest.param(413, {}, Refused("status 413"), id="413: too large"),
        pytest.param(401, {"detail": "no key"}, Failed("the sidecar answered 401: no key"), id="401: another key"),
        pytest.param(404, {}, Failed("the sidecar answered 404: status 404"), id="404: no such route"),
        pytest.param(
            502, {"detail": "agent not reachable"}, Failed("the sidecar answered 502: agent not reachable"), id="502"
        ),
        pytest.param(
            503,
            {"detail": "journal"},
            Failed("the sidecar answered 503: journal"),
            id="503: the journal is not written",
        ),
        pytest.param(
            500, {"detail": "", "title": "Oh"}, Failed("the sidecar answered 500: Oh"), id="an empty detail is none"
        ),
    ],
)
def test_read(status: int, body: dict[str, Any], expected: Answer) -> None:
    assert read(status, body) == expected


TYPE_UNKNOWN = {
    "detail": 'body.type: expected one of "user", "raw"',
    "errors": [{"message": 'expected one of "user", "raw"', "location": "body.type", "value": "control"}],
}


def test_a_sidecar_of_an_older_version_that_does_not_know_commands_refuses_them_for_good() -> None:
    answer = read(422, TYPE_UNKNOWN, kind="control")
    assert isinstance(answer, Refused)
    assert answer.cause == (
        "The sidecar of the running Pod is older than type Control and does not know it; pause and resume the Task, "
        "then create another input."
    )
    assert read(422, TYPE_UNKNOWN, kind="user") == Refused('body.type: expected one of "user", "raw"')
    too_long = {"detail": "too long", "errors": [{"location": "body.content"}, "?"]}
    assert read(422, too_long, kind="control") == Refused("too long")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param('event: status_change\ndata: {"a":1}', ("status_change", '{"a":1}'), id="name and data"),
        pytest.param("data: a", ("message", "a"), id="without a name it is a message"),
        pytest.param("data:a\ndata: b", ("message", "a\nb"), id="data of several lines"),
        pytest.param("event: x\ndata: a\u2028b\x0bc", ("x", "a\u2028b\x0bc"), id="only a line feed ends a line"),
        pytest.param(": ping", None, id="a comment is no event"),
        pytest.param("", None, id="nothing is no event"),
    ],
)
def test_event_of(block: str, expected: tuple[str, str] | None) -> None:
    assert event_of(block) == expected


def cut(stream: bytes, *, at: int, most: int = 200_000, budget: ByteBudget | None = None) -> tuple[list[bytes], int]:
    """The blocks of a stream that comes in parts of `at` bytes, and how many were passed over."""
    passed: list[int] = []
    blocks = Blocks(most, budget or ByteBudget(most=most, each=most), lambda: passed.append(1))
    found = [block for begin in range(0, len(stream), at) for block in blocks.take(stream[begin : begin + at])]
    blocks.close()
    return found, len(passed)


@pytest.mark.parametrize("at", [1, 2, 3, 7, 1000])
def test_a_stream_is_cut_at_its_empty_lines_however_it_comes(at: int) -> None:
    assert cut(b"data: a\n\ndata: b\ndata: c\n\n\n\ndata: d", at=at) == ([b"data: a", b"data: b\ndata: c", b""], 0)


@pytest.mark.parametrize("at", [1, 1000, 65_536, 1_000_000])
def test_a_block_that_is_too_large_is_passed_over_and_the_next_one_is_read(at: int) -> None:
    stream = b"data: a\n\n" + b"x" * 70_000 + b"\n\n" + b"data: b\n\n"
    assert cut(stream, at=at, most=66_000) == ([b"data: a", b"data: b"], 1)
    assert cut(stream, at=at) == ([b"data: a", b"x" * 70_000, b"data: b"], 0)


def test_a_large_block_needs_room_until_it_is_complete() -> None:
    budget = ByteBudget(most=200_000, each=200_000)
    first = Blocks(200_000, budget, lambda: None)
    first.take(b"x" * 70_000)
    assert budget.bytes == 200_000
    large, small = b"y" * 70_000 + b"\n\n", b"z" * 60_000 + b"\n\n"
    assert cut(large + small, at=1000, budget=budget) == ([b"z" * 60_000], 1)
    assert first.take(b"\n\n") == [b"x" * 70_000]
    assert budget.bytes == 0
    assert cut(large + small, at=1000, budget=budget) == ([b"y" * 70_000, b"z" * 60_000], 0)
    first.take(b"x" * 70_000)
    first.close()
    assert budget.bytes == 0


def test_a_stream_that_trickles_takes_no_time() -> None:
    began = time.perf_counter()
    cut(b"x" * 190_000, at=1)
    assert time.perf_counter() - began < 2


class Sidecar:
    """A sidecar that answers with these parts, and records how many of them were taken."""

    def __init__(
        self, *parts: bytes, status: int = 200, headers: dict[str, str] | None = None, pause: float = 0.0
    ) -> None:
        self.parts, self.status, self.headers, self.pause = parts, status, headers or {}, pause
        self.taken = 0
        self.requests: list[httpx.Request] = []
        authority = new_authority(now=datetime.now(UTC))
        self.client = Sidecars(ca_certificate=authority.certificate_pem, master_key=b"m" * 32)
        transport = httpx.MockTransport(self._answer)
        self.client._client = self.client._streams = httpx.AsyncClient(transport=transport)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, headers=self.headers, content=self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part
            await asyncio.sleep(self.pause)

    async def send(self) -> Answer:
        return await self.client.send(
            ip="192.0.2.1", pod_uid="pod", content="hello", kind="user", idempotency_key="one"
        )


KIB = b"x" * 1024


@pytest.mark.parametrize(
    "headers",
    [pytest.param({}, id="no size announced"), pytest.param({"Content-Length": str(1 << 30)}, id="an enormous one")],
)
async def test_an_answer_without_an_end_is_not_read_on(headers: dict[str, str]) -> None:
    sidecar = Sidecar(*[KIB] * 100_000, headers=headers)
    with pytest.raises(NoAnswerError, match="more than 65536 bytes"):
        await sidecar.client.get("/status", ip="192.0.2.1", pod_uid="pod")
    assert sidecar.taken <= 65
    assert isinstance(await sidecar.send(), Failed)
    sidecar.taken = 0
    with pytest.raises(TooLargeError):
        await sidecar.client.messages(ip="192.0.2.1", pod_uid="pod")
    assert sidecar.taken <= MESSAGES_BYTES // 1024 + 1


async def test_no_answer_is_decompressed() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    for call in (
        lambda sidecar: sidecar.client.get("/status", ip="192.0.2.1", pod_uid="pod"),
        lambda sidecar: sidecar.client.messages(ip="192.0.2.1", pod_uid="pod"),
        lambda sidecar: anext(sidecar.client.events(ip="192.0.2.1", pod_uid="pod")),
    ):
        sidecar = Sidecar(bomb, headers={"Content-Encoding": "gzip"})
        with pytest.raises(NoAnswerError, match="compressed"):
            await call(sidecar)
        assert sidecar.requests[0].headers["accept-encoding"] == "identity"
        assert sidecar.taken == 0


def test_an_answer_that_trickles_is_given_up() -> None:
    async def live() -> None:
        sidecar = Sidecar(*[b" "] * 1000, pause=1.0)
        began = now()
        assert await sidecar.send() == Failed("the sidecar cannot be reached: the answer took more than 60 s")
        with pytest.raises(NoAnswerError, match="took more than 60 s"):
            await sidecar.client.get("/status", ip="192.0.2.1", pod_uid="pod")
        assert now() - began == pytest.approx(120)

    in_no_time(live())


async def test_room_is_made_for_what_is_announced_and_for_the_most_otherwise() -> None:
    sizes: list[int] = []

    async def room(size: int) -> None:
        sizes.append(size)

    for headers in ({"Content-Length": "4"}, {}):
        text = await Sidecar(b"{  }", headers=headers).client.messages(ip="192.0.2.1", pod_uid="pod", room=room)
        assert text == b"{  }"
    assert sizes == [4, MESSAGES_BYTES]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        pytest.param(b"[" * 60_000, "the sidecar answered 200 without JSON", id="deeply nested"),
        pytest.param(b"no JSON", "the sidecar answered 200 without JSON", id="no JSON"),
    ],
)
async def test_what_is_no_json(body: bytes, cause: str) -> None:
    assert await Sidecar(body).send() == Failed(cause)
    with pytest.raises(NoAnswerError):
        await Sidecar(body).client.get("/status", ip="192.0.2.1", pod_uid="pod")


async def test_the_words_of_a_refusal_are_shortened() -> None:
    refused = await Sidecar(json.dumps({"detail": "x" * 60_000}).encode(), status=422).send()
    assert isinstance(refused, Refused)
    assert len(refused.cause) <= text_limits.MAX_MESSAGE_CHARACTERS


@pytest.mark.parametrize("what", ["a call", "a stream"])
async def test_a_call_that_is_cancelled_in_the_handshake_leaves_no_connection(what: str) -> None:
    hello, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            hello.set()
        gone.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    authority = new_authority(now=datetime.now(UTC))
    port = server.sockets[0].getsockname()[1]
    client = Sidecars(ca_certificate=authority.certificate_pem, master_key=b"m" * 32, port=port)
    where = {"ip": "127.0.0.1", "pod_uid": "pod"}
    calling = asyncio.ensure_future(
        client.get("/status", **where) if what == "a call" else anext(client.events(**where))
    )
    gc.disable()
    try:
        await asyncio.wait_for(hello.wait(), 5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.wait_for(gone.wait(), 5)
    finally:
        gc.enable()
        await client.close()
        server.close()
