"""Servers on loopback that say nothing: connections are taken, or not even that, and nothing is ever answered."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Self


class SilentServer:
    """`accepts` is whether a connection is taken from the kernel's queue, and what comes by it is read. Without that a
    client is connected all the same: it is the kernel that greets it. `connections` counts those that were taken."""

    def __init__(self, *, accepts: bool, port: int = 0) -> None:
        self.accepts = accepts
        self.connections = 0
        self.octets = 0
        self._listening = socket.create_server(("127.0.0.1", port), backlog=16)
        self.port: int = self._listening.getsockname()[1]
        self._taken: list[socket.socket] = []

    def __enter__(self) -> Self:
        if self.accepts:
            threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # To close it would not wake the thread that waits for a connection.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for taken in list(self._taken):
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
            taken.close()

    @property
    def has_clients(self) -> bool:
        """Whether somebody has connected."""
        if self.accepts:
            return self.connections > 0
        # Nothing is taken, so the kernel has it: the queue of a listening socket is what /proc shows as received.
        return waiting(self.port) > 0

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                self._taken.append(taken)
                self.connections += 1
                threading.Thread(target=self._read, args=(taken,), daemon=True).start()

    def _read(self, taken: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while read := taken.recv(1 << 16):
                self.octets += len(read)


def waiting(port: int) -> int:
    """The connections to a loopback port that nobody has taken yet."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = "0A"
    return sum(
        int(row[4].partition(":")[2], 16)
        for row in rows
        if row[3] == listening and int(row[1].partition(":")[2], 16) == port
    )
