"""Reconciles one Task: gathers, decides and applies until there is nothing to do; then writes its status."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from taskyard.controller.apply import Applier, NotDue
from taskyard.controller.cluster import ApiError
from taskyard.controller.gather import gather
from taskyard.controller.stores import Stores
from taskyard.core.decision import Rest, decide
from taskyard.core.observed import Obstacle
from taskyard.watchcache.store import Key

logger = logging.getLogger(__name__)

# A start takes four steps, a stop three: more than this in one run is a loop, which the next run takes up.
MAX_STEPS = 16


class Reconciler:
    """The work of the Tasks' queue. `again(key, seconds)` retries a Task later; `deadline(key, moment)` reconciles it
    at that moment of the wall clock, or not at all for None; `changed(key)` queues everything that depends on its
    status."""

    def __init__(
        self,
        stores: Stores,
        applier: Applier,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        deadline: Callable[[Key, datetime | None], None],
        changed: Callable[[Key], None],
    ) -> None:
        self._stores = stores
        self._applier = applier
        self._clock = clock
        self._again = again
        self._deadline = deadline
        self._changed = changed
        self._obstacles: dict[Key, Obstacle] = {}

    async def reconcile(self, key: Key) -> None:
        """Advance one Task and its namespace's NetworkPolicy as far as possible now; a key without a name stands for
        the namespace alone. Raises ApiError."""
        before = self._uid(key)
        try:
            await self._steps(key)
            await self._applier.keep_network(key[0])
        except NotDue:
            logger.debug("task %s/%s: it is being deleted", *key)
            if self._uid(key) not in (None, before):
                # Another Task has the name now. A live read has stored it, so no event of a list or watch may follow.
                self._again(key, 0.0)
        except ApiError as error:
            if not error.is_namespace_terminating:
                raise
            logger.debug("task %s/%s: its namespace is being deleted", *key)

    def _uid(self, key: Key) -> str | None:
        """UID of the known Task of this key."""
        known = self._stores.tasks.get(key)
        return known["metadata"]["uid"] if known else None

    async def _steps(self, key: Key) -> None:
        for _ in range(MAX_STEPS):
            observed = gather(self._stores, key, now=self._clock(), obstacle=self._obstacles.get(key))
            if observed is None:
                self._obstacles.pop(key, None)
                self._deadline(key, None)
                return
            step = decide(observed)
            if isinstance(step, Rest):
                self._obstacles.pop(key, None)
                self._deadline(key, step.until)
                break
            blocked = await self._applier.apply(observed, step)
            if blocked:
                if self._obstacles.get(key) != blocked.obstacle:
                    logger.warning("task %s/%s: %s: %s", *key, blocked.obstacle.reason, blocked.obstacle.message)
                self._obstacles[key] = blocked.obstacle
                self._again(key, blocked.seconds)
                break
            self._obstacles.pop(key, None)
        observed = gather(self._stores, key, now=self._clock(), obstacle=self._obstacles.get(key))
        if observed is None or observed.task.deleting:
            return
        if await self._applier.write_status(observed):
            # The event of this write may be lost; what depends on the new status does not wait for it.
            self._changed(key)
