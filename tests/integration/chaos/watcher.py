"""A watch of one kind that survives restarts of the API server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import httpx

from kube import Kube, Object

# (ADDED, MODIFIED or DELETED, the object); after a gap an object may be reported as ADDED again.
Listener = Callable[[str, Object], None]

WATCH_SECONDS = 10
PAUSE_SECONDS = 0.05


class Watcher:
    """Passes every event to all listeners, in the API server's order, from its own thread."""

    def __init__(self, kube: Kube, plural: str, namespace: str, *listeners: Listener) -> None:
        self._path = kube.path(plural, namespace)
        self._listeners = listeners
        self._client = httpx.Client(base_url=kube.server, verify=kube.context, timeout=30, trust_env=False)
        self._known: dict[str, Object] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(WATCH_SECONDS + 5)
        self._client.close()

    def _run(self) -> None:
        version: str | None = None
        while not self._ended.is_set():
            try:
                version = self._follow(version if version is not None else self._list())
            except (httpx.HTTPError, ValueError):
                # A resource version that is still valid after a restart continues without a gap; the server reports
                # when it is not.
                time.sleep(PAUSE_SECONDS)

    def _list(self) -> str:
        answer = self._client.get(self._path).raise_for_status().json()
        present = {manifest["metadata"]["uid"] for manifest in answer["items"]}
        for uid in self._known.keys() - present:
            self._tell("DELETED", self._known[uid])
        for manifest in answer["items"]:
            self._tell("ADDED", manifest)
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> str | None:
        """Runs one watch; returns the resource version to continue from, None when a list is needed."""
        self._version = version
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
            "allowWatchBookmarks": "true",
        }
        try:
            with self._client.stream("GET", self._path, params=query) as response:
                if response.status_code != 200:
                    time.sleep(PAUSE_SECONDS)
                    return None if response.status_code == 410 else version
                for line in response.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return None
                    self._version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._tell(event["type"], event["object"])
                    if self._ended.is_set():
                        break
        except (httpx.HTTPError, ValueError):
            time.sleep(PAUSE_SECONDS)
        return self._version

    def _tell(self, kind: str, manifest: Object) -> None:
        uid = manifest["metadata"]["uid"]
        if kind == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = manifest
        for listener in self._listeners:
            listener(kind, manifest)
