"""Holds a Lease: the loop around the rules of `core.lease`, and the guard of every write."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from taskyard.apiclient import ApiError, ConflictError, MissingError, Object
from taskyard.core import lease
from taskyard.core.lease import LeaseView, Lost, Sight, Take, Terms, Wait
from taskyard.core.resources import LEASES
from taskyard.election.guarded_cluster import GuardedCluster, NotLeadingError

logger = logging.getLogger(__name__)

T = TypeVar("T")


def steady() -> float:
    """Seconds of a clock that never steps and keeps counting while the process is stopped and, where the system has
    such a clock, while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def wall() -> datetime:
    """The time written into the Lease, for people."""
    return datetime.now(UTC)


class Leader:
    """One process' part in the election: `acquire` once, `hold` from then on, `release` at the end.

    `identity` is unique to this process; even its successor in the same Pod has another. A lost Lease is not taken
    again: the process that has lost it ends, and the next one starts with an empty memory.
    """

    def __init__(
        self,
        namespace: str,
        name: str,
        *,
        identity: str,
        terms: Terms,
        clock: Callable[[], float] = steady,
        now: Callable[[], datetime] = wall,
    ) -> None:
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._terms = terms
        self._clock = clock
        self._now = now
        self._sight: Sight | None = None
        self._until: float | None = None
        self._over: str | None = None

    def check(self) -> None:
        """Return if this process may write now. Raises NotLeadingError."""
        if self._over is None and self._until is not None and self._clock() >= self._until:
            self._over = "it could not be renewed in time"
        if self._over is not None:
            raise NotLeadingError(self._what, f"lost: {self._over}")
        if self._until is None:
            raise NotLeadingError(self._what, "not held yet")

    @property
    def leads(self) -> bool:
        """Whether this process may write now."""
        return self._over is None and self._until is not None and self._clock() < self._until

    async def acquire(self, cluster: GuardedCluster, *, ready: asyncio.Event) -> None:
        """Return once the Lease is held. It is observed from the start but taken only once `ready` is set, so that the
        time before counts towards its expiry. Each fault of the API server is one log line and then a retry."""
        released = asyncio.Event()
        watching = asyncio.create_task(self._watch(cluster, released))
        try:
            await self._acquire(cluster, ready, released)
        finally:
            watching.cancel()

    async def _acquire(self, cluster: GuardedCluster, ready: asyncio.Event, released: asyncio.Event) -> None:
        logged = ""
        while True:
            released.clear()
            pause = self._terms.retry_period
            try:
                step = await self._look(cluster)
                if isinstance(step, Take) and ready.is_set():
                    await self._write(cluster)
                    logger.info("%s: held by %s", self._what, self._identity)
                    return
                if isinstance(step, Wait):
                    pause = min(pause, step.seconds)
                    seen = self._sight.lease if self._sight else None
                    state = (
                        f"{seen.holder} holds it" if seen else "it was deleted, which its last holder may not know yet"
                    )
                    if state != logged:
                        logger.info("%s: %s; waiting", self._what, state)
                        logged = state
            except (ConflictError, MissingError):
                logger.debug("%s: another process was quicker", self._what)
            except ApiError as error:
                logger.warning("%s: not taken: %s", self._what, error)
            await self._pause(pause * random.uniform(0.8, 1.0), released if ready.is_set() else ready)

    async def _watch(self, cluster: GuardedCluster, released: asyncio.Event) -> None:
        """Set `released` when the holder lets the Lease go, so that nobody waits for the next look. Where the right to
        watch is missing, the looks find it out a little later."""
        while True:
            try:
                async for state in cluster.states(LEASES, self._namespace, self._name):
                    if not LeaseView.of(state, terms=self._terms).holder:
                        released.set()
            except ApiError as error:
                logger.debug("%s: not watched: %s", self._what, error)
            await asyncio.sleep(self._terms.retry_period)

    async def hold(self, cluster: GuardedCluster) -> NoReturn:
        """Renew until the Lease is lost; then raise NotLeadingError with the cause."""
        while True:
            assert self._until is not None
            step = self._decide()
            if isinstance(step, Lost):
                self._over = self._over or step.cause
            self.check()
            await asyncio.sleep(max(min(self._terms.retry_period, self._until - self._clock()), 0.0))
            try:
                if not isinstance(self._decide(), Lost):
                    await self._renew(cluster)
            except ApiError as error:
                logger.warning("%s: not renewed: %s", self._what, error)

    async def release(self, cluster: GuardedCluster) -> None:
        """Refuse every write that has not begun, wait for those that have, and release the Lease if it is held, so that
        the next process need not wait."""
        try:
            self.check()
        except NotLeadingError:
            await cluster.settle(0)
            return
        self._over = "it was released"
        await cluster.settle(self._terms.request_timeout)
        try:
            try:
                await self._let_go(cluster)
            except ConflictError:
                # The last renewal was cancelled, but the API server had received it.
                await self._look(cluster)
                await self._let_go(cluster)
        except ApiError as error:
            logger.warning("%s: not released: %s", self._what, error)

    async def _let_go(self, cluster: GuardedCluster) -> None:
        seen = self._sight.lease if self._sight else None
        if seen is not None and seen.holder == self._identity:
            await self._within(cluster.patch(LEASES, self._namespace, self._name, lease.release(seen)), self._patience)
            logger.info("%s: released", self._what)

    @property
    def _what(self) -> str:
        return f"lease {self._namespace}/{self._name}"

    async def _renew(self, cluster: GuardedCluster) -> None:
        try:
            await self._write(cluster)
        except (ConflictError, MissingError):
            # Somebody has written or deleted it: unless that was a rival, it is renewed all the same.
            if not isinstance(await self._look(cluster), Lost):
                await self._write(cluster)

    async def _look(self, cluster: GuardedCluster) -> lease.Step:
        """Read the Lease and decide what to do now."""
        self._keep(await self._within(cluster.get(LEASES, self._namespace, self._name), self._patience))
        return self._decide()

    async def _write(self, cluster: GuardedCluster) -> None:
        """Write this identity into the Lease as last seen; the hold counts from the moment before the request."""
        seen, sent, now = self._sight.lease if self._sight else None, self._clock(), self._now()
        if seen is None:
            manifest = lease.manifest(self._namespace, self._name, identity=self._identity, terms=self._terms, now=now)
            written = await self._within(cluster.create(LEASES, manifest), self._patience)
        else:
            patch = lease.hold(seen, identity=self._identity, terms=self._terms, now=now)
            written = await self._within(cluster.patch(LEASES, self._namespace, self._name, patch), self._patience)
        self._keep(written)
        self._until = sent + self._terms.renew_deadline

    def _keep(self, manifest: Object | None) -> None:
        seen = LeaseView.of(manifest, terms=self._terms) if manifest else None
        self._sight = lease.see(self._sight, seen, identity=self._identity, now=self._clock())

    def _decide(self) -> lease.Step:
        assert self._sight is not None
        return lease.decide(self._sight, identity=self._identity, until=self._until, now=self._clock())

    @property
    def _patience(self) -> float:
        """Seconds that a request may take, so that it never outlasts the hold."""
        longest = self._terms.request_timeout
        return longest if self._until is None else max(min(longest, self._until - self._clock()), 0.0)

    async def _within(self, request: Awaitable[T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await request
        except TimeoutError as error:
            raise ApiError(self._what, f"no answer within {seconds:.1f} s") from error

    @staticmethod
    async def _pause(seconds: float, event: asyncio.Event) -> None:
        """Sleep for `seconds`, or until the event is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
