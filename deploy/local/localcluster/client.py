"""The few API server calls that the cluster itself makes, with only the standard library."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class RefusedError(Exception):
    """The API server answered with an error; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Client:
    """Calls one API server with a client certificate. Calls raise ``OSError`` when the server cannot be reached."""

    def __init__(self, server: str, *, authority: Path, certificate: Path, key: Path) -> None:
        self._server = server
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(certificate, key)

    def is_ready(self) -> bool:
        """Whether ``/readyz`` reports success; False also when nothing answers."""
        try:
            with self._open("GET", "/readyz", timeout=2):
                return True
        except (RefusedError, OSError):
            return False

    def get(self, path: str) -> dict[str, Any]:
        return self._json("GET", path)

    def create(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        return self._json("POST", path, value, "application/json")

    def apply(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        """Server-side apply at the object's own path; creates the object if it does not exist."""
        query = "?fieldManager=localcluster&force=true"
        return self._json("PATCH", path + query, value, "application/apply-patch+yaml")

    def delete(self, path: str) -> None:
        self._json("DELETE", path)

    def watch(self, path: str) -> Iterator[dict[str, Any]]:
        """Every object of a collection, then every change as it happens; ends after some minutes, or with an error.

        Yields objects; a deleted one is yielded in its last state.
        """
        listed = self.get(path)
        yield from listed["items"]
        version = listed["metadata"]["resourceVersion"]
        query = f"?watch=1&timeoutSeconds=300&allowWatchBookmarks=false&resourceVersion={version}"
        with self._open("GET", path + query, timeout=330) as answer:
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["object"]

    def _json(self, method: str, path: str, value: Any = None, kind: str = "application/json") -> dict[str, Any]:
        with self._open(method, path, value, kind) as answer:
            decoded: dict[str, Any] = json.loads(answer.read())
            return decoded

    def _open(
        self, method: str, path: str, value: Any = None, kind: str = "application/json", timeout: float = 10
    ) -> Any:
        request = urllib.request.Request(
            self._server + path,
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Content-Type": kind, "Accept": "application/json"},
        )
        # An address on this machine is reached without the environment's proxies.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        try:
            return opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, error.read(4096).decode(errors="replace")) from error
