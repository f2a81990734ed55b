"""The prompts of Tasks. Short ones are part of what the cache keeps of a Task; of the long ones it holds as many as fit
into a number of bytes, the newest, and the others are read from the API server when somebody asks for them.
"""

import asyncio
from collections.abc import Sequence

from taskyard.core.api_object import packed, unpacked
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest.cache.long_prompts import LongPrompts
from taskyard.gateway.rest.cache.objects.task import TaskView

_READ_AT_ONCE = 8


class Prompts:
    """The prompts of Tasks that the cache knows."""

    def __init__(self, cluster: Cluster, held: LongPrompts) -> None:
        self._cluster = cluster
        self._held = held

    async def of(self, task: TaskView) -> str:
        """The prompt of a Task: that of now where the Task has changed meanwhile, an empty one where it is gone. Raises
        ApiError."""
        text = task.packed_prompt
        if text is None:
            text = self._held.get(task.uid, task.version)
        return unpacked(text) if text is not None else await self._read(task)

    async def of_all(self, tasks: Sequence[TaskView]) -> dict[str, str]:
        """The long prompts among those of these Tasks, by UID. Raises ApiError."""
        found: dict[str, str] = {}
        long_ones = [task for task in tasks if task.packed_prompt is None]
        for begin in range(0, len(long_ones), _READ_AT_ONCE):
            part = long_ones[begin : begin + _READ_AT_ONCE]
            texts = await asyncio.gather(*map(self.of, part))
            found |= {task.uid: text for task, text in zip(part, texts, strict=True)}
        return found

    async def _read(self, task: TaskView) -> str:
        manifest = await self._cluster.task(task.namespace, task.name)
        if manifest is None or manifest["metadata"]["uid"] != task.uid:
            return ""
        text: str = manifest["spec"]["prompt"]
        self._held.hold(task.uid, int(manifest["metadata"]["resourceVersion"]), packed(text))
        return text
