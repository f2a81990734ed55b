"""A client that survives restarts of the API server, like kubelets, sidecars and users with a shell."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from kube import Kube, Object

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
MERGE_PATCH = "application/merge-patch+json"


class RetryingKube(Kube):
    """Repeats requests that did not reach the API server, or that it was not ready for."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self._until = float("inf")

    def give_up(self) -> None:
        """Repeats no request from now on."""
        self._until = 0.0

    def send(self, method: str, path: str, body: Object | None = None) -> httpx.Response:
        """Makes one request; returns its answer, also of an error. An earlier attempt may have written already."""
        end = min(time.monotonic() + PATIENCE_SECONDS, self._until)
        headers = {"Content-Type": MERGE_PATCH if method == "PATCH" else "application/json"}
        while True:
            try:
                response = self._client.request(method, path, json=body, headers=headers)
                if response.status_code != 429 and response.status_code < 500:
                    return response
                fault: Exception = AssertionError(f"{method} {path}: {response.status_code}: {response.text}")
            except httpx.TransportError as error:
                fault = error
            if time.monotonic() > end:
                raise fault
            time.sleep(PAUSE_SECONDS)

    def read(self, path: str) -> Object | None:
        """An object or a list; None when it does not exist."""
        response = self.send("GET", path)
        if response.status_code == 404:
            return None
        assert response.is_success, f"GET {path}: {response.status_code}: {response.text}"
        found: Object = response.json()
        return found
