"""The events to send about one Task, given those sent before. Nothing is queued: each look sends the newest state."""

import collections
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.prompts import Prompts
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.streams.agent_messages import AgentMessages
from taskyard.gateway.rest.views import task as task_view
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views import workspace as workspace_view
from taskyard.watchcache.kind import Key, key_of

_MARK = re.compile(r"(\d{1,20})\.(\d{1,20})\.(\d{1,10})\.(\d{1,10})")


@dataclass(frozen=True)
class EventMark:
    """The position of a stream, as the ids of its events state it: the resourceVersion of the Task, the newest one of
    its builds, the number of the start build whose conversation it follows, and how many of its messages were sent (0:
    none). It is the same in every replica."""

    task: int = 0
    builds: int = 0
    start: int = 0
    messages: int = 0

    @classmethod
    def of(cls, text: str) -> "EventMark":
        """The mark of a `Last-Event-ID`; the beginning for an invalid one."""
        found = _MARK.fullmatch(text)
        return cls(*map(int, found.groups())) if found else cls()

    def __str__(self) -> str:
        return f"{self.task}.{self.builds}.{self.start}.{self.messages}"


class TaskEvents:
    """The events of one Task after a mark."""

    def __init__(self, cache: Cache, prompts: Prompts, task: TaskView, mark: EventMark) -> None:
        self._cache = cache
        self._prompts = prompts
        self._uid: str = task.uid
        self._mark = mark
        # What was sent about each build: the versions it was built from, and a hash of the document.
        self._builds: dict[int, tuple[tuple[int, ...], int]] = {}
        # Of the conversation: the last turn that was sent, and the messages that the client already had.
        self._turn = 0
        self._known = range(mark.messages - 1)
        self._passed: set[int] = set()
        self.key: Key = key_of(task)
        self.ended = False
        if task.version == mark.task and self._newest(task) == mark.builds:
            # The client has the current state of all builds.
            collections.deque(self._news_of_builds(task), maxlen=0)

    @property
    def task(self) -> TaskView | None:
        """The Task as it is now; None once it is gone."""
        found = self._cache.task(self.key)
        return None if found is None or found.uid != self._uid else found

    async def look(self) -> AsyncIterator[bytes]:
        """What is new about the Task and its builds, each in its newest state. The end is sent once. Raises
        ApiError."""
        task = self.task
        if task is None:
            for event in self.end():
                yield event
            return
        if task.version != self._mark.task:
            prompt = await self._prompts.of(task)
            self._mark = replace(self._mark, task=task.version)
            document = task_view.document(task, task_view.setting_of(self._cache, task), prompt)
            yield sse.event("task", document, id=str(self._mark))
        newest, news = self._newest(task), self._news_of_builds(task)
        build = next(news, None)
        while build is not None:
            following = next(news, None)
            if following is None:
                # With the last of them the client has them all.
                self._mark = replace(self._mark, builds=newest)
            yield sse.event("build", build, id=str(self._mark))
            build = following
        self._mark = replace(self._mark, builds=newest)

    def listen(self, dialogue: AgentMessages) -> Iterator[bytes]:
        """What is new in the conversation. A message that has grown is sent again, with the same number."""
        if dialogue.start != self._mark.start:
            self._mark, self._known = replace(self._mark, start=dialogue.start, messages=0), range(0)
        for entry in dialogue.since(self._turn):
            self._turn = max(self._turn, entry.turn)
            if entry.number in self._known and entry.number not in self._passed:
                self._passed.add(entry.number)
                continue
            self._mark = replace(self._mark, messages=max(self._mark.messages, entry.number + 1))
            yield f"id: {self._mark}\n".encode() + entry.shown

    def turn_away(self) -> None:
        """The connection to the agent has ended: the next one repeats the conversation from its start."""
        self._turn = 0

    def end(self) -> list[bytes]:
        """The last event: the Task is gone, or the caller may no longer see it, which looks the same to them."""
        if self.ended:
            return []
        self.ended = True
        return [sse.event("gone", gone(self._uid, self.key))]

    def _news_of_builds(self, task: TaskView) -> Iterator[Any]:
        """The builds that differ from what was sent, oldest first."""
        builds, newest = self._cache.builds_of(task), vocabulary.build_number(task)
        for number in sorted({*builds, newest} - {0}):
            # The Task's status describes only the newest build.
            made_of = builds[number].version if number in builds else 0, task.version if number == newest else 0
            sent_from, sent = self._builds.get(number, ((), 0))
            if made_of == sent_from:
                continue
            document = workspace_view.build(self._cache, task, number)
            shown = hash(json.dumps(document))
            self._builds[number] = made_of, shown
            if shown != sent:
                yield document

    def _newest(self, task: TaskView) -> int:
        return max((build.version for build in self._cache.builds_of(task).values()), default=0)


def gone(uid: str, key: Key) -> dict[str, str]:
    """The data of the event `gone`."""
    return {"id": uid, "owner_name": key[0], "name": key[1]}
