"""Objects written straight into etcd: the API server serves them like any others, at a hundredth of the time."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import httpx

# etcd's limits of one transaction are 128 operations and 1.5 MiB.
MAX_OPERATIONS = 128
MAX_BYTES = 1_000_000
WRITERS = 4

Entry = tuple[str, bytes]


class Etcd:
    """A client of etcd's JSON gateway."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def put(self, entries: Iterable[Entry]) -> None:
        """Stores the values under their keys, WRITERS transactions at a time."""
        writing: deque[Future[None]] = deque()
        with ThreadPoolExecutor(WRITERS) as threads:
            for batch in batches(entries):
                # Entries are made as they are needed: all of them together may be larger than the memory.
                if len(writing) == WRITERS:
                    writing.popleft().result()
                writing.append(threads.submit(self._put, batch))
            for written in writing:
                written.result()

    def delete(self, *prefixes: str) -> None:
        """Deletes all keys that start with one of the prefixes."""
        for prefix in prefixes:
            key = prefix.encode()
            end = key[:-1] + bytes([key[-1] + 1])
            self._call("deleterange", {"key": _text(key), "range_end": _text(end)})

    def _put(self, batch: list[Entry]) -> None:
        operations = [{"requestPut": {"key": _text(key.encode()), "value": _text(value)}} for key, value in batch]
        self._call("txn", {"success": operations})

    def _call(self, what: str, body: dict[str, Any]) -> None:
        response = self._client.post(f"/v3/kv/{what}", json=body)
        assert response.is_success, f"etcd: {what}: {response.status_code}: {response.text[:500]}"


def batches(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    """The entries in groups that fit into one transaction each; an entry that is larger is alone."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MAX_OPERATIONS or size + len(entry[1]) > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry[1])
    if batch:
        yield batch


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
