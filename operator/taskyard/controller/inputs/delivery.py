"""Delivering TaskInputs: the work of the inputs' queue, whose keys are Tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from taskyard import backoff
from taskyard.api.vocabulary import AgentProtocol, InputPhase, InputReason
from taskyard.controller.cache.held_removals import HELD, HeldRemovals
from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, NotLeadingError, Object
from taskyard.controller.inputs.bounds import InputBounds
from taskyard.controller.inputs.contents import Contents
from taskyard.controller.inputs.reasons import WaitingReasons
from taskyard.controller.inputs.writer import InputWriter
from taskyard.core import input_recipient, input_view, keystrokes, names, refusal, text_limits, times
from taskyard.core.input_bounds import Bounds, Refusal
from taskyard.core.input_recipient import KeepOrder, LookBack, Past
from taskyard.core.input_view import InputView
from taskyard.core.inputs import Adopt, Conclude, Deliver, Reject, Remove, RestInputs, next_step
from taskyard.core.observed import Obstacle
from taskyard.core.pod_view import PodView
from taskyard.core.refusal import Attempt, GoOn, Wait
from taskyard.core.resources import TASK_INPUTS, TASKS
from taskyard.core.task_view import TaskView
from taskyard.sidecarclient import Accepted, Failed, NotReady, Refused, Sidecars
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)

# A long line holds up neither the refusals of what comes after it nor their removal.
STEPS = 25
NOT_READY_SECONDS = 2.0
OUTDATED_SECONDS = 0.5
FAILED_FIRST_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
IN_DOUBT = "in doubt"
NOT_REPEATED = (
    f"{input_view.NOT_REPEATED}: the agent has had this content under this name; to send it again, create an input of "
    "another name"
)
NOT_REPEATED_IN_DOUBT = (
    f"{input_view.NOT_REPEATED}: it is in doubt whether the agent has had this content under this name; to send it "
    "again, create an input of another name"
)


class Delivery:
    """Advances the inputs of a Task. `again(key, seconds)` retries a Task later; `deadline(key, moment)` processes it
    again at that moment of the wall clock, or not at all for None; `changed(key)` reports that its inputs changed;
    `tell(input, obstacle)` shows why the status of an input cannot be written."""

    def __init__(
        self,
        cluster: Cluster,
        stores: Stores,
        sidecars: Sidecars,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        deadline: Callable[[Key, datetime | None], None],
        retention: timedelta,
        bounds: Bounds,
        changed: Callable[[Key], None],
        tell: Callable[[InputView, Obstacle], None],
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._sidecars = sidecars
        self._clock = clock
        self._again = again
        self._deadline = deadline
        self._retention = retention
        self._changed = changed
        self._contents = Contents(cluster)
        self._writer = InputWriter(cluster, stores, again=again, changed=changed, tell=tell)
        self._bounds = InputBounds(
            stores,
            bounds,
            retention=retention,
            clock=clock,
            again=again,
            reject=self._refuse,
            remove=self._remove,
            removes=self._removes,
            held=self._writer.held,
        )
        self._reasons = WaitingReasons(stores, clock=clock, again=again, write=self._tell)
        self._not_before: dict[str, datetime] = {}
        self._held = HeldRemovals()

    async def deliver(self, key: Key) -> None:
        """Do one step after another until the queue is empty or has to wait. Raises ApiError."""
        steps = 0
        await self._bounds.keep(key)
        while await self._advance(key):
            steps += 1
            if steps % STEPS == 0:
                await self._bounds.keep(key)
        silent = self._put_off_now() | self._writer.held
        await self._reasons.tell(key, self._bounds.within(key), silent=silent)
        if self._bounds.is_outrun(key):
            # Nothing else would look at this Task again, and they would wait without place or refusal.
            self._again(key, 0)

    async def _advance(self, key: Key) -> bool:
        """Do one step. Returns whether another may follow at once."""
        task, now = self._stores.tasks.get(key), self._clock()
        created_at = task.created_at if task else None
        pod = self._pod(key, task) if task else None
        step = next_step(
            task,
            self._bounds.within(key),
            created_at=created_at,
            retention=self._retention,
            now=now,
            agent_since=keystrokes.agent_since(pod, latest=self._stores.agent_starts.latest(pod, now=now)),
            runs_once=self._runs_once(key, task),
            removes=self._removes(key),
            held=self._writer.held,
        )
        match step:
            case KeepOrder(entry, task_uid):
                with self._bounds.placing(entry):
                    return await self._place(key, entry, task_uid)
            case LookBack(entry):
                with self._bounds.placing(entry):
                    return await self._look_back(key, entry, task, created_at)
            case Reject(entry, message):
                logger.info("input %s/%s: rejected: %s", entry.namespace, entry.name, message)
                await self._reject(entry, message)
            case Conclude(entry, message):
                logger.info("input %s/%s: %s", entry.namespace, entry.name, message)
                await self._conclude(entry, message)
            case Remove(entry):
                await self._remove(entry)
            case Adopt(entry) if task:
                return await self._adopt(key, entry, task, now=now)
            case Deliver(entry) if task:
                return await self._send(key, entry, task, now=now)
            case RestInputs(until):
                self._deadline(key, until)
                return False
        return True

    async def _send(self, key: Key, entry: InputView, task: TaskView, *, now: datetime) -> bool:
        if self._is_too_early(key, entry, now=now):
            return False
        pod = self._pod(key, task)
        if pod is None or pod.ip is None:
            self._reasons.refused(key, entry, "its Pod has no address yet")
            self._again(key, NOT_READY_SECONDS)
            return False
        content = await self._contents.of(entry)
        if content is None:
            self._stores.inputs.remove((entry.namespace, entry.name), uid=entry.uid)
            self._changed(key)
            return True
        self._cluster.check_leading()
        answer = await self._sidecars.send(
            ip=pod.ip,
            pod_uid=pod.uid,
            content=content,
            kind=entry.type.lower(),
            idempotency_key=entry.uid,
            answers=entry.answers,
            name=entry.name,
        )
        match answer:
            case Accepted(in_doubt, repeated):
                self._not_before.pop(entry.uid, None)
                self._contents.forget(entry)
                if repeated:
                    message: str | None = NOT_REPEATED_IN_DOUBT if in_doubt else NOT_REPEATED
                else:
                    message = IN_DOUBT if in_doubt else None
                logger.info("input %s/%s: %s", entry.namespace, entry.name, message or "delivered")
                await self._conclude(entry, message)
                return True
            case Refused(cause):
                logger.info("input %s/%s: rejected: %s", entry.namespace, entry.name, cause)
                await self._reject(entry, cause)
                return True
            case NotReady(cause):
                logger.debug("input %s/%s: waiting: %s", entry.namespace, entry.name, cause)
                self._reasons.refused(key, entry, cause)
                self._again(key, NOT_READY_SECONDS)
                return False
            case Failed(cause):
                logger.warning("input %s/%s: not delivered: %s", entry.namespace, entry.name, cause)
                delay = backoff.delay(entry.attempts, first=FAILED_FIRST_SECONDS, longest=MAX_RETRY_SECONDS)
                self._put_off(entry, delay, now=now)
                await self._writer.write(entry, {"attempts": entry.attempts + 1, "message": cause})
                self._again(key, delay)
                return False

    def _put_off(self, entry: InputView, seconds: float, *, now: datetime) -> None:
        self._not_before = {uid: moment for uid, moment in self._not_before.items() if now < moment}
        self._not_before[entry.uid] = now + timedelta(seconds=seconds)

    def _put_off_now(self) -> set[str]:
        """UIDs of the inputs that wait after a failed attempt, and say so."""
        now = self._clock()
        return {uid for uid, moment in self._not_before.items() if now < moment}

    def _is_too_early(self, key: Key, entry: InputView, *, now: datetime) -> bool:
        """Whether an input waits after a failed attempt, whose own status write triggers an event, which is no reason
        to try at once."""
        not_before = self._not_before.get(entry.uid, now)
        # A moment further away than any delay comes from a clock that was set back since: ignore it.
        if not now < not_before <= now + timedelta(seconds=MAX_RETRY_SECONDS):
            return False
        self._again(key, (not_before - now).total_seconds())
        return True

    def _runs_once(self, key: Key, task: TaskView | None) -> bool:
        """Whether the Task's agent is a command."""
        name = task.status.get("templateVersion") if task else None
        version = self._stores.template_versions.get((key[0], name)) if name else None
        return version is not None and version.protocol == AgentProtocol.COMMAND

    async def _place(self, key: Key, entry: InputView, task_uid: str | None) -> bool:
        if not await self._writer.write(entry, {"taskUID": task_uid} if task_uid else {}):
            return True
        kept = self._stores.inputs.get((entry.namespace, entry.name))
        if kept is not None and task_uid and kept.meant_for != task_uid:
            # Somebody else wrote first, or the CRD is older than this operator and drops the field.
            self._again(key, NOT_READY_SECONDS)
            return False
        return True

    async def _look_back(self, key: Key, entry: InputView, task: TaskView | None, created_at: datetime | None) -> bool:
        try:
            former = await self._cluster.uid_at(TASKS, entry.namespace, entry.task, resource_version=str(entry.order))
            past = Past(former)
        except ApiError as error:
            if error.status != HTTPStatus.GONE:
                raise
            past = Past(is_known=False)
        if task is None or created_at is None:
            found = input_recipient.without_task(entry, past)
        else:
            is_outdated = input_recipient.is_outdated(entry, task, past, created_at=created_at)
            if is_outdated and not await self._is_there(task):
                self._again(key, OUTDATED_SECONDS)
                return False
            message = input_recipient.of_history(entry, task, past, created_at=created_at)
            found = message or KeepOrder(entry, task.uid)
        if isinstance(found, KeepOrder):
            return await self._place(key, entry, found.task_uid)
        logger.info("input %s/%s: rejected: %s", entry.namespace, entry.name, found)
        await self._reject(entry, found)
        return True

    async def _is_there(self, task: TaskView) -> bool:
        """Whether the very Task exists, by a live read."""
        live = await self._cluster.get(TASKS, task.namespace, task.name)
        return live is not None and live["metadata"]["uid"] == task.uid

    async def _conclude(self, entry: InputView, message: str | None) -> None:
        delivered_at = times.rfc3339(self._clock())
        await self._writer.write(
            entry, {"phase": InputPhase.DELIVERED, "deliveredAt": delivered_at, "message": message}
        )

    def _pod(self, key: Key, task: TaskView) -> PodView | None:
        """The Pod of the newest build, by its name."""
        build = task.build
        return self._stores.pods.get((key[0], build["name"])) if build else None

    async def _reject(self, entry: InputView, message: str, *, reason: InputReason | None = None) -> None:
        self._not_before.pop(entry.uid, None)
        self._contents.forget(entry)
        rejected_at = times.rfc3339(self._clock())
        status = {"phase": InputPhase.REJECTED, "message": message, "rejectedAt": rejected_at}
        await self._writer.write(entry, status | ({"reason": reason} if reason else {}))

    async def _tell(self, entry: InputView, message: str) -> None:
        await self._writer.write(entry, {"message": message})

    async def _refuse(self, refusal: Refusal) -> None:
        entry = refusal.input
        logger.info("input %s/%s: rejected: %s", entry.namespace, entry.name, refusal.message)
        await self._reject(entry, refusal.message, reason=refusal.reason)

    def _removes(self, key: Key) -> bool:
        """Whether inputs of this Task may be removed, as far as is known."""
        return not self._held.holds(key, now=self._clock())

    async def _remove(self, entry: InputView) -> None:
        """Remove an input, or go on without: one that may not be deleted holds up no other."""
        key = (entry.namespace, entry.task)
        if not self._removes(key):
            return
        try:
            await self._cluster.delete(TASK_INPUTS, entry.namespace, entry.name, uid=entry.uid, size=entry.characters)
        except NotLeadingError:
            raise
        except ApiError as error:
            verdict = refusal.of(error.answer, Attempt("delete", "TaskInput", entry.name, is_needed=False))
            if not isinstance(verdict, GoOn):
                raise
            logger.warning("inputs of task %s/%s: %s", *key, verdict.message)
            self._held.hold(key, now=self._clock())
            self._again(key, HELD.total_seconds())
            return
        self._stores.inputs.remove((entry.namespace, entry.name), uid=entry.uid)
        self._changed(key)

    async def _adopt(self, key: Key, entry: InputView, task: TaskView, *, now: datetime) -> bool:
        if self._is_too_early(key, entry, now=now):
            return False
        others: list[Object] = []
        if entry.has_owners:
            # The stores do not keep them. A write that comes after this read is a conflict.
            found = await self._cluster.get(TASK_INPUTS, entry.namespace, entry.name)
            if found is None or found["metadata"]["resourceVersion"] != entry.resource_version:
                self._writer.take(entry, found)
                return self._stores.inputs.get((entry.namespace, entry.name)) is not entry
            others = found["metadata"].get("ownerReferences") or []
        owners = [*others, names.owner_reference(name=task.name, uid=task.uid)]
        metadata = {"uid": entry.uid, "resourceVersion": entry.resource_version, "ownerReferences": owners}
        patch = {"metadata": metadata}
        try:
            await self._writer.patched(entry, self._cluster.patch(TASK_INPUTS, entry.namespace, entry.name, patch))
        except NotLeadingError:
            raise
        except ApiError as error:
            verdict = refusal.of(error.answer, Attempt("update", "TaskInput", entry.name))
            if not isinstance(verdict, Wait):
                raise
            told = text_limits.message(verdict.obstacle.message)
            logger.warning("input %s/%s: not owned by its Task yet: %s", entry.namespace, entry.name, told)
            self._put_off(entry, verdict.seconds, now=now)
            self._again(key, verdict.seconds)
            if told != entry.message:
                await self._writer.write(entry, {"message": told})
            return False
        was_kept = self._not_before.pop(entry.uid, None) is not None
        adopted = self._stores.inputs.get((entry.namespace, entry.name))
        if was_kept and adopted and adopted.message and adopted.owner == task.uid:
            # What kept it is over.
            await self._writer.write(adopted, {"message": None})
        return True
