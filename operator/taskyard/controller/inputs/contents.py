"""What the inputs that are being delivered say: the stores keep no content, and an agent that is not ready is asked
again every few seconds."""

from __future__ import annotations

from collections import OrderedDict

from taskyard.controller.cluster import Cluster
from taskyard.core.input_view import InputView
from taskyard.core.resources import TASK_INPUTS

MAX_CHARACTERS = 4 << 20


class Contents:
    """Contents by the UID of the input, read when they are needed; the least recently used go first."""

    def __init__(self, cluster: Cluster, *, max_characters: int = MAX_CHARACTERS) -> None:
        self._cluster = cluster
        self._max = max_characters
        self._held: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    async def of(self, entry: InputView) -> str | None:
        """What an input says; None when it is gone, or was replaced by another of its name. Raises ApiError."""
        if entry.uid in self._held:
            self._held.move_to_end(entry.uid)
            return self._held[entry.uid]
        found = await self._cluster.get(TASK_INPUTS, entry.namespace, entry.name)
        if found is None or found["metadata"]["uid"] != entry.uid:
            return None
        content: str = found["spec"]["content"]
        self.forget(entry)
        self._held[entry.uid] = content
        self._characters += len(content)
        while self._characters > self._max and len(self._held) > 1:
            self._characters -= len(self._held.popitem(last=False)[1])
        return content

    def forget(self, entry: InputView) -> None:
        """An input has ended."""
        self._characters -= len(self._held.pop(entry.uid, ""))
