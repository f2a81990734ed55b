"""Lists that are answered whole: the process does other work meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.types import Message

from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.routes import tasks, workspaces
from taskyard.gateway.rest.routes.longlist import SLICE, LongLists
from unit.gateway.rest.objects import Object, cache_with, task


class Turns:
    """Counts what is `done` in each turn of the event loop."""

    def __init__(self) -> None:
        self.done = [0]

    @contextlib.asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        async def turn() -> None:
            while True:
                self.done.append(0)
                await asyncio.sleep(0)

        counting = asyncio.create_task(turn())
        yield
        counting.cancel()

    def shown(self, entry: Object) -> dict[str, str]:
        self.done[-1] += 1
        return {"name": entry["metadata"]["name"]}


async def body_of(response: Response) -> bytes:
    received: list[bytes] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        received.append(message.get("body", b""))

    await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    return b"".join(received)


def many(size: int) -> list[Object]:
    return [task(f"ü-{number}") for number in range(size)]


@pytest.mark.parametrize("size", [0, 1, SLICE, SLICE + 1, 2 * SLICE, 7 * SLICE + 3])
async def test_a_list_is_the_same_however_long_it_is(size: int) -> None:
    entries, turns = many(size), Turns()
    answer = LongLists().answer("tasks", entries, turns.shown, count=size + 5)
    whole = JSONResponse({"tasks": [turns.shown(entry) for entry in entries], "count": size + 5})
    assert await body_of(answer) == bytes(whole.body)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("at_once", [1, 3])
async def test_only_one_slice_is_made_in_a_turn_of_the_event_loop(at_once: int) -> None:
    entries, turns, lists = many(10 * SLICE), Turns(), LongLists()
    async with turns.counted():
        answers = [lists.answer("tasks", entries, turns.shown, count=1) for _ in range(at_once)]
        await asyncio.gather(*map(body_of, answers))
    assert sum(turns.done) == at_once * len(entries)
    assert max(turns.done) == SLICE


class Reading:
    """A caller who may list all Tasks of the cache."""

    def __init__(self, *entries: Object) -> None:
        self.cache = cache_with(*entries)
        self.authorization = self

    async def person(self, request: Any) -> Any:
        return SimpleNamespace()

    async def namespaces(self, person: Any, verb: str, resource: str, names: Iterable[str]) -> frozenset[str]:
        return frozenset(names)


@pytest.mark.parametrize("name", ["workspaces", "tasks"])
async def test_a_list_of_all_objects_does_not_stop_the_process(name: str) -> None:
    """Without a limit all are shown."""
    context, turns, app = cast(RestContext, Reading(*many(40 * SLICE))), Turns(), FastAPI()
    for module in (tasks, workspaces):
        app.include_router(module.routes(context))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        async with turns.counted():
            answer = (await client.get(f"/api/v2/{name}")).json()
        assert (len(answer[name]), answer["count"]) == (40 * SLICE, 40 * SLICE)
        assert len(turns.done) > 40
        some = (await client.get("/api/v2/workspaces?limit=60&offset=5")).json()
        assert (len(some["workspaces"]), some["count"]) == (60, 40 * SLICE)
