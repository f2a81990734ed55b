"""A client of server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    name: str
    data: Any
    id: str


class Stream:
    """The events of one response. The client's timeout limits the wait for each."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.retry = 0
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                if "retry" in fields:
                    self.retry = int(fields["retry"])
                if "event" in fields:
                    yield Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
                fields = {}

    def until(self, name: str, holds: Callable[[Any], Any] = lambda data: True) -> Event:
        """The next event of that name with data of which `holds` is true."""
        passed = []
        for event in self:
            if event.name == name and holds(event.data):
                return event
            passed.append((event.name, event.data))
        raise AssertionError(f"the stream ended without {name}: {passed}")


@contextmanager
def opened(client: httpx.Client, url: str, **headers: str) -> Iterator[Stream]:
    """Opens the stream at a URL."""
    with client.stream(
        "GET", url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        if answer.status_code != 200:
            answer.read()
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)
