"""What is said between a Task and its agent, while it is said: one connection to the sidecar, however many listen."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from taskyard.apiclient import Object
from taskyard.backoff import Backoff
from taskyard.core.ownership import is_owned_by
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.views.log_entries import log_entries
from taskyard.sidecarclient import NoAnswerError, UnreachableError

# Of a long conversation the newest messages are kept; all of it is in the log.
KEPT_BYTES = 524_288
_RETRY_SECONDS = 1.0
_MAX_RETRY_SECONDS = 15.0

# A sidecar's events: name and data, of the Pod with that address and UID. Raises UnreachableError, NoAnswerError.
Source = Callable[[str, str], AsyncIterator[tuple[str, str]]]


@dataclass(frozen=True)
class PodAddress:
    """Where the agent of a Task's start build is: address and UID of its Pod."""

    start: int
    ip: str
    pod_uid: str


@dataclass(frozen=True)
class Entry:
    """A message as its event. `turn` counts what was heard: a message that has grown has a later one."""

    number: int
    turn: int
    shown: bytes


class AgentMessages:
    """The newest messages of the conversation with an agent."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._entries: dict[int, Entry] = {}
        self._bytes = 0
        self._turn = 0
        self._wakes: set[Callable[[], None]] = set()

    def since(self, turn: int) -> Iterator[Entry]:
        """What was heard after that turn, in the order of the messages."""
        if turn < self._turn:
            yield from sorted((e for e in self._entries.values() if e.turn > turn), key=lambda entry: entry.number)

    def take(self, event: str, data: str) -> None:
        """An event of the sidecar; what is no message, or not a new one, counts for nothing."""
        if event != "message_update":
            return
        try:
            told = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        entries = log_entries([{**told, "content": told.get("message", "")}])
        if not entries:
            return
        [entry] = entries
        number, shown = entry["id"], sse.event("message", entry)
        former = self._entries.get(number)
        if former is not None and former.shown == shown:
            return
        self._turn += 1
        self._entries[number] = Entry(number, self._turn, shown)
        self._bytes += len(shown) - (len(former.shown) if former else 0)
        while self._bytes > KEPT_BYTES and len(self._entries) > 1:
            self._bytes -= len(self._entries.pop(min(self._entries)).shown)
        for wake in self._wakes:
            wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have `wake` called at each message, as long as the block lasts."""
        self._wakes.add(wake)
        try:
            yield
        finally:
            self._wakes.discard(wake)


class AgentMessageStreams:
    """The dialogues that somebody listens to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[PodAddress, tuple[AgentMessages, asyncio.Task[None], set[object]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    @contextlib.contextmanager
    def of(self, place: PodAddress, wake: Callable[[], None]) -> Iterator[AgentMessages]:
        """The dialogue there, which is followed as long as anybody is in such a block."""
        listener = object()
        if place not in self._known:
            dialogue = AgentMessages(place.start)
            self._known[place] = dialogue, asyncio.create_task(self._follow(place, dialogue)), set()
        dialogue, following, listeners = self._known[place]
        listeners.add(listener)
        try:
            with dialogue.waking(wake):
                yield dialogue
        finally:
            listeners.discard(listener)
            if not listeners:
                following.cancel()
                del self._known[place]

    async def _follow(self, place: PodAddress, dialogue: AgentMessages) -> None:
        """Until cancelled. A sidecar begins each time with all that was said."""
        backoff = Backoff(first=_RETRY_SECONDS, longest=_MAX_RETRY_SECONDS)
        while True:
            # The agent's Pod may just begin or end; whether it does, the Task's status tells.
            with contextlib.suppress(UnreachableError, NoAnswerError):
                async for event, data in self._source(place.ip, place.pod_uid):
                    dialogue.take(event, data)
                    backoff.reset()
            await asyncio.sleep(backoff.next())


def pod_address_of(cache: Cache, task: Object) -> PodAddress | None:
    """Where a Task's agent is, None while its Pod has no address."""
    metadata, build = task["metadata"], task["status"].get("build") or {}
    pod = cache.pods.get((metadata["namespace"], build.get("name", "")))
    if pod is None or not is_owned_by(pod, metadata["uid"]) or not pod["status"]["podIP"]:
        return None
    return PodAddress(build["number"], pod["status"]["podIP"], pod["metadata"]["uid"])
