"""A lost connection to the agent, in the words of drivers."""

import contextlib
from collections.abc import Iterator

from taskyard.sidecar.drivers.base import UnreachableError
from taskyard.sidecar.init.client import LostError


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """What is done within reaches the agent, or raises UnreachableError."""
    try:
        yield
    except LostError as error:
        raise UnreachableError(str(error)) from error
