"""A server of the AgentAPI contract, as a client sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

PATIENCE = 20.0
T = TypeVar("T")
Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    client: httpx.Client
    extensions: dict[str, str]
    ours: bool

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self.client.request(method, path, extensions=self.extensions, **arguments)

    def get(self, path: str) -> Any:
        response = self.request("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, content: Any, kind: str = "user") -> httpx.Response:
        return self.request("POST", "/message", json={"content": content, "type": kind})

    def messages(self) -> list[dict[str, Any]]:
        return list(self.get("/messages")["messages"])

    def said(self, role: str) -> list[str]:
        return [message["content"] for message in self.messages() if message["role"] == role]

    def until(self, what: str, look: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
            time.sleep(0.05)
        return found

    def until_stable(self) -> None:
        self.until("the agent to wait for input", lambda: self.get("/status")["status"] == "stable")

    @contextmanager
    def events(self, path: str = "/events") -> Iterator[Iterator[Event]]:
        with self.client.stream("GET", path, extensions=self.extensions) as response:
            assert response.status_code == 200
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield _events(response)


def _events(response: httpx.Response) -> Iterator[Event]:
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            yield name, json.loads(value)
