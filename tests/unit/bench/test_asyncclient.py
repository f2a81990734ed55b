"""Names, read from a watch that arrives in pieces."""

import json
from collections.abc import AsyncIterator

from bench import asyncclient


class Content:
    """A response that arrives in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def event(kind: str, name: str) -> bytes:
    owner = [{"kind": "Task", "name": "owner"}]
    found = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "ownerReferences": owner}}
    return json.dumps({"type": kind, "object": found}, separators=(",", ":")).encode() + b"\n"


async def test_added_objects_are_named_wherever_the_pieces_end() -> None:
    whole = event("ADDED", "one") + event("MODIFIED", "one") + event("DELETED", "one") + event("ADDED", "two")
    for cut in range(len(whole)):
        names: list[str] = []
        await asyncclient._names(Content(whole[:cut], whole[cut:]), lambda name, at, names=names: names.append(name))
        assert names == ["one", "two"], cut
