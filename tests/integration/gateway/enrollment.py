"""Enrolment, as a sidecar does it."""

import time
from typing import Any

import httpx

BODY = {"protocolVersions": [1], "sidecarVersion": "0.1.0"}


def ask(client: httpx.Client, token: str, body: Any = BODY) -> httpx.Response:
    return client.post("/api/v1alpha1/enroll", headers={"Authorization": f"Bearer {token}"}, json=body)


def enroll(client: httpx.Client, token: str, body: Any = BODY) -> httpx.Response:
    """Enrols, and repeats the request on 429 like a sidecar, since all tests share one address."""
    while (response := ask(client, token, body)).status_code == 429:
        time.sleep(float(response.headers["retry-after"]))
    return response
