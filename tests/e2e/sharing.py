"""Coordinates the pytest processes that share the one cluster: which one starts it, stops it, or must be alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from localcluster import locations

_FOLDER = locations.REPOSITORY / "build" / "e2e"


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Held while a test runs: in parallel to those of other processes, or alone."""
    with _opened("turn") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@contextmanager
def starting() -> Iterator[None]:
    """Held by the one process that looks for the cluster and starts it if there is none."""
    with _opened("start") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Use:
    """Registers this process as a user of the cluster. Created under :func:`starting`."""

    def __init__(self, *, found_running: bool) -> None:
        self._users = _opened("users")
        first = _is_free(self._users)
        self._found = _FOLDER / "found-running"
        if first and found_running:
            self._found.touch()
        elif first:
            self._found.unlink(missing_ok=True)
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def end(self) -> bool:
        """Unregisters this process. Returns whether the cluster should be stopped: this was the last user, and the
        first one had to start it. Called under :func:`starting`."""
        with self._users:
            return _is_free(self._users) and not self._found.exists()


def _opened(name: str) -> IO[str]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    return (_FOLDER / name).open("a")


def _is_free(file: IO[str]) -> bool:
    """Whether no other process held the lock; this one holds it then."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
