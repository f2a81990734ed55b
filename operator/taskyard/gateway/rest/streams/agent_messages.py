"""The live conversation with a Task's agent: one connection to the sidecar, however many clients listen."""

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

# Only the newest messages of a long conversation are kept; the log has all of them.
KEPT_BYTES = 524_288
_RETRY_SECONDS = 1.0
_MAX_RETRY_SECONDS = 15.0

# Yields name and data of the sidecar's events, for a Pod's address and UID. Raises UnreachableError, NoAnswerError.
Source = Callable[[str, str], AsyncIterator[tuple[str, str]]]


@dataclass(frozen=True)
class PodAddress:
    """The address and UID of the Pod of a Task's start build `start`."""

    start: int
    ip: str
    pod_uid: str


@dataclass(frozen=True)
class Entry:
    """A message as its event. `turn` numbers the updates received: a message that has grown has a later one."""

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
        """The entries updated after that turn, in the order of the messages."""
        if turn < self._turn:
            yield from sorted((e for e in self._entries.values() if e.turn > turn), key=lambda entry: entry.number)

    def take(self, event: str, data: str) -> None:
        """Take an event of the sidecar; anything but a new or changed message is ignored."""
        if event != "message_update":
            return
        try:
            update = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(update, dict):
            return
        entries = log_entries([{**update, "content": update.get("message", "")}])
        if not entries:
            return
        [entry] = entries
        number, shown = entry["id"], sse.event("message", entry)
        previous = self._entries.get(number)
        if previous is not None and previous.shown == shown:
            return
        self._turn += 1
        self._entries[number] = Entry(number, self._turn, shown)
        self._bytes += len(shown) - (len(previous.shown) if previous else 0)
        while self._bytes > KEPT_BYTES and len(self._entries) > 1:
            self._bytes -= len(self._entries.pop(min(self._entries)).shown)
        for wake in self._wakes:
            wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` at each message for as long as the block lasts."""
        self._wakes.add(wake)
        try:
            yield
        finally:
            self._wakes.discard(wake)


class AgentMessageStreams:
    """The conversations that at least one client listens to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[PodAddress, tuple[AgentMessages, asyncio.Task[None], set[object]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    @contextlib.contextmanager
    def of(self, place: PodAddress, wake: Callable[[], None]) -> Iterator[AgentMessages]:
        """The conversation at that place, which is followed while at least one such block is open."""
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
        """Follow the events until cancelled. On each connection the sidecar starts with the whole conversation."""
        backoff = Backoff(first=_RETRY_SECONDS, longest=_MAX_RETRY_SECONDS)
        while True:
            # The agent's Pod may be starting or ending; the Task's status shows whether it is.
            with contextlib.suppress(UnreachableError, NoAnswerError):
                async for event, data in self._source(place.ip, place.pod_uid):
                    dialogue.take(event, data)
                    backoff.reset()
            await asyncio.sleep(backoff.next())


def pod_address_of(cache: Cache, task: Object) -> PodAddress | None:
    """The address of a Task's agent; None while its Pod has none."""
    metadata, build = task["metadata"], task["status"].get("build") or {}
    pod = cache.pods.get((metadata["namespace"], build.get("name", "")))
    if pod is None or not is_owned_by(pod, metadata["uid"]) or not pod["status"]["podIP"]:
        return None
    return PodAddress(build["number"], pod["status"]["podIP"], pod["metadata"]["uid"])
