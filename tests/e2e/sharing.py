"""The one cluster and the pytest processes that use it at a time: who starts it, who ends it, who must be alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from localcluster import locations

_FOLDER = locations.REPOSITORY / "build" / "e2e"


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """While a test runs: beside those of other processes, or with none of them."""
    with _opened("turn") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@contextmanager
def starting() -> Iterator[None]:
    """One process at a time looks for the cluster, and brings it up where there is none."""
    with _opened("start") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Use:
    """This process uses the cluster. Made under :func:`starting`."""

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
        """Whether the cluster is to be ended now: this was the last user, and the first one had to start it. Called
        under :func:`starting`."""
        with self._users:
            return _is_free(self._users) and not self._found.exists()


def _opened(name: str) -> IO[str]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    return (_FOLDER / name).open("a")


def _is_free(file: IO[str]) -> bool:
    """Whether no other process holds the lock; this one does then."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
