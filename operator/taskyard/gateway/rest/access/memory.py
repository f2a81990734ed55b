"""The memory that requests in progress take, in all and for each caller."""

import functools

from fastapi import Request

from taskyard.bytebudget import BudgetExceededError, ByteBudget
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.lifecycle import when_left
from taskyard.gateway.http.request_body import Room
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access.authentication import Person
from taskyard.sidecarclient import EVENT_BYTES

BODIES_BYTES, CALLER_BODIES_BYTES = 24 << 20, 8 << 20
LOGS_BYTES, CALLER_LOGS_BYTES = 32 << 20, 16 << 20
EVENTS_BYTES = 16 << 20
# How long a request waits for room.
ROOM_SECONDS = 10.0


class Memory:
    """The budgets: for the bodies of requests, for the conversations that sidecars answer with, and for the long
    messages of streams until they are complete."""

    def __init__(self, metrics: Metrics) -> None:
        self.bodies = ByteBudget(most=BODIES_BYTES, each=CALLER_BODIES_BYTES)
        self.logs = ByteBudget(most=LOGS_BYTES, each=CALLER_LOGS_BYTES)
        self.events = ByteBudget(most=EVENTS_BYTES, each=EVENT_BYTES)
        for what, budget in (("bodies", self.bodies), ("logs", self.logs), ("events", self.events)):
            metrics.watch_bytes(what, functools.partial(getattr, budget, "bytes"))

    def for_body(self, request: Request, person: Person) -> Room:
        """Room for the request's body until the request has been answered."""
        return _room(self.bodies, request, person, bound="body")

    def for_log(self, request: Request, person: Person) -> Room:
        """Room for the conversation that the request is answered with."""
        return _room(self.logs, request, person, bound="log")


def _room(budget: ByteBudget, request: Request, person: Person, *, bound: str) -> Room:
    """Holds bytes for the caller. Raises HttpError 429 when there is no room for them in time."""

    async def hold(size: int) -> None:
        try:
            lease = await budget.lease(person.user.digest, size, patience=ROOM_SECONDS)
        except BudgetExceededError as error:
            detail = f"There was no room in memory for {size} bytes within {ROOM_SECONDS:.0f} s; ask again."
            raise HttpError(429, "Too many requests.", detail=detail, retry_after=1, bound=bound) from error
        when_left(request, lease.release)

    return hold
