"""The audit log of a gateway under test: the lines of its requests."""

import json
import time
import uuid
from typing import Any

import httpx

from auditsearch import BEGIN, SCHEMA
from integration.gateway.gatewayprocess import Gateway

Line = dict[str, Any]


def lines_of(log: str) -> list[Line]:
    """The lines of the audit log among those of a gateway's output; each is of the schema."""
    found = [json.loads(line) for line in log.splitlines() if line.startswith(BEGIN)]
    for line in found:
        SCHEMA.validate(line)
    return found


class Audit:
    """Makes requests, and finds the line of each by its identifier."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def of(self, client: httpx.Client, method: str, url: str, **options: Any) -> tuple[httpx.Response, list[Line]]:
        """The answer to a request, and its lines."""
        identifier = f"test-{uuid.uuid4().hex}"
        headers = {"X-Request-Id": identifier, **options.pop("headers", {})}
        answer = client.request(method, url, headers=headers, **options)
        assert answer.headers["X-Request-Id"] == identifier
        return answer, self.lines(identifier)

    def one(self, client: httpx.Client, method: str, url: str, **options: Any) -> Line:
        """The line of a request that has exactly one."""
        answer, lines = self.of(client, method, url, **options)
        assert len(lines) == 1, (answer.status_code, answer.text, lines)
        assert lines[0]["status"] == answer.status_code
        return lines[0]

    def lines(self, identifier: str) -> list[Line]:
        """The lines of a request that has been answered; its line may still be on its way."""
        until = time.monotonic() + 0.5
        while True:
            found = [line for line in lines_of(self._gateway.log.read_text()) if line["request"] == identifier]
            if found or time.monotonic() > until:
                return found
            time.sleep(0.02)
