"""Requests over HTTP without TLS, on loopback. httpx's own functions read the machine's certificate authorities each
time, which takes 40 ms of a core; a test that polls takes that from the process for which it waits."""

from typing import Any

import httpx

SECONDS = 5.0


def request(method: str, url: str, *, timeout: float = SECONDS, **options: Any) -> httpx.Response:
    """Makes one request on a connection of its own; `options` are those of `httpx.request`."""
    assert url.startswith("http://"), url
    with httpx.Client(verify=False, trust_env=False, timeout=timeout) as client:  # there is no TLS
        return client.request(method, url, **options)


def get(url: str, **options: Any) -> httpx.Response:
    return request("GET", url, **options)


def post(url: str, **options: Any) -> httpx.Response:
    return request("POST", url, **options)


def delete(url: str, **options: Any) -> httpx.Response:
    return request("DELETE", url, **options)
