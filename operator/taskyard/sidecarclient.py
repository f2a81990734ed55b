"""Calls to the sidecars: over TLS, to exactly the intended Pod, with that Pod's key."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from taskyard.bytebudget import BudgetExceededError, ByteBudget, Lease
from taskyard.core import text_limits
from taskyard.core.manifests import sidecar
from taskyard.core.security.keys import pod_key

# A sidecar sends a keep-alive comment every 15 s.
SILENCE_SECONDS = 45.0
# How long a whole call may take, however steadily its answer trickles.
CALL_SECONDS = 60.0
# A sidecar's answers other than its conversation are a few lines.
ANSWER_BYTES = 65_536
# A conversation has at most two million characters of up to four bytes, and ten thousand messages.
MESSAGES_BYTES = 12 << 20
# One message in the stream of a conversation, and one for which there is always room.
EVENT_BYTES = 1 << 20
SMALL_EVENT_BYTES = 65_536
# Nothing is decompressed: a few bytes could become many.
_AS_IT_IS = {"Accept-Encoding": "identity"}
INPUT_NAME = "Taskyard-Input"
CONTROL_UNKNOWN = (
    "The sidecar of the running Pod is older than type Control and does not know it; pause and resume the Task, then "
    "create another input."
)


@dataclass(frozen=True)
class Accepted:
    """The agent has the message; `in_doubt` when the outcome of an earlier attempt is unknown. `repeated`: the same
    input was delivered before under another key, which was not done again."""

    in_doubt: bool
    repeated: bool = False


@dataclass(frozen=True)
class NotReady:
    """The agent does not take input now; try again."""

    cause: str


@dataclass(frozen=True)
class Refused:
    """The message will never be accepted."""

    cause: str


@dataclass(frozen=True)
class Failed:
    """It is unknown whether the message arrived; it may be sent again with the same key."""

    cause: str


class UnreachableError(Exception):
    """No connection to the sidecar was made: nothing was sent to it."""


class NoAnswerError(Exception):
    """The sidecar gave no usable response; the text is one line."""


class TooLargeError(NoAnswerError):
    """The sidecar's answer is larger than it may be; the rest of it was not read."""


Answer = Accepted | NotReady | Refused | Failed

# Told the number of bytes that an answer is going to take, before they are read; may wait, or raise.
Room = Callable[[int], Awaitable[None]]


