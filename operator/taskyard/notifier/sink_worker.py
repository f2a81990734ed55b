"""Tells one sink what it is due, one message at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from taskyard import backoff
from taskyard.backoff import Backoff
from taskyard.core import times
from taskyard.core.notifications import due, payload, record, texts
from taskyard.core.notifications.due import Notification, PassedOver, Step, Unsettled
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import ApiError, NotLeadingError
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.metrics import Metrics
from taskyard.notifier.records import Records
from taskyard.notifier.senders import Message, Senders
from taskyard.notifier.sink_status import SinkStatus
from taskyard.watchcache.kind import Key, key_of

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 1.0
MAX_RETRY_SECONDS = 900.0
JITTER = 0.3
BURST = 10
# Secrets are not watched, so one that does not do is looked at this often at least.
MAX_SECRET_RETRY_SECONDS = 60.0
OF_THE_SECRET = ("SecretForbidden", "SecretMissing", "KeyMissing", "AddressInvalid", "AddressRefused", "KeyInvalid")
TAKEN = "the last message was taken"


@dataclass(frozen=True)
class Parts:
    """What all workers share. `gave_up` records the Event of a notification that was given up; it may be called more
    than once for one."""

    cache: Cache
    senders: Senders
    records: Records
    status: SinkStatus
    metrics: Metrics
    clock: Callable[[], datetime]
    gave_up: Callable[[NotifiedTask, SinkView, Notification, str], Awaitable[None]]


@dataclass(frozen=True)
class _Look:
    """What is due for one Task, and of what that follows."""

    sink: SinkView
    task: NotifiedTask
    entry: Record
    step: Step
    now: datetime


@dataclass
class _Unrecorded:
    """What a sink has taken and the Task's status does not say yet, after so many attempts to write it."""

    task: NotifiedTask
    told: Record
    failures: int = 0


@dataclass(frozen=True)
class _Tried:
    """A test message that was sent, or could not be, and of which the status does not tell yet."""

    requested: str
    error: DeliveryError | None


