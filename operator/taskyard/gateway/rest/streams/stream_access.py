"""Whether the caller of a stream may still have it: asked again for as long as it lasts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import Request

from taskyard.apiclient import ApiError, Object
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import REMEMBERED_SECONDS, Authentication, Person
from taskyard.gateway.rest.access.authorization import Authorization

# A little after answers are remembered no longer, so that each time it is asked anew.
EVERY_SECONDS = REMEMBERED_SECONDS + 1.0
# A stream goes on while the API server cannot be asked, though not for long.
UNKNOWN_SECONDS = 60.0


T = TypeVar("T")


class AccessLostError(Exception):
    """The token is not valid any more, or nobody could say for too long whether it is."""


@dataclass
class StreamAccess:
    """What the caller of a stream may, by the last answer that was had."""

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
        """Seconds until it is to be asked again."""
        return max(0.0, self.asked_at + EVERY_SECONDS - self.monotonic())

    async def of_task(self, task: Object, *, last: tuple[bool, bool]) -> tuple[bool, bool]:
        """Whether the caller may see the Task, and read its log; `last` is what was answered before. Raises
        AccessLostError."""
        metadata = task["metadata"]
        try:
            person = await self._person()
            sees, reads = [
                await self.authorization.allows(person, "get", resource, metadata["namespace"], metadata["name"])
                for resource in (authorization.TASKS, authorization.TASK_LOG)
            ]
        except ApiError:
            return self._unknown(last)
        self.answered_at = self.monotonic()
        return sees, reads

    async def of_namespaces(self, candidates: frozenset[str], *, last: frozenset[str]) -> frozenset[str]:
        """In which namespaces the caller may list Tasks; `last` is what was answered before. Raises
        AccessLostError."""
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
            # Too many tokens are looked at now; this one is looked at again soon.
            raise ApiError("review of a token", error.message) from error
        return self.person

    def _unknown(self, last: T) -> T:
        if self.monotonic() - self.answered_at > UNKNOWN_SECONDS:
            raise AccessLostError("Nobody could say whether the token is still valid.")
        return last
