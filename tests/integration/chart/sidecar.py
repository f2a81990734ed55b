"""What the sidecar of a Pod says to the gateway."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx

from integration.chart.installation import Cluster


class Sidecar:
    """The sidecar of a Pod, enrolled with the Pod's own token; it ends with its block."""

    def __init__(self, cluster: Cluster, url: str, namespace: str, pod: str) -> None:
        token = cluster.must(
            "create", "token", "default", "-n", namespace, "--audience=taskyard",
            "--bound-object-kind=Pod", f"--bound-object-name={pod}",
        ).strip()  # fmt: skip
        # The server's identity is tested elsewhere.
        self._client = httpx.Client(base_url=url, verify=False, trust_env=False, timeout=20)
        enrolled = self._ask(
            "POST", "/api/v1alpha1/enroll", token, {"protocolVersions": [1], "sidecarVersion": "0.1.0"}
        ).json()
        self._token, self._uid = enrolled["token"], enrolled["task"]["uid"]

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def report(self, state: str, message: str) -> None:
        """Reports the agent's state."""
        body = {"app_slug": "taskyard", "state": state, "message": message, "uri": ""}
        self._ask("PATCH", "/api/v2/workspaceagents/me/app-status", self._token, body)

    def snapshot(self, content: str) -> None:
        """Has a conversation of one message stored."""
        message = {"id": 0, "content": content, "role": "agent", "time": "2026-01-01T00:00:00Z"}
        path = f"/api/v2/workspaceagents/me/tasks/{self._uid}/log-snapshot?format=agentapi"
        self._ask("POST", path, self._token, {"messages": [message]})

    def _ask(self, method: str, path: str, token: str, body: dict[str, Any]) -> httpx.Response:
        answer = self._client.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body)
        assert answer.is_success, answer.text
        return answer
