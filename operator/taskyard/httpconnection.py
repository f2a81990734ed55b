"""One connection of an HTTP server: uvicorn's, protected against a slow client, and with fewer writes."""

import asyncio
import contextlib
import fcntl
import functools
import socket
import sys
import termios
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# Seconds for which a client may read nothing of a response.
WRITE_TIMEOUT = 30.0
WRITE_BUFFER = 32_768

# In the `extensions` of a request that asks for an upgrade: how to leave HTTP, as `{"take_over": f}`, where f() returns
# an `Upgraded`. What the application writes from then on is sent as it is, and what the client sends is its to read.
# Nothing of the request may have been answered yet.
UPGRADE = "taskyard.upgrade"

_HEAD_BYTES = 16_384
# What a client may send, after the upgrade, before it is looked at.
_UPGRADED_BYTES = 4096
_CLOSE_SECONDS = 1.0


class Connection(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection when a request's head does not arrive in time or is too large, when a body
    continues that nobody waits for, or when the client does not read the response.

    uvicorn alone waits for the first head, or the rest of one, and for room to send, for as long as the client likes,
    and accepts a head of any size.
    """

    def __init__(self, *arguments: Any, patience: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.closed = asyncio.Event()
        self._patience = patience
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._upgraded: Upgraded | None = None
        # The request whose client sent more before it was answered.
        self._hasty: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._socket = transport.get_extra_info("socket")
        # The memory that a client costs which does not read; asyncio's default is half a MiB.
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._upgraded is not None:
            self._upgraded.take(data)
            return
        if self._in_head:
            self._head_bytes += len(data)
        if self._is_answering() and not self.cycle.more_body:
            self._hasty = self.cycle
        # Any data stops uvicorn's timer for idle connections.
        super().data_received(data)
        if self._in_head and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")
        elif self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        # Closing the transport would wait until the client has read the rest.
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT, self._drop)

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_write_timer()
        if self._close_timer is not None:
            self._close_timer.cancel()
        super().connection_lost(exc)
        if self._upgraded is not None:
            self._upgraded.end()
        self.closed.set()

    def shutdown(self) -> None:
        super().shutdown()
        if not self._is_answering():
            self._close_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close_soon()

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers of a chunked body would be taken for headers, which a proxy in front of us has already checked.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        self.cycle.transport = _Joined(self.transport, self.loop)  # type: ignore[assignment]
        if self.parser.should_upgrade():
            self.scope["extensions"] = {UPGRADE: {"take_over": functools.partial(self._take_over, self.cycle)}}

    def _take_over(self, cycle: RequestResponseCycle) -> "Upgraded":
        # uvicorn takes the request for answered, and waits for no other on this connection.
        cycle.disconnected = True
        self._upgraded = Upgraded(self.transport, self._close_upgraded)
        # While the request was looked at, the client may have gone on with HTTP, or have left.
        goes_on = cycle is self._hasty or cycle is not self.cycle
        if goes_on:
            self._drop()
        if goes_on or self.closed.is_set() or self.transport.is_closing():
            self._upgraded.end()
        return self._upgraded

    def _close_upgraded(self) -> None:
        if not self.closed.is_set():
            self.transport.close()
            self._close_soon()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._patience, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._is_answering():
            self._drop()

    def _close_soon(self) -> None:
        # Closing TLS waits half a minute for the client's close_notify, which an idle client does not send.
        self._drop_once_taken(self.loop.time() + WRITE_TIMEOUT)

    def _drop_once_taken(self, latest: float) -> None:
        self._close_timer = self.loop.call_later(_CLOSE_SECONDS, self._drop_if_taken, latest)

    def _drop_if_taken(self, latest: float) -> None:
        # A client may still be reading a response that uvicorn has finished.
        if self.loop.time() < latest and _unacknowledged(self._socket):
            self._drop_once_taken(latest)
        else:
            self._drop()

    def _drop(self) -> None:
        """Ends the connection at once. A TLS transport that was closed twice no longer controls the connection, so the
        socket is shut down as well.
        """
        self.transport.abort()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class Upgraded:
    """A connection that speaks another protocol than HTTP. `has_ended` once the client has gone."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.has_ended = False
        self.close = close
        """Ends the connection once all has been sent, or the client has had time to take it."""
        self._transport = transport
        self._received = bytearray()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Waits until data arrives, or the connection ends."""
        await self._changed.wait()
        self._changed.clear()

    def write(self, data: bytes) -> None:
        """Sends as soon as the client takes it."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def read(self, size: int) -> bytes | None:
        """Removes that many bytes from what has arrived; None if there are not as many."""
        if len(self._received) < size:
            return None
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def peek(self, size: int) -> bytes:
        """At most that many bytes of what has arrived."""
        return bytes(self._received[:size])

    def take(self, data: bytes) -> None:
        """Data has arrived. A client that sends more than is read loses the connection."""
        self._received += data
        self._changed.set()
        if len(self._received) > _UPGRADED_BYTES:
            self._transport.abort()

    def end(self) -> None:
        """The connection has ended."""
        self.has_ended = True
        self._changed.set()


class _Joined:
    """The transport of one response: what is written in one go, as head and body are, becomes one TLS record and one
    system call.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._first: bytes | None = None
        self._is_begun = False

    def write(self, data: bytes) -> None:
        if self._first is not None:
            data, self._first = self._first + data, None
        elif not self._is_begun:
            # More may be written before the loop continues; nothing is waited for beyond that.
            self._is_begun, self._first = True, data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._first is not None:
            data, self._first = self._first, None
            self._transport.write(data)


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes that the client has not acknowledged; while there are any, more may wait in the process."""
    if connection.fileno() < 0:
        return 0
    return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
