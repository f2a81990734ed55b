"""A client of the Coder Tasks API, written from its contract alone: only its token comes from Kubernetes."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from auditrun import RUN

Object = dict[str, Any]
SECONDS = 60.0


class TasksClient:
    """Accesses Tasks with one session token."""

    def __init__(self, url: str, *, token: str, tls: ssl.SSLContext, host: str) -> None:
        self._url = url
        self._http = httpx.Client(
            base_url=f"{url}/api/v2",
            headers={"Coder-Session-Token": token},
            verify=tls,
            timeout=60,
            trust_env=False,
            event_hooks=RUN.hooks(),
        )
        # The name to expect in the certificate, if it differs from the address.
        self._extensions = {"sni_hostname": host}

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Object | None = None, *, status: int = 200) -> Any:
        """Makes one request; raises AssertionError for a status that the contract does not name."""
        answer = self._http.request(method, path, json=body, extensions=self._extensions)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def template_version(self, template: str) -> str:
        """The id of a template's active version."""
        found = [entry for entry in self.call("GET", "/templates") if entry["name"] == template]
        assert found, f"there is no template {template}"
        return str(found[0]["active_version_id"])

    def create(self, prompt: str, *, version: str, **fields: str) -> Object:
        body = {"template_version_id": version, "input": prompt, **fields}
        task: Object = self.call("POST", "/tasks/me", body, status=201)
        return task

    def task(self, name: str) -> Object:
        task: Object = self.call("GET", f"/tasks/me/{name}")
        return task

    def tasks(self, query: str = "") -> list[Object]:
        listed = self.call("GET", f"/tasks?q={query}")
        assert listed["count"] == len(listed["tasks"])
        tasks: list[Object] = listed["tasks"]
        return tasks

    def wait(self, name: str, what: str, holds: Callable[[Object], Any], seconds: float = SECONDS) -> Object:
        """Returns the Task once `holds` is true of it, polling like that API's clients."""
        end = time.monotonic() + seconds
        while not holds(task := self.task(name)):
            assert time.monotonic() < end, f"{what}: not within {seconds} s: {task}"
            time.sleep(0.1)
        return task

    def wait_ready(self, name: str) -> Object:
        """Returns the Task once it is active and its agent waits for input."""
        return self.wait(
            name,
            "active and idle",
            lambda task: task["status"] == "active" and (task["current_state"] or {}).get("state") == "idle",
        )

    def wait_status(self, name: str, status: str) -> Object:
        return self.wait(name, status, lambda task: task["status"] == status)

    @contextmanager
    def events(self, name: str) -> Iterator[Iterator[tuple[str, Any]]]:
        """Name and data of each event of a Task: the only route here that is not part of that API."""
        url = f"{self._url}/api/v1alpha1/tasks/me/{name}/events"
        with self._http.stream("GET", url, extensions=self._extensions) as answer:
            assert answer.status_code == 200, answer.read()
            yield _events(answer.iter_lines())

    def send(self, name: str, text: str) -> None:
        self.call("POST", f"/tasks/me/{name}/send", {"input": text}, status=204)

    def logs(self, name: str) -> Object:
        logs: Object = self.call("GET", f"/tasks/me/{name}/logs")
        return logs

    def wait_said(self, name: str, text: str, seconds: float = SECONDS) -> Object:
        """Returns the log once the agent has said `text`."""
        end = time.monotonic() + seconds
        while True:
            logs = self.logs(name)
            if any(text in entry["content"] for entry in logs["logs"] if entry["type"] == "output"):
                return logs
            assert time.monotonic() < end, f"the agent has not said {text!r}: {logs}"
            time.sleep(0.2)

    def pause(self, name: str) -> Object:
        build: Object = self.call("POST", f"/tasks/me/{name}/pause", status=202)["workspace_build"]
        return build

    def resume(self, name: str) -> Object:
        build: Object = self.call("POST", f"/tasks/me/{name}/resume", status=202)["workspace_build"]
        return build

    def edit(self, name: str, prompt: str) -> None:
        self.call("PATCH", f"/tasks/me/{name}/input", {"input": prompt}, status=204)

    def delete(self, name: str) -> None:
        self.call("DELETE", f"/tasks/me/{name}", status=202)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