class Sidecars:
    """A client for all sidecars of the installation."""

    def __init__(self, *, ca_certificate: str, master_key: bytes, port: int = sidecar.PORT) -> None:
        self._master_key = master_key
        self._port = port
        context = ssl.create_default_context(cadata=ca_certificate)
        self._client = httpx.AsyncClient(
            verify=context,
            timeout=httpx.Timeout(45.0, connect=5.0),
            trust_env=False,
        )
        # Streams are long-lived, and must not use up the connections of the other calls.
        self._streams = httpx.AsyncClient(
            verify=context,
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=5.0),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()
        await self._streams.aclose()

    async def send(
        self,
        *,
        ip: str,
        pod_uid: str,
        content: str,
        kind: str,
        idempotency_key: str,
        answers: str | None = None,
        name: str | None = None,
    ) -> Answer:
        """Deliver one message; `answers` is the id of the question that it answers, `name` that of its TaskInput. A
        sidecar proves its identity by a certificate for its Pod's UID before it sees the key."""
        message = {"content": content, "type": kind} | ({"answers": answers} if answers else {})
        # A sidecar of version 0.1 ignores the name.
        headers = {"Idempotency-Key": idempotency_key} | ({INPUT_NAME: name} if name else {})
        try:
            status, text = await self._exchange(
                "POST", "/message", ip=ip, pod_uid=pod_uid, json=message, headers=headers, most=ANSWER_BYTES
            )
        except UnreachableError as error:
            return Failed(f"the sidecar cannot be reached: {error}")
        except TooLargeError as error:
            return Failed(f"the sidecar's answer cannot be used: {error}")
        except NoAnswerError as error:
            return Failed(f"the sidecar cannot be reached: {error}")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return Failed(f"the sidecar answered {status} without JSON")
        return read(status, body if isinstance(body, dict) else {}, kind=kind)

    async def get(self, path: str, *, ip: str, pod_uid: str) -> dict[str, Any]:
        """The JSON object that a route responds with, at most ANSWER_BYTES. Raises UnreachableError and
        NoAnswerError."""
        status, text = await self._exchange("GET", path, ip=ip, pod_uid=pod_uid, most=ANSWER_BYTES)
        try:
            body = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoAnswerError(f"status {status} without JSON") from error
        if status != 200 or not isinstance(body, dict):
            raise NoAnswerError(f"status {status}")
        return body

    async def messages(self, *, ip: str, pod_uid: str, room: Room | None = None) -> bytes:
        """The conversation as JSON, at most MESSAGES_BYTES; `room` is told how many bytes it takes before they are
        read. Raises UnreachableError, NoAnswerError (TooLargeError among them), and what `room` raises."""
        status, text = await self._exchange("GET", "/messages", ip=ip, pod_uid=pod_uid, most=MESSAGES_BYTES, room=room)
        if status != 200:
            raise NoAnswerError(f"status {status}")
        return text

    async def events(
        self,
        *,
        ip: str,
        pod_uid: str,
        budget: ByteBudget | None = None,
        passed_over: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[tuple[str, str]]:
        """The conversation's events from its beginning, as name and data of each server-sent event, until the sidecar
        ends the stream. One larger than EVENT_BYTES, or larger than SMALL_EVENT_BYTES while `budget` has no room for
        it, is left out, and `passed_over` is called. Raises UnreachableError and NoAnswerError."""
        blocks = Blocks(EVENT_BYTES, budget or ByteBudget(most=EVENT_BYTES, each=EVENT_BYTES), passed_over)
        try:
            async with self._streams.stream(
                "GET",
                self._url("/events", ip),
                headers=self._headers(pod_uid),
                extensions={"sni_hostname": pod_uid, "trace": _CancelledHandshake()},
            ) as response:
                if response.status_code != 200:
                    raise NoAnswerError(f"status {response.status_code}")
                _refuse_compressed(response)
                async for part in response.aiter_raw():
                    for block in blocks.take(part):
                        if event := event_of(block.decode(errors="replace")):
                            yield event
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError(_cause(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(_cause(error)) from error
        finally:
            blocks.close()

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        ip: str,
        pod_uid: str,
        most: int,
        json: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        room: Room | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of one call. Raises UnreachableError, NoAnswerError, and TooLargeError beyond `most` bytes,
        without reading on."""
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                self._client.stream(
                    method,
                    self._url(path, ip),
                    json=json,
                    headers=self._headers(pod_uid) | (headers or {}),
                    extensions={"sni_hostname": pod_uid, "trace": _CancelledHandshake()},
                ) as response,
            ):
                return response.status_code, await _body(response, most, room)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError(_cause(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(_cause(error)) from error
        except TimeoutError as error:
            raise NoAnswerError(f"the answer took more than {CALL_SECONDS:.0f} s") from error

    def _url(self, path: str, ip: str) -> str:
        host = f"[{ip}]" if ":" in ip else ip
        return f"https://{host}:{self._port}{path}"

    def _headers(self, pod_uid: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {pod_key(self._master_key, pod_uid)}"} | _AS_IT_IS


class _CancelledHandshake:
    """A trace of one request for httpx. httpcore closes a connection whose TLS handshake fails, but not one whose
    request was cancelled meanwhile: it would stay open until its memory is collected, which may take an hour."""

    def __init__(self) -> None:
        # A stream of httpcore.
        self._stream: Any = None

    async def __call__(self, event: str, details: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._stream = details["return_value"]
        elif event == "connection.start_tls.failed" and self._stream is not None:
            await self._stream.aclose()


class Blocks:
    """Cuts a stream of server-sent events at its empty lines. A block beyond `most` bytes, or beyond SMALL_EVENT_BYTES
    while `budget` has no room for it, is passed over: its bytes are dropped as they come."""

    def __init__(self, most: int, budget: ByteBudget, passed_over: Callable[[], None]) -> None:
        self._most = most
        self._budget = budget
        self._passed_over = passed_over
        self._rest = bytearray()
        self._searched = 0
        self._room: Lease | None = None
        self._dropping = False

    def take(self, part: bytes) -> list[bytes]:
        """The blocks that this part of the stream completes."""
        self._rest += part
        found = []
        while (end := self._rest.find(b"\n\n", self._searched)) >= 0:
            if self._has_room(end):
                found.append(bytes(self._rest[:end]))
            del self._rest[: end + 2]
            self._searched, self._dropping = 0, False
            self.close()
        if not self._has_room(len(self._rest)):
            # The last byte may be half of an empty line.
            del self._rest[:-1]
        self._searched = max(0, len(self._rest) - 1)
        return found

    def close(self) -> None:
        """Nothing is held for the block any more."""
        if self._room:
            self._room.release()
            self._room = None

    def _has_room(self, size: int) -> bool:
        """Whether the block, of which so many bytes have come, is kept."""
        if size > SMALL_EVENT_BYTES and not self._dropping:
            try:
                self._room = self._room or self._budget.try_lease(self, self._most)
            except BudgetExceededError:
                self._dropping = True
            self._dropping = self._dropping or size > self._most
            if self._dropping:
                self._passed_over()
                self.close()
        return not self._dropping


def read(status: int, body: dict[str, object], *, kind: str = "user") -> Answer:
    """What a sidecar's response to a message of that kind means (docs/contracts.md)."""
    detail = text_limits.message(str(body.get("detail") or body.get("title") or f"status {status}"))
    if status == 200:
        return Accepted(in_doubt=bool(body.get("inDoubt")), repeated=bool(body.get("deliveredBefore")))
    if status == 409:
        return NotReady(detail)
    if status == 422 and kind == "control" and _is_about(body, "body.type"):
        return Refused(CONTROL_UNKNOWN)
    if status in (400, 413, 422):
        return Refused(detail)
    return Failed(f"the sidecar answered {status}: {detail}")


def _is_about(body: dict[str, object], location: str) -> bool:
    """Whether a problem names that part of the request."""
    errors = body.get("errors")
    return isinstance(errors, list) and any(
        isinstance(error, dict) and error.get("location") == location for error in errors
    )


def event_of(block: str) -> tuple[str, str] | None:
    """Name and data of a server-sent event; None for a comment."""
    name, data = "message", []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return (name, "\n".join(data)) if data else None


async def _body(response: httpx.Response, most: int, room: Room | None) -> bytes:
    """The body, if it has at most so many bytes."""
    _refuse_compressed(response)
    announced = response.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else most
    too_large = TooLargeError(f"the answer has more than {most} bytes")
    if size > most:
        raise too_large
    if room:
        await room(size)
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > size:
            raise too_large
    return bytes(body)


def _refuse_compressed(response: httpx.Response) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise NoAnswerError(
            f"the answer is compressed ({text_limits.shortened(encoding, 40)}), which was not asked for"
        )


def _cause(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
