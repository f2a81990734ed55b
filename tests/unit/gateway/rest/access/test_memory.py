"""The memory that requests in progress take."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.memory import BODIES_BYTES, CALLER_BODIES_BYTES, ROOM_SECONDS, Memory
from unit.virtual_time import in_no_time, now

MIB = 1 << 20


class Asking:
    """Requests of several callers that are in progress."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.memory = Memory(self.metrics)
        self.leaving: list[Any] = []

    async def body(self, caller: str, size: int = MIB) -> None:
        scope = {"type": "http", "taskyard.leaving": self.leaving}
        person = cast(Person, SimpleNamespace(user=SimpleNamespace(digest=caller.encode())))
        await self.memory.for_body(Request(scope), person)(size)

    def shown(self) -> float | None:
        return self.metrics.registry.get_sample_value("taskyard_gateway_held_bytes", {"what": "bodies"})


def test_a_caller_with_many_bodies_waits_and_then_is_refused_and_others_are_not() -> None:
    async def live() -> None:
        asking = Asking()
        for _ in range(CALLER_BODIES_BYTES // MIB):
            await asking.body("many")
        began = now()
        with pytest.raises(HttpError) as refused:
            await asking.body("many")
        assert now() - began == pytest.approx(ROOM_SECONDS)
        assert (refused.value.status, refused.value.bound, refused.value.retry_after) == (429, "body", 1)
        await asking.body("another")
        assert asking.shown() == CALLER_BODIES_BYTES + MIB
        waiting = asyncio.create_task(asking.body("many"))
        await asyncio.sleep(1)
        asking.leaving.pop(0)()
        await waiting

    in_no_time(live())


def test_all_callers_together_are_bounded() -> None:
    async def live() -> None:
        asking = Asking()
        for number in range(BODIES_BYTES // MIB):
            await asking.body(f"caller-{number // 4}")
        with pytest.raises(HttpError):
            await asking.body("one more")
        for leave in asking.leaving:
            leave()
        assert asking.shown() == 0

    in_no_time(live())
