"""Whether the caller of a stream still has access to it: checked again for as long as it lasts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import Request

from taskyard.apiclient import ApiError
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import REMEMBERED_SECONDS, Authentication, Person
from taskyard.gateway.rest.access.authorization import Authorization
from taskyard.gateway.rest.cache.objects.task import TaskView

# A little after cached verdicts expire, so that each check asks the API server again.
EVERY_SECONDS = REMEMBERED_SECONDS + 1.0
# A stream may go on this long while the API server cannot be asked.
UNKNOWN_SECONDS = 60.0


T = TypeVar("T")


class AccessLostError(Exception):
    """The token is no longer valid, or its validity could not be checked for too long."""


@dataclass
class StreamAccess:
    """The access of a stream's caller, by the last verdict."""

    authentication: Authentication
    authorization: Authorization
    monotonic: Callable[[], float]
    request: Request
    person: Person
    asked_at: float = field(init=False)
    answered_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.asked_at = self.answered_at = self.monotonic()

    @property
    def due_in(self) -> float:
        """Seconds until the next check."""
        return max(0.0, self.asked_at + EVERY_SECONDS - self.monotonic())

    async def of_task(self, task: TaskView, *, last: tuple[bool, bool]) -> tuple[bool, bool]:
        """Whether the caller may see the Task, and whether they may read its log; `last` is the previous verdict.
        Raises AccessLostError."""
        try:
            person = await self._person()
            sees, reads = [
                await self.authorization.allows(person, "get", resource, task.namespace, task.name)
                for resource in (authorization.TASKS, authorization.TASK_LOG)
            ]
        except ApiError:
            return self._unknown(last)
        self.answered_at = self.monotonic()
        return sees, reads

    async def of_namespaces(self, candidates: frozenset[str], *, last: frozenset[str]) -> frozenset[str]:
        """The namespaces in which the caller may list Tasks; `last` is the previous verdict. Raises AccessLostError."""
        try:
            person = await self._person()
            found = await self.authorization.namespaces(person, "list", authorization.TASKS, candidates)
        except ApiError:
            return self._unknown(last)
        self.answered_at = self.monotonic()
        return found

    async def _person(self) -> Person:
        self.asked_at = self.monotonic()
        try:
            self.person = await self.authentication.person(self.request)
        except HttpError as error:
            if error.status == 401:
                raise AccessLostError(error.message) from error
            # Too many tokens are under review; this one is reviewed again soon.
            raise ApiError("review of a token", error.message) from error
        return self.person

    def _unknown(self, last: T) -> T:
        if self.monotonic() - self.answered_at > UNKNOWN_SECONDS:
            raise AccessLostError("The validity of the token could not be checked.")
        return last
