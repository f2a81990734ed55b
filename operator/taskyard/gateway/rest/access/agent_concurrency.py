"""Limits the concurrent calls to the sidecar of one Pod, and to all of them."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from taskyard.gateway.http.errors import HttpError

AGAIN_SECONDS = 1.0


class AgentConcurrency:
    """Allows `each` calls to a Pod at a time, and `in_all` to all Pods.

    Of the calls beyond that, `waiting` for each Pod wait, at most `patience` seconds; the rest are refused at once.
    """

    def __init__(self, *, each: int, in_all: int, waiting: int, patience: float) -> None:
        self._each = each
        self._waiting = waiting
        self._patience = patience
        self._all = asyncio.Semaphore(in_all)
        self._pods: dict[str, asyncio.Semaphore] = {}
        self._callers: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many Pods have calls in progress or waiting."""
        return len(self._pods)

    @contextlib.asynccontextmanager
    async def of(self, pod: str) -> AsyncIterator[None]:
        """Hold a turn to call the Pod of that UID. Raises HttpError 429 when too many calls wait, 503 after
        `patience`."""
        if self._callers[pod] >= self._each + self._waiting:
            raise HttpError(
                429, "Too many requests.", detail="Too many wait for this Task's agent.", retry_after=AGAIN_SECONDS
            )
        self._callers[pod] += 1
        turn = self._pods.setdefault(pod, asyncio.Semaphore(self._each))
        try:
            async with contextlib.AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(self._patience):
                        await held.enter_async_context(turn)
                        await held.enter_async_context(self._all)
                except TimeoutError as error:
                    raise HttpError(
                        503,
                        "Too many requests.",
                        detail=f"The agents were busy with others for {self._patience:.0f} s; nothing was sent.",
                        retry_after=AGAIN_SECONDS,
                    ) from error
                yield
        finally:
            self._callers[pod] -= 1
            if not self._callers[pod]:
                del self._callers[pod], self._pods[pod]
