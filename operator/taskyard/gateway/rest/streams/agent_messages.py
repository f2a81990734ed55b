"""The live conversation with a Task's agent: one connection to the sidecar, however many clients listen."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from taskyard.backoff import Backoff
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.views.log_entries import is_cut, log_entries
from taskyard.limits import CUT_NOTE
from taskyard.sidecarclient import NoAnswerError, UnreachableError

# Only the newest messages of a long conversation are kept; the log has all of them. Where many are listened to, less of
# each is kept.
KEPT_BYTES = 524_288
ALL_KEPT_BYTES = 24 << 20
# What an entry takes besides its event.
_ENTRY_BYTES = 300
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
    """The newest messages of the conversation with an agent, at most `most()` bytes of them; `cut` is called for each
    message that is too long to be kept whole."""

    def __init__(
        self, start: int, *, most: Callable[[], int] = lambda: KEPT_BYTES, cut: Callable[[], None] = lambda: None
    ) -> None:
        self.start = start
        self.bytes = 0
        self._most = most
        self._cut = cut
        self._entries: dict[int, Entry] = {}
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
        number, shown = entry["id"], self._shown(entry)
        previous = self._entries.get(number)
        if previous is not None and previous.shown == shown:
            return
        self._turn += 1
        self._forget(number)
        self._keep(Entry(number, self._turn, shown))
        self.shorten()
        for wake in self._wakes:
            wake()

    def shorten(self) -> None:
        """Forget the oldest messages, as far as they are too many; the newest keeps its end."""
        while self.bytes > self._most() and len(self._entries) > 1:
            self._forget(min(self._entries))
        if self.bytes > self._most():
            [last] = self._entries.values()
            self._forget(last.number)
            self._keep(replace(last, shown=self._shown(json.loads(last.shown.partition(b"data: ")[2]))))

    def _shown(self, entry: dict[str, Any]) -> bytes:
        """The message's event. A message that would take all room for itself keeps its end."""
        if is_cut(entry):
            self._cut()
        shown = sse.event("message", entry)
        if len(shown) <= self._most() - _ENTRY_BYTES:
            return shown
        self._cut()
        # A character has up to six bytes.
        entry["content"] = CUT_NOTE + entry["content"][-self._most() // 8 :]
        return sse.event("message", entry)

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.number] = entry
        self.bytes += _ENTRY_BYTES + len(entry.shown)

    def _forget(self, number: int) -> None:
        former = self._entries.pop(number, None)
        if former is not None:
            self.bytes -= _ENTRY_BYTES + len(former.shown)

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake` at each message for as long as the block lasts."""
        self._wakes.add(wake)
        try:
            yield
        finally:
            self._wakes.discard(wake)


class AgentMessageStreams:
    """The conversations that at least one client listens to. All of them together keep at most ALL_KEPT_BYTES."""

    def __init__(self, source: Source, *, cut: Callable[[], None] = lambda: None) -> None:
        self._source = source
        self._cut = cut
        self._known: dict[PodAddress, tuple[AgentMessages, asyncio.Task[None], set[object]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def bytes(self) -> int:
        """What is kept of all conversations."""
        return sum(dialogue.bytes for dialogue, _, _ in self._known.values())

    @contextlib.contextmanager
    def of(self, place: PodAddress, wake: Callable[[], None]) -> Iterator[AgentMessages]:
        """The conversation at that place, which is followed while at least one such block is open."""
        listener = object()
        if place not in self._known:
            dialogue = AgentMessages(place.start, most=self._share, cut=self._cut)
            self._known[place] = dialogue, asyncio.create_task(self._follow(place, dialogue)), set()
            for other, _, _ in self._known.values():
                other.shorten()
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

    def _share(self) -> int:
        return min(KEPT_BYTES, ALL_KEPT_BYTES // max(1, len(self._known)))

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


def pod_address_of(cache: Cache, task: TaskView) -> PodAddress | None:
    """The address of a Task's agent; None while its Pod has none."""
    pod = cache.pod_of(task)
    return PodAddress(task.build.number, pod.ip, pod.uid) if task.build and pod and pod.ip else None
