"""Calls to the sidecars: over TLS, to exactly the intended Pod, with that Pod's key."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from taskyard.core.manifests import sidecar
from taskyard.core.security.keys import pod_key

# A sidecar sends a keep-alive comment every 15 s.
SILENCE_SECONDS = 45.0
EVENT_BYTES = 4_194_304
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


Answer = Accepted | NotReady | Refused | Failed


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
        try:
            response = await self._request(
                "POST",
                "/message",
                ip=ip,
                pod_uid=pod_uid,
                json={"content": content, "type": kind} | ({"answers": answers} if answers else {}),
                # A sidecar of version 0.1 ignores the name.
                headers={"Idempotency-Key": idempotency_key} | ({INPUT_NAME: name} if name else {}),
            )
            body = response.json()
        except httpx.HTTPError as error:
            return Failed(f"the sidecar cannot be reached: {_cause(error)}")
        except ValueError:
            return Failed(f"the sidecar answered {response.status_code} without JSON")
        return read(response.status_code, body if isinstance(body, dict) else {}, kind=kind)

    async def get(self, path: str, *, ip: str, pod_uid: str) -> dict[str, Any]:
        """The JSON object that a route responds with. Raises UnreachableError and NoAnswerError."""
        try:
            response = await self._request("GET", path, ip=ip, pod_uid=pod_uid)
            body = response.json()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError(_cause(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(_cause(error)) from error
        except ValueError as error:
            raise NoAnswerError(f"status {response.status_code} without JSON") from error
        if response.status_code != 200 or not isinstance(body, dict):
            raise NoAnswerError(f"status {response.status_code}")
        return body

    async def events(self, *, ip: str, pod_uid: str) -> AsyncIterator[tuple[str, str]]:
        """The conversation's events from its beginning, as name and data of each server-sent event, until the sidecar
        ends the stream. Raises UnreachableError and NoAnswerError."""
        try:
            async with self._streams.stream(
                "GET",
                self._url("/events", ip),
                headers=self._credentials(pod_uid),
                extensions={"sni_hostname": pod_uid},
            ) as response:
                if response.status_code != 200:
                    raise NoAnswerError(f"status {response.status_code}")
                rest = b""
                async for part in response.aiter_bytes():
                    *blocks, rest = (rest + part).split(b"\n\n")
                    for block in blocks:
                        if event := event_of(block.decode(errors="replace")):
                            yield event
                    if len(rest) > EVENT_BYTES:
                        raise NoAnswerError("an event without an end")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError(_cause(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswerError(_cause(error)) from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        ip: str,
        pod_uid: str,
        json: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return await self._client.request(
            method,
            self._url(path, ip),
            json=json,
            headers={**self._credentials(pod_uid), **(headers or {})},
            extensions={"sni_hostname": pod_uid},
        )

    def _url(self, path: str, ip: str) -> str:
        host = f"[{ip}]" if ":" in ip else ip
        return f"https://{host}:{self._port}{path}"

    def _credentials(self, pod_uid: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {pod_key(self._master_key, pod_uid)}"}


def read(status: int, body: dict[str, object], *, kind: str = "user") -> Answer:
    """What a sidecar's response to a message of that kind means (docs/contracts.md)."""
    detail = str(body.get("detail") or body.get("title") or f"status {status}")
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


def _cause(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
