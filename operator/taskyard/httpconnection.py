"""One connection of an HTTP server: uvicorn's, bounded against a client that is slow, and with fewer writes."""

import asyncio
import contextlib
import fcntl
import socket
import sys
import termios
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# How long a client may take nothing of an answer.
WRITE_TIMEOUT = 30.0
WRITE_BUFFER = 32_768

_HEAD_BYTES = 16_384
_CLOSE_SECONDS = 1.0


class Connection(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection on which no whole request head arrives in time, or one without an end, or a
    body goes on that nobody waits for, or whose answer is not taken.

    uvicorn alone waits for the first head, or the rest of one, and for room to send, for as long as the client likes,
    and takes a head of any size.
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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._socket = transport.get_extra_info("socket")
        # What a client that does not read costs; asyncio's own is half a MiB.
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        # It stops uvicorn's clock for connections that are idle, whatever it is.
        super().data_received(data)
        if self._in_head and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")
        elif self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close it would be to wait until the rest is taken.
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
        self.closed.set()

    def shutdown(self) -> None:
        super().shutdown()
        if not self._is_answering():
            self._close_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close_soon()

    # What the parser finds.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        # What follows a chunked body would be taken for a part of the head, which whoever stands before us has judged.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        self.cycle.transport = _Joined(self.transport, self.loop)  # type: ignore[assignment]

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
        # Closing TLS waits half a minute for the client's consent, which one that is idle does not give.
        self._drop_once_taken(self.loop.time() + WRITE_TIMEOUT)

    def _drop_once_taken(self, latest: float) -> None:
        self._close_timer = self.loop.call_later(_CLOSE_SECONDS, self._drop_if_taken, latest)

    def _drop_if_taken(self, latest: float) -> None:
        # A client may still be taking an answer that uvicorn has done with.
        if self.loop.time() < latest and _unacknowledged(self._socket):
            self._drop_once_taken(latest)
        else:
            self._drop()

    def _drop(self) -> None:
        """Ends the connection at once. A transport of TLS that was closed twice has lost its hold of the connection, so
        its socket is ended as well.
        """
        self.transport.abort()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class _Joined:
    """The transport of one answer: what is written in one go, as head and body are, is one record of TLS and one call
    of the system.
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
            # More may come before the loop goes on; what does not is not waited for.
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
    """Bytes that the client does not have yet; more may wait in the process whenever there are any."""
    if connection.fileno() < 0:
        return 0
    return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
