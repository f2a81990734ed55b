"""Writes into inputs: only onto the state that is known. What the API server refuses of a status is told and tried
again, and the other inputs go on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, NotLeadingError, Object
from taskyard.controller.turns import TRIES, Turns
from taskyard.core import refusal, text_limits
from taskyard.core.input_view import InputView
from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Attempt, Wait
from taskyard.core.resources import TASK_INPUTS
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Refused:
    """An input whose status the API server refuses to change, and the Task that it names."""

    name: str
    task: Key
    obstacle: Obstacle


class InputWriter:
    """Writes inputs. `again(key, seconds)` looks at a Task again later, `changed(key)` reports that its inputs changed,
    and `tell(input, obstacle)` shows why the status of an input cannot be written: the status itself cannot.

    `held` are the UIDs of the inputs of which nothing is written now, since the API server has just refused it.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: Stores,
        *,
        again: Callable[[Key, float], None],
        changed: Callable[[Key], None],
        tell: Callable[[InputView, Obstacle], None],
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._again = again
        self._changed = changed
        self._tell = tell
        self._turns = Turns(TRIES, self._release)
        self._refused: dict[str, _Refused] = {}
        self.held: set[str] = set()

    async def write(self, entry: InputView, status: Object) -> bool:
        """Write into an input's status; the first write also keeps its place. Returns False where the API server
        refuses that: then the input is held, and its Task looked at again when it is to be tried. Raises ApiError."""
        if not entry.has_order:
            status = {"order": entry.order} | status
        if status.get("message"):
            status = status | {"message": text_limits.message(status["message"])}
        write = self._cluster.patch_status(
            TASK_INPUTS, entry.namespace, entry.name, status, resource_version=entry.resource_version
        )
        try:
            await self.patched(entry, write)
        except NotLeadingError:
            raise
        except ApiError as error:
            verdict = refusal.of(error.answer, Attempt("update", "TaskInput", entry.name))
            if not isinstance(verdict, Wait):
                raise
            self._hold(entry, verdict)
            return False
        self._refused.pop(entry.uid, None)
        return True

    async def patched(self, entry: InputView, write: Awaitable[Object]) -> None:
        """Await a write and store its result. An input that is gone is forgotten; one that somebody else has written to
        is read and processed again, which is safe: the sidecar knows the key of each message that it has."""
        try:
            written: Object | None = await write
        except MissingError:
            written = None
        except ConflictError:
            written = await self._cluster.get(TASK_INPUTS, entry.namespace, entry.name)
            if written is not None and written["metadata"]["resourceVersion"] == entry.resource_version:
                raise
        self.take(entry, written)

    def take(self, entry: InputView, found: Object | None) -> None:
        """What the API server has under an input's name: its newest state, another input, or nothing."""
        if found is None or found["metadata"]["uid"] != entry.uid:
            self._stores.inputs.remove((entry.namespace, entry.name), uid=entry.uid)
        if found is not None:
            self._stores.inputs.put(found)
        # The event of this write may be lost; the Task's count of its inputs does not depend on it.
        self._changed((entry.namespace, entry.task))

    def _hold(self, entry: InputView, verdict: Wait) -> None:
        known = self._refused.get(entry.uid)
        if refusal.is_news(verdict.obstacle, known.obstacle if known else None):
            message = text_limits.message(verdict.obstacle.message)
            logger.warning("input %s/%s: %s: %s", entry.namespace, entry.name, verdict.obstacle.reason, message)
            self._tell(entry, verdict.obstacle)
        self._refused[entry.uid] = _Refused(entry.name, (entry.namespace, entry.task), verdict.obstacle)
        self.held.add(entry.uid)
        turn = (entry.namespace, entry.uid)
        if self._turns.ask(turn, verdict.seconds):
            self._release(turn)

    def _release(self, turn: Key) -> None:
        """Have an input tried again, if it is still there."""
        namespace, uid = turn
        self.held.discard(uid)
        found = self._refused[uid]
        known = self._stores.inputs.get((namespace, found.name))
        if known is None or known.uid != uid:
            del self._refused[uid]
        else:
            self._again(found.task, 0.0)