class SinkWorker:
    """The Tasks of which a sink may have to be told, in the order of the news. While the sink takes nothing, all of
    them wait for the same back-off, and take turns at it."""

    def __init__(self, parts: Parts, sink: SinkView) -> None:
        self._parts = parts
        self._key = key_of(sink)
        self._uid = sink.uid
        self._known: tuple[object, ...] = ()
        self._waiting: dict[Key, None] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._unrecorded: dict[Key, _Unrecorded] = {}
        self._tried: _Tried | None = None
        self._look_at_sink = False
        self._unchecked = False
        self._backoff = Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=JITTER)
        self._pace = _pace(sink)
        self._per_minute = sink.max_per_minute
        # One that was waited for in vain is kept.
        self._has_turn = False
        self._awake = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Tasks of which the sink may have to be told."""
        return len(self._waiting)

    def add(self, task: Key) -> None:
        """There may be news of a Task."""
        if timer := self._timers.pop(task, None):
            timer.cancel()
        self._waiting.setdefault(task)
        self._start()

    def sink_changed(self, sink: SinkView, *, is_served: bool) -> bool:
        """The sink, or its place among the namespace's sinks, may have changed: then what failed is tried again at
        once. Returns whether that is so. What this process writes into the status changes nothing."""
        known = (sink.generation, sink.test, sink.deleting, is_served)
        if known == self._known:
            return False
        self._known = known
        self._look_at_sink = True
        self._awake.set()
        self._start()
        return True

    def close(self) -> None:
        """The sink is gone, or is another one."""
        for timer in self._timers.values():
            timer.cancel()
        if self._working is not None:
            self._working.cancel()

    def _start(self) -> None:
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._look_at_sink or self._waiting:
            # Cleared before the sink is read: a change while a message is sent ends the wait after it.
            self._awake.clear()
            if self._sink() is None:
                self._waiting.clear()
                return
            try:
                if self._look_at_sink:
                    await self._check()
                else:
                    key = next(iter(self._waiting))
                    del self._waiting[key]
                    await self._look(key)
                    # A look at a Task of which there is nothing to tell waits for nothing: others get their turn.
                    await asyncio.sleep(0)
            except NotLeadingError:
                return
            except DeliveryError as error:
                is_of_secret = error.reason in OF_THE_SECRET
                # Whether or not there is still something to tell then, the condition has to heal.
                self._look_at_sink = self._look_at_sink or is_of_secret
                longest = MAX_SECRET_RETRY_SECONDS if is_of_secret else MAX_RETRY_SECONDS
                await self._wait(max(min(self._backoff.next(), longest), error.retry_after or 0.0))
            except ApiError as error:
                logger.warning("sink %s/%s: %s", *self._key, error)
                await self._wait(min(self._backoff.next(), MAX_SECRET_RETRY_SECONDS))
            except Exception:
                logger.exception("sink %s/%s: defect", *self._key)
                await self._wait(self._backoff.next())

    def _sink(self) -> SinkView | None:
        """The sink as it is; None when it is gone."""
        found = self._parts.cache.sinks.get(self._key)
        return found if found is not None and found.uid == self._uid and not found.deleting else None

    async def _wait(self, seconds: float) -> None:
        """Until the next attempt, or until the sink changes."""
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            return
        self._backoff.reset()

    async def _check(self) -> None:
        """Look whether messages can be sent at all, and send a test message that was asked for. What fails is repeated;
        a test message is not, but its Secret is looked at again."""
        self._look_at_sink = False
        sink = self._sink()
        if sink is None:
            return
        asked = sink.asked_to_test
        try:
            if not self._parts.cache.serves(sink):
                await self._too_many(sink)
            elif asked is not None:
                await self._test(sink, asked)
            else:
                await self._see_address(sink)
        except DeliveryError as error:
            self._look_at_sink = asked is None or error.reason in OF_THE_SECRET
            raise
        except Exception:
            self._look_at_sink = True
            raise
        self._backoff.reset()

    async def _too_many(self, sink: SinkView) -> None:
        number = len(self._parts.cache.sinks.grouped((sink.namespace,)))
        message = f"the namespace has {number} sinks, of which the eight oldest are served; delete one of them"
        await self._parts.status.ready(sink, False, "TooManySinks", message)
        self._waiting.clear()

    async def _see_address(self, sink: SinkView) -> None:
        """Tell whether the address can be read and is allowed, unless that is known. Raises DeliveryError."""
        is_new = sink.ready is None or sink.observed_generation != sink.generation
        if not is_new and sink.ready is not None and sink.ready["status"] == "True":
            return
        try:
            await self._parts.senders.check(sink)
        except DeliveryError as error:
            self._unchecked = True
            await self._parts.status.ready(sink, False, error.reason, error.message)
            raise
        # A message that was not taken is refuted by one that is, not by an address that can be read.
        if not is_new and not self._unchecked and sink.ready is not None and sink.ready["reason"] == "DeliveryFailed":
            return
        self._unchecked = False
        await self._parts.status.ready(sink, True, "Configured", "the address can be read and is allowed")

    async def _test(self, sink: SinkView, asked: str) -> None:
        """Send a test message and tell what became of it. While that cannot be written, the message is not sent
        again."""
        if self._tried is None or self._tried.requested != asked:
            await self._turn(sink)
            try:
                await self._parts.senders.send(sink, self._test_message(sink, asked))
                self._tried = _Tried(asked, None)
            except DeliveryError as error:
                self._tried = _Tried(asked, error)
        fault = self._tried.error
        if fault is None:
            await self._parts.status.tested(sink, asked, True, "Delivered", TAKEN)
        else:
            await self._parts.status.tested(sink, asked, False, fault.reason, fault.message)
        self._tried = None
        if fault is not None:
            raise fault

    def _test_message(self, sink: SinkView, asked: str) -> Message:
        id_ = f"{sink.uid}-test-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
        attributes = payload.test_attributes(sink, id_, times.micro(self._parts.clock()))
        return Message(attributes, payload.test_data(sink), texts.test_text(sink.namespace, sink.name))

    async def _look(self, key: Key) -> None:
        """Do the next thing for one Task, and queue it again while there is more."""
        try:
            if not await self._record(key):
                return
            look = self._decide(key)
            if look is not None and isinstance(look.step, Notification):
                await self._turn(look.sink)
                # That may have taken a while: what is due now is told.
                look = self._decide(key)
                self._has_turn = look is None or not isinstance(look.step, Notification)
            if look is None or not await self._do(key, look):
                return
        except NotLeadingError:
            raise
        except Exception:
            self._waiting.setdefault(key)
            raise
        self._waiting.setdefault(key)

    def _decide(self, key: Key) -> _Look | None:
        """What is due; None when the sink is not served, or the Task is gone."""
        cache, sink, now = self._parts.cache, self._sink(), self._parts.clock()
        task = cache.tasks.get(key)
        if task is None or sink is None or not cache.serves(sink):
            return None
        entry = record.of_sink(task.records, name=sink.name, uid=sink.uid)
        step = due.next_step(task, cache.builds_of(task), sink, entry, seen_at=cache.seen_at(task), now=now)
        return _Look(sink, task, entry, step, now)

    async def _do(self, key: Key, look: _Look) -> bool:
        """Returns whether there may be more to do at once."""
        match look.step:
            case Unsettled():
                self._later(key, (look.step.until - look.now).total_seconds())
                return False
            case PassedOver():
                await self._parts.records.store(look.task, dataclasses.replace(look.step.told, failing=None))
                return True
            case Notification():
                return await self._tell(key, look, look.step)
            case None:
                # What failed was overtaken by what the sink was told before.
                if look.entry.failing is not None and not look.task.deleting:
                    await self._parts.records.store(look.task, dataclasses.replace(look.entry, failing=None))
                return False

    def _later(self, key: Key, seconds: float) -> None:
        if key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(max(seconds, 0.0) + 0.01, self.add, key)

    async def _tell(self, key: Key, look: _Look, notification: Notification) -> bool:
        """Send one notification and write down that it was taken. Returns whether that is written. Raises
        DeliveryError when the notification was not taken."""
        parts, sink, task = self._parts, look.sink, look.task
        link = texts.link(sink.links, task.namespace, task.name)
        message = Message(
            payload.attributes(notification, task),
            payload.data(notification, task, sink),
            texts.text(notification, task, link=link),
        )
        began = asyncio.get_running_loop().time()
        try:
            await parts.senders.send(sink, message)
        except DeliveryError as error:
            parts.metrics.failed(sink.type)
            logger.info("sink %s/%s: %s of %s: %s", *self._key, notification.event, task.name, error.message)
            await self._not_taken(look, notification, error)
            raise
        parts.metrics.sent(sink.type, notification.event, asyncio.get_running_loop().time() - began)
        self._backoff.reset()
        told = notification.told.taken(notification.id, notification.event, now=parts.clock())
        self._unrecorded[key] = _Unrecorded(task, told)
        is_recorded = await self._record(key)
        if sink.ready is None or sink.ready["reason"] != "Delivered":
            await parts.status.ready(parts.status.newest(sink) or sink, True, "Delivered", TAKEN)
        return is_recorded

    async def _record(self, key: Key) -> bool:
        """Write down what the sink has taken of a Task, if it is not written yet. Returns whether it is. While it
        cannot be written, the sink is told nothing more of this Task, and nothing twice."""
        taken = self._unrecorded.get(key)
        if taken is None:
            return True
        try:
            await self._parts.records.store(taken.task, taken.told)
        except NotLeadingError:
            raise
        except ApiError as error:
            logger.warning("sink %s/%s: what was told of %s is not recorded: %s", *self._key, key[1], error)
            seconds = backoff.delay(
                taken.failures, first=RETRY_FIRST_SECONDS, longest=MAX_SECRET_RETRY_SECONDS, jitter=JITTER
            )
            taken.failures += 1
            self._later(key, seconds)
            return False
        del self._unrecorded[key]
        return True

    async def _not_taken(self, look: _Look, notification: Notification, error: DeliveryError) -> None:
        """Write down that a notification was not taken, and after a day of attempts give it up."""
        parts, sink, task, now = self._parts, look.sink, look.task, self._parts.clock()
        is_given_up = look.entry.is_given_up(notification.id, now=now)
        if is_given_up:
            # Before it is written down, since nobody would tell it afterwards.
            await parts.gave_up(task, sink, notification, error.message)
            entry = notification.told.without(notification.id, notification.event, now=now)
        else:
            entry = look.entry.not_taken(notification.id, notification.event, error.message, now=now)
        try:
            if entry != look.entry:
                await parts.records.store(task, entry)
            if is_given_up:
                parts.metrics.given_up(sink.type)
            await parts.status.ready(parts.status.newest(sink) or sink, False, error.reason, error.message)
        except NotLeadingError:
            raise
        except ApiError as fault:
            # The next attempt writes it; what it says about the receiver counts for the wait until then.
            logger.warning("sink %s/%s: that %s failed is not recorded: %s", *self._key, notification.event, fault)

    async def _turn(self, sink: SinkView) -> None:
        """Wait for a turn at the sink's pace."""
        if sink.max_per_minute != self._per_minute:
            self._per_minute = sink.max_per_minute
            self._pace = _pace(sink)
        if self._has_turn:
            self._has_turn = False
            return
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(self._pace.turn(now) - now, 0.0))


def _pace(sink: SinkView) -> Pace:
    return Pace(Rate(per_second=sink.max_per_minute / 60, burst=min(BURST, sink.max_per_minute)))
