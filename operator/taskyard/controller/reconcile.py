"""Reconciles one Task: gathers, decides and applies until there is nothing to do; then writes its status."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, NotLeadingError
from taskyard.controller.gather import gather
from taskyard.controller.steps.apply import Applier, status_patch
from taskyard.controller.steps.blocked import Blocked
from taskyard.controller.steps.task_reader import NotDue
from taskyard.controller.turns import Turns
from taskyard.core import event_reading, refusal, status
from taskyard.core.decision import DeleteBuild, Reserve, Rest, Step, decide
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.template_resolution import is_to_be_examined
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)

# A start takes four steps, a stop three. More than this in one run are many builds to delete, or a loop, which must not
# take all that the API server can do: the next run goes on a little later.
MAX_STEPS = 16
NEXT_RUN_SECONDS = 1.0
# An API server that is busy or restarts is no news; one that has failed this often in a row is, in the Task's status.
FAULTS_UNTIL_TOLD = 3
SHOWN_AGAIN = timedelta(minutes=1)
DETAILS_WAIT = timedelta(seconds=2)


@dataclass(frozen=True)
class Shown:
    """An obstacle as the status shows it, since when."""

    obstacle: Obstacle
    since: datetime


class Reconciler:
    """The work of the Tasks' queue. `again(key, seconds)` retries a Task later; `turns` are those of the Tasks that
    something blocks, which are retried when theirs has come; `deadline(key, moment)` reconciles it
    at that moment of the wall clock, or not at all for None; `changed(key)` queues everything that depends on its
    status; `seen(key)` says that all that is known is being looked at; `read_events(key)` has the Events read
    that say why it does not start."""

    def __init__(
        self,
        stores: Stores,
        applier: Applier,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        turns: Turns,
        deadline: Callable[[Key, datetime | None], None],
        changed: Callable[[Key], None],
        seen: Callable[[Key], None],
        read_events: Callable[[Key], None],
    ) -> None:
        self._stores = stores
        self._applier = applier
        self._clock = clock
        self._again = again
        self._turns = turns
        self._deadline = deadline
        self._changed = changed
        self._seen = seen
        self._read_events = read_events
        self._obstacles: dict[Key, Shown] = {}
        self._networks: dict[str, Obstacle] = {}
        self._faults: dict[Key, int] = {}
        # Tasks whose status is behind in details, since when.
        self._put_off: dict[Key, datetime] = {}

    async def reconcile(self, key: Key) -> None:
        """Advance one Task and its namespace's NetworkPolicy as far as possible now; a key without a name stands for
        the namespace alone. Raises ApiError."""
        before = self._uid(key)
        try:
            await self._steps(key)
            blocked = await self._applier.keep_network(key[0])
        except NotDue:
            logger.debug("task %s/%s: it is being deleted", *key)
            if self._uid(key) not in (None, before):
                # Another Task has the name now. A live read has stored it, so no event of a list or watch may follow.
                self._again(key, 0.0)
        except ApiError as error:
            if not error.is_namespace_terminating:
                raise
            logger.debug("task %s/%s: its namespace is being deleted", *key)
        else:
            self._keep_network_later(key, blocked)

    def _keep_network_later(self, key: Key, blocked: Blocked | None) -> None:
        """A refusal of the policy is told in the Tasks that wait for it; the others go on."""
        known = self._networks.pop(key[0], None)
        if blocked:
            self._networks[key[0]] = blocked.obstacle
            if refusal.is_news(blocked.obstacle, known):
                log(blocked.obstacle, "namespace %s: %s: %s", key[0])
            # One key tries for all Tasks of the namespace.
            self._again((key[0], ""), blocked.seconds)

    def _uid(self, key: Key) -> str | None:
        """UID of the known Task of this key."""
        known = self._stores.tasks.get(key)
        return known.uid if known else None

    async def _steps(self, key: Key) -> None:
        is_live = False
        for _ in range(MAX_STEPS):
            observed = self._gather(key)
            if observed is not None and is_to_be_examined(observed):
                await self._applier.examine(observed)
                continue
            if observed is None:
                self._go_on(key)
                self._stores.readings.pop(key, None)
                self._stores.examined.pop(key, None)
                self._put_off.pop(key, None)
                self._deadline(key, None)
                return
            step = decide(observed)
            if isinstance(step, Rest):
                self._go_on(key)
                self._deadline(key, step.until)
                self._have_events_read(key, observed)
                # An obstacle that is forgotten now is not shown.
                await self._show(key, self._gather(key) if observed.obstacle else observed)
                return
            blocked = await self._apply(key, observed, step, is_live=is_live)
            is_live = isinstance(step, Reserve)
            if blocked:
                self._block(key, blocked)
                if not self._makes_room(key):
                    break
            elif not isinstance(step, DeleteBuild):
                # What blocks the next build is not over with the end of an old one.
                self._go_on(key)
        else:
            self._again(key, NEXT_RUN_SECONDS)
        await self._show(key, self._present(key))

    async def _apply(self, key: Key, observed: Observed, step: Step, *, is_live: bool) -> Blocked | None:
        try:
            return await self._applier.apply(observed, step, is_live=is_live)
        except NotLeadingError:
            raise
        except ApiError as error:
            self._faults[key] = self._faults.get(key, 0) + 1
            if error.status and self._faults[key] >= FAULTS_UNTIL_TOLD and not error.is_namespace_terminating:
                message = f"The API server does not take what is written: {refusal.answer_text(error.answer)}"
                if self._remember(key, Obstacle("APIServerError", message)):
                    with contextlib.suppress(ApiError):
                        await self._show(key, self._present(key))
            raise

    def _block(self, key: Key, blocked: Blocked) -> None:
        known = self._obstacles.get(key)
        if refusal.is_news(blocked.obstacle, known.obstacle if known else None):
            log(blocked.obstacle, "task %s/%s: %s: %s", *key)
        self._remember(key, blocked.obstacle)
        self._faults.pop(key, None)
        if self._turns.ask(key, blocked.seconds):
            self._again(key, 0.0)

    def _makes_room(self, key: Key) -> bool:
        """Whether what has just blocked a Task leads to the removal of one of its old builds."""
        observed = self._present(key)
        step = decide(observed) if observed else None
        return isinstance(step, DeleteBuild) and step.makes_room

    def _remember(self, key: Key, obstacle: Obstacle) -> bool:
        """Remember what blocks a Task; returns whether that is to be shown. The words of a refusal change all the time
        (a quota's use, a port): for the same reason they are shown anew once a minute at most."""
        known, now = self._obstacles.get(key), self._clock()
        if known and known.obstacle.reason == obstacle.reason and now - known.since < SHOWN_AGAIN:
            return False
        self._obstacles[key] = Shown(obstacle, now)
        return True

    def _go_on(self, key: Key) -> None:
        """Forget what blocked a Task."""
        if self._obstacles.pop(key, None):
            self._turns.leave(key)
        self._faults.pop(key, None)

    def _gather(self, key: Key) -> Observed | None:
        """What is known now, to decide by it."""
        self._seen(key)
        return self._present(key)

    def _present(self, key: Key) -> Observed | None:
        """What is known now, to show it: what has just changed is still to be decided about."""
        known = self._obstacles.get(key)
        return gather(self._stores, key, now=self._clock(), obstacle=known.obstacle if known else None)

    async def _show(self, key: Key, observed: Observed | None) -> None:
        if observed is None or observed.task.deleting:
            return
        if is_to_be_examined(observed):
            # They have just changed: what was found before must not be shown as the verdict on them.
            self._again(key, 0.0)
            return
        patch = status_patch(observed)
        if patch and status.may_wait(observed.task.status, patch) and not self._is_due(key, observed.now):
            return
        self._put_off.pop(key, None)
        if patch and await self._applier.write_status(observed, patch=patch):
            # The event of this write may be lost; what depends on the new status does not wait for it.
            self._changed(key)

    def _is_due(self, key: Key, now: datetime) -> bool:
        """Whether details of a Task's status have waited long enough to be written; has them written later if not."""
        since = self._put_off.setdefault(key, now)
        waits = DETAILS_WAIT - (now - since)
        # A moment that lies ahead comes from a clock that was set back since.
        if not timedelta() < waits <= DETAILS_WAIT:
            return True
        self._again(key, waits.total_seconds())
        return False

    def _have_events_read(self, key: Key, observed: Observed) -> None:
        """Have the Events of what keeps a Task from its start read when they are due. What was read is kept until it
        starts: a Pod whose image is tried again and again says for a moment each time what the fault is."""
        subject = event_reading.subject(observed)
        if subject is None:
            self._stores.readings.pop(key, None)
        elif subject.due is not None and observed.now >= subject.due:
            self._read_events(key)


def log(obstacle: Obstacle, text: str, *names: str) -> None:
    """A line about an obstacle; that a namespace goes needs nobody's attention."""
    level = logging.DEBUG if obstacle.reason == "NamespaceTerminating" else logging.WARNING
    logger.log(level, text, *names, obstacle.reason, obstacle.message)
