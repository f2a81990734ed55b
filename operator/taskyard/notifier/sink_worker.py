"""Tells one sink what it is due, one message at a time."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from dataclasses import dataclass
from datetime import datetime

from taskyard import backoff
from taskyard.backoff import Backoff
from taskyard.core import times
from taskyard.core.notifications import due, record, waiting
from taskyard.core.notifications.due import Notification, PassedOver, Step, Unsettled
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cluster import ApiError, NotLeadingError
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.overdue import Overdue
from taskyard.notifier.parts import Parts
from taskyard.notifier.refusals import Refusals
from taskyard.notifier.senders import Message
from taskyard.notifier.sink_check import SinkCheck
from taskyard.notifier.timers import Timers
from taskyard.notifier.turns import Turns
from taskyard.watchcache.kind import Key, key_of

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 1.0
MAX_RETRY_SECONDS = 900.0
JITTER = 0.3
# Secrets are not watched, so one that does not do is looked at this often at least.
MAX_SECRET_RETRY_SECONDS = 60.0
OF_THE_SECRET = ("SecretForbidden", "SecretMissing", "KeyMissing", "AddressInvalid", "AddressRefused", "KeyInvalid")


@dataclass(frozen=True)
class _Look:
    """What is due for one Task, and of what that follows."""

    key: Key
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


class SinkWorker:
    """The Tasks of which a sink may have to be told, in the order of the news. While the sink takes nothing, all of
    them wait for the same back-off, and take turns at it. A notification that is refused by itself waits alone."""

    def __init__(self, parts: Parts, sink: SinkView) -> None:
        self._parts = parts
        self.key = key_of(sink)
        self._uid = sink.uid
        self._known: tuple[object, ...] = ()
        self._waiting: dict[Key, None] = {}
        self._later = Timers(self.add)
        self._refusals = Refusals(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=JITTER)
        self._unrecorded: dict[Key, _Unrecorded] = {}
        self._selected: dict[Key, datetime] = {}
        self._look_at_sink = False
        self._backoff = Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=JITTER)
        self._turns = Turns(sink)
        self._check = SinkCheck(parts, self._turns)
        self._changed = False
        self._stirred = asyncio.Event()
        self._overdue = Overdue(self._stirred)
        self._working: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Tasks of which the sink may have to be told."""
        return len(self._waiting.keys() | set(self._refusals))

    def add(self, task: Key) -> None:
        """There may be news of a Task."""
        self._later.cancel(task)
        self._waiting.setdefault(task)
        self._overdue.add(task)
        self._start()

    def labels_changed(self, former: NotifiedTask, task: NotifiedTask) -> None:
        """A sink that selects a Task since its labels have changed is told nothing of before."""
        sink = self._sink()
        if sink is not None and sink.selector.selects(task.labels) and not sink.selector.selects(former.labels):
            self._selected[key_of(task)] = self._parts.clock()

    def sink_changed(self, sink: SinkView) -> bool:
        """The sink may have changed: then what failed is tried again at once. Returns whether that is so. What this
        process writes into the status changes nothing."""
        known = (sink.generation, sink.test, sink.deleting, sink.has_other_selection)
        if known == self._known:
            return False
        self._known = known
        self._look_at_sink = self._changed = True
        self._refusals.clear()
        self._stirred.set()
        self._start()
        return True

    def close(self) -> None:
        """The sink is gone, is another one, or is not served any more."""
        self._later.clear()
        self._overdue.end()
        if self._working is not None:
            self._working.cancel()

    def _start(self) -> None:
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._look_at_sink or self._waiting:
                # Before the sink is read: a change while a message is sent ends the wait after it.
                self._changed = False
                if self._sink() is None:
                    self._waiting.clear()
                    return
                await self._wait(await self._step())
        except NotLeadingError:
            return

    async def _step(self) -> float:
        """Do one thing, for the sink or for one Task. Returns the seconds to wait before the next."""
        try:
            if self._look_at_sink:
                await self._look_at()
            else:
                key = next(iter(self._waiting))
                del self._waiting[key]
                await self._look(key)
                # A look at a Task of which there is nothing to tell waits for nothing: others get their turn.
                await asyncio.sleep(0)
        except NotLeadingError:
            raise
        except DeliveryError as error:
            if error.is_of_message:
                self._answered()
                return 0.0
            is_of_secret = error.reason in OF_THE_SECRET
            # Whether or not there is still something to tell then, the condition has to heal.
            self._look_at_sink = self._look_at_sink or is_of_secret
            self._overdue.begin(self._waiting)
            longest = MAX_SECRET_RETRY_SECONDS if is_of_secret else MAX_RETRY_SECONDS
            return max(min(self._backoff.next(), longest), error.retry_after or 0.0)
        except ApiError as error:
            logger.warning("sink %s/%s: %s", *self.key, error)
            return min(self._backoff.next(), MAX_SECRET_RETRY_SECONDS)
        except Exception:
            logger.exception("sink %s/%s: defect", *self.key)
            return self._backoff.next()
        return 0.0

    def _sink(self) -> SinkView | None:
        """The sink as it is; None when it is gone."""
        found = self._parts.cache.sinks.get(self.key)
        return found if found is not None and found.uid == self._uid and not found.deleting else None

    def _answered(self) -> None:
        """The receiver has looked at a message: it does not fail."""
        self._backoff.reset()
        self._overdue.end()

    async def _wait(self, seconds: float) -> None:
        """Until the next attempt, or until the sink changes; news of a Task does not end it. Meanwhile what has waited
        for too long is given up. Raises NotLeadingError."""
        end = _now() + seconds
        while not self._changed and _now() < end:
            self._stirred.clear()
            if (key := self._overdue.pop()) is not None:
                await self._see_whether_overdue(key)
                await asyncio.sleep(0)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(end):
                        await self._stirred.wait()
        if self._changed and seconds:
            self._backoff.reset()

    async def _look_at(self) -> None:
        """Look whether messages can be sent at all, and send a test message that was asked for. What fails is repeated;
        a test message is not, but its Secret is looked at again."""
        self._look_at_sink = False
        sink = self._sink()
        if sink is None:
            return
        asked = sink.asked_to_test
        try:
            if asked is not None:
                await self._check.test(sink, asked)
                self._answered()
            else:
                await self._check.see_address(sink)
        except DeliveryError as error:
            self._look_at_sink = asked is None or error.reason in OF_THE_SECRET
            raise
        except Exception:
            self._look_at_sink = True
            raise
        self._backoff.reset()

    async def _look(self, key: Key) -> None:
        """Do the next thing for one Task, and queue it again while there is more."""
        try:
            if not await self._next(key):
                return
        except NotLeadingError:
            raise
        except Exception:
            self._waiting.setdefault(key)
            raise
        self._waiting.setdefault(key)

    async def _next(self, key: Key) -> bool:
        """Returns whether there may be more to do for the Task at once."""
        if not await self._record(key):
            return False
        look = self._decide(key)
        if look is None:
            self._refusals.forget(key)
            return False
        if (since := self._selected.get(key)) is not None:
            await self._parts.records.store(look.task, dataclasses.replace(look.entry, since=times.rfc3339(since)))
            self._selected.pop(key, None)
            return True
        if isinstance(look.step, Notification):
            seconds = self._refusals.wait(key, look.step.id, now=_now())
            if seconds > 0:
                return await self._hold(look, look.step, seconds)
            await self._turns.wait(look.sink)
            # That may have taken a while: what is due now is told.
            look = self._decide(key)
            if look is None or not isinstance(look.step, Notification):
                self._turns.keep()
        return look is not None and await self._do(look)

    def _decide(self, key: Key) -> _Look | None:
        """What is due; None when the Task or the sink is gone, or it is not known yet since when the sink selects."""
        cache, sink, now = self._parts.cache, self._sink(), self._parts.clock()
        task = cache.tasks.get(key)
        if task is None or sink is None or sink.has_other_selection or not cache.serves(sink):
            return None
        entry = record.of_sink(task.records, name=sink.name, uid=sink.uid)
        step = due.next_step(task, cache.builds_of(task), sink, entry, seen_at=cache.seen_at(task), now=now)
        return _Look(key, sink, task, entry, step, now)

    async def _do(self, look: _Look) -> bool:
        """Returns whether there may be more to do at once."""
        match look.step:
            case Unsettled():
                self._later.set(look.key, (look.step.until - look.now).total_seconds())
                return False
            case PassedOver():
                await self._parts.records.store(look.task, dataclasses.replace(look.step.told, failing=None))
                return True
            case Notification():
                return await self._tell(look, look.step)
            case None:
                self._refusals.forget(look.key)
                # What failed was overtaken by what the sink was told before.
                if look.entry.failing is not None and not look.task.deleting:
                    await self._parts.records.store(look.task, dataclasses.replace(look.entry, failing=None))
                return False

    async def _tell(self, look: _Look, notification: Notification) -> bool:
        """Send one notification and write down that it was taken. Returns whether that is written, or it was refused by
        itself. Raises DeliveryError when the receiver takes nothing."""
        parts, sink, task = self._parts, look.sink, look.task
        began = _now()
        try:
            await parts.senders.send(sink, Message.of(notification, task, sink))
        except DeliveryError as error:
            parts.metrics.failed(sink.type)
            logger.info("sink %s/%s: %s of %s: %s", *self.key, notification.event, task.name, error.message)
            if error.is_of_message:
                self._answered()
                self._refusals.add(look.key, notification.id, now=_now(), at_least=error.retry_after or 0.0)
            await self._not_taken(look, notification, error)
            if error.is_of_message:
                return True
            raise
        parts.metrics.sent(sink.type, notification.event, _now() - began)
        self._answered()
        told = notification.told.taken(notification.id, notification.event, now=parts.clock())
        self._unrecorded[look.key] = _Unrecorded(task, told)
        is_recorded = await self._record(look.key)
        known = parts.status.newest(sink) or sink
        if known.ready is None or known.ready["reason"] != "Delivered" or known.failing_since is not None:
            await parts.status.taken(known)
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
            logger.warning("sink %s/%s: what was told of %s is not recorded: %s", *self.key, key[1], error)
            seconds = backoff.delay(
                taken.failures, first=RETRY_FIRST_SECONDS, longest=MAX_SECRET_RETRY_SECONDS, jitter=JITTER
            )
            taken.failures += 1
            self._later.set(key, seconds)
            return False
        del self._unrecorded[key]
        return True

    async def _not_taken(self, look: _Look, notification: Notification, error: DeliveryError) -> None:
        """Write down that a notification was not taken, or give it up when it has waited for too long."""
        parts, sink, now = self._parts, look.sink, self._parts.clock()
        since = waiting.waits_since(notification, look.entry, sink) or now
        entry = look.entry.not_taken(notification.id, notification.event, error.message, since=since)
        try:
            if now - since >= waiting.GIVEN_UP_AFTER:
                await self._give_up(look, notification, error.message)
            elif entry != look.entry:
                await parts.records.store(look.task, entry)
            await parts.status.not_taken(parts.status.newest(sink) or sink, error)
        except NotLeadingError:
            raise
        except ApiError as fault:
            # The next attempt writes it; what it says about the receiver counts for the wait until then.
            logger.warning("sink %s/%s: that %s failed is not recorded: %s", *self.key, notification.event, fault)

    async def _hold(self, look: _Look, notification: Notification, seconds: float) -> bool:
        """A notification that was refused by itself waits for its next attempt, or is given up. Returns whether there
        may be more to do at once."""
        end = waiting.given_up_at(notification, look.entry, look.sink)
        if end is not None and end <= look.now:
            await self._give_up(look, notification, _why(look))
            return True
        self._later.set(look.key, min(seconds, (end - look.now).total_seconds()) if end is not None else seconds)
        return False

    async def _see_whether_overdue(self, key: Key) -> None:
        """Give up what has waited for too long of a Task, whether it was tried or not, and see when the next one has.
        Raises NotLeadingError."""
        try:
            while not (key in self._unrecorded or key in self._selected) and (look := self._decide(key)) is not None:
                if isinstance(look.step, Unsettled):
                    return self._overdue.later(key, (look.step.until - look.now).total_seconds())
                if not isinstance(look.step, Notification):
                    return None
                end = waiting.given_up_at(look.step, look.entry, look.sink)
                # Without an end it is not written yet that the receiver fails.
                left = (end - look.now).total_seconds() if end is not None else MAX_SECRET_RETRY_SECONDS
                if left > 0:
                    return self._overdue.later(key, left)
                await self._give_up(look, look.step, _why(look))
        except NotLeadingError:
            raise
        except ApiError as error:
            logger.warning("sink %s/%s: that %s is given up is not recorded: %s", *self.key, key[1], error)
            self._overdue.later(key, MAX_SECRET_RETRY_SECONDS)
        except Exception:
            logger.exception("sink %s/%s: defect", *self.key)
            self._overdue.later(key, MAX_SECRET_RETRY_SECONDS)

    async def _give_up(self, look: _Look, notification: Notification, why: str) -> None:
        """Nobody is told of it any more, but for an Event of the Task. Raises ApiError."""
        parts, sink = self._parts, look.sink
        # Before it is written down, since nobody would tell it afterwards.
        await parts.gave_up(look.task, sink, notification, why)
        entry = notification.told.without(notification.id, notification.event, now=parts.clock())
        await parts.records.store(look.task, entry)
        self._refusals.forget(look.key)
        parts.metrics.given_up(sink.type)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _why(look: _Look) -> str:
    """What prevented a notification: the answer to it, or to those before which it waited."""
    if look.entry.failing is not None:
        return look.entry.failing.message
    return str(look.sink.ready["message"]) if look.sink.ready is not None else ""
