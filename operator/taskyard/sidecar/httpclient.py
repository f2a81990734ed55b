"""A client of HTTP/1.1 for one server: all that the sidecar needs of one. httpx, with what it loads, would take a
quarter of the time that a sidecar needs to start, and a tenth of its memory.

No proxies, no redirects, no cookies, no compression.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httptools

_READ_BYTES = _HEAD_BYTES = 65_536
_FIRST_FINAL = 200
_OTHER_ADDRESS_SECONDS = 0.25
_LINE_END = re.compile(r"[\0\r\n]")
_PORTS = {"http": 80, "https": 443}


class RequestError(Exception):
    """No whole answer came, or none that is HTTP; the server may have acted nevertheless."""


class ConnectError(RequestError):
    """There is no connection to the server, which has not seen the request."""


class AnswerTimeoutError(RequestError):
    """The server did not answer, or did not go on with its answer, in time."""


class Response:
    """An answer. The names in `headers` are in lower case; of several of one name it has the last."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError(str(error)) from error


class HttpClient:
    """Sends requests to one server, at most `most` at a time.

    A connection that has answered is used again for `keep_alive` seconds, in which the server must not close it, or
    else a request could be lost; 0 for never. Connecting may take `connect_seconds`, each step of an answer `seconds`,
    and an answer's body may have `most_bytes`.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        connect_seconds: float,
        seconds: float,
        keep_alive: float = 0.0,
        most: int = 4,
        most_bytes: int,
    ) -> None:
        """`url` is followed by the paths of the requests. Raises ValueError for one without a host or with a wrong
        port."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url} is not the URL of a server")
        self._tls = tls if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._path = parts.path.rstrip("/")
        self._headers = {"Host": parts.netloc.rpartition("@")[2], "Accept": "*/*", **(headers or {})}
        self._connect_seconds = connect_seconds
        self._seconds = seconds
        self._keep_alive = keep_alive
        self._turns = asyncio.Semaphore(most)
        self._most_bytes = most_bytes
        # The connection that is free, and until when it may be used.
        self._free: _Connection | None = None
        self._free_until = 0.0

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes = b"",
        seconds: float | None = None,
    ) -> Response:
        """Sends `json` as JSON, or `content`. `seconds` may be others than those of the client. Raises RequestError."""
        given = dict(headers or {})
        if json is not None:
            content, given = _json(json), {"Content-Type": "application/json", **given}
        head = _head(method, self._path + path, {**self._headers, **given, "Content-Length": str(len(content))})
        async with self._turns:
            connection = await self._take_free() or await self._connect()
            is_whole = False
            try:
                response = await connection.exchange(
                    head + content, seconds=self._seconds if seconds is None else seconds, most_bytes=self._most_bytes
                )
                is_whole = connection.is_reusable and self._keep_alive > 0
            finally:
                # After an error, or when it was cancelled, the rest of the answer may still come.
                if is_whole:
                    self._set_free(connection)
                else:
                    connection.close()
        return response

    async def close(self) -> None:
        """Ends the connection that is free."""
        if self._free is not None:
            self._free.close()
            self._free = None

    async def _take_free(self) -> "_Connection | None":
        connection, self._free = self._free, None
        if connection is None:
            return None
        if asyncio.get_running_loop().time() < self._free_until and await connection.is_quiet():
            return connection
        connection.close()
        return None

    def _set_free(self, connection: "_Connection") -> None:
        if self._free is not None:
            self._free.close()
        self._free, self._free_until = connection, asyncio.get_running_loop().time() + self._keep_alive

    async def _connect(self) -> "_Connection":
        try:
            async with asyncio.timeout(self._connect_seconds):
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls, happy_eyeballs_delay=_OTHER_ADDRESS_SECONDS
                )
        except TimeoutError as error:
            raise ConnectError(f"no connection within {self._connect_seconds:g} s") from error
        except (OSError, UnicodeError) as error:
            raise ConnectError(str(error) or type(error).__name__) from error
        return _Connection(reader, writer)


class _Connection:
    """A connection, and the answer that is being read from it: these are callbacks of httptools."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.is_reusable = False

    async def is_quiet(self) -> bool:
        """Whether the server has neither closed the connection nor sent anything that nobody asked for."""
        try:
            async with asyncio.timeout(0):
                await self._reader.read(1)
        except TimeoutError:
            return not self._writer.is_closing()
        except OSError:
            pass
        return False

    def close(self) -> None:
        # An orderly end of TLS would wait for the server's.
        self._writer.transport.abort()

    async def exchange(self, request: bytes, *, seconds: float, most_bytes: int) -> Response:
        """Raises RequestError."""
        self._begin()
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(request)
                await self._writer.drain()
            while not self._is_complete:
                async with asyncio.timeout(seconds):
                    data = await self._reader.read(_READ_BYTES)
                if not data:
                    self._check_end()
                    break
                self._take(data)
                if self._body_bytes > most_bytes:
                    raise RequestError(f"the answer has more than {most_bytes} bytes")
        except TimeoutError as error:
            raise AnswerTimeoutError(f"no answer within {seconds:g} s") from error
        except OSError as error:
            raise RequestError(str(error) or type(error).__name__) from error
        return Response(self._status, b"".join(self._reason).decode("latin-1"), self._headers, b"".join(self._body))

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._reason: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head_bytes = self._body_bytes = 0
        self._is_in_body = self._is_complete = self.is_reusable = False

    def _take(self, data: bytes) -> None:
        if not self._is_in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.is_reusable = False
            # What follows a whole answer, nobody has asked for.
            if not self._is_complete:
                raise RequestError(f"the answer is not HTTP: {error}") from error
        if self._head_bytes > _HEAD_BYTES and not self._is_in_body:
            raise RequestError(f"the answer's head has more than {_HEAD_BYTES} bytes")

    def _check_end(self) -> None:
        # A body without a length ends with the connection.
        has_length = "content-length" in self._headers or "transfer-encoding" in self._headers
        if not self._is_in_body or has_length:
            raise RequestError("the server closed the connection before the end of its answer")

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise ValueError("a second answer")

    def on_status(self, reason: bytes) -> None:
        self._reason.append(reason)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Those after a chunked body are none of the answer's.
        if not self._is_in_body:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._is_in_body = True

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._body_bytes += len(data)

    def on_message_complete(self) -> None:
        if self._status < _FIRST_FINAL:
            # The server goes on with another answer (100 Continue, 103 Early Hints).
            self._reason, self._headers, self._is_in_body = [], {}, False
            return
        self._is_complete = True
        self.is_reusable = self._parser.should_keep_alive()


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    try:
        if not any(map(_LINE_END.search, lines)):
            return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeError:
        pass
    raise ConnectError("a header has characters that cannot be sent")
