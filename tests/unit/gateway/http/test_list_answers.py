"""Long lists: the process does other work meanwhile, and never holds all of one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.types import Message

from taskyard.gateway.http import list_answers
from taskyard.gateway.http.list_answers import PIECE_BYTES, PIECE_ENTRIES, ListAnswers
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.routes import paging, tasks, workspaces
from taskyard.gateway.rest.views import task as task_view
from unit.gateway.rest.objects import cache_with, prompts_of, task
from unit.virtual_time import in_no_time


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

    def shown(self, entry: str) -> dict[str, str]:
        self.done[-1] += 1
        return {"name": entry}


class Client:
    """Receives an answer; while `reading` is cleared, takes nothing."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.pieces: list[int] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def receive(self, response: Response) -> None:
        async def receive() -> Message:
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await self.reading.wait()
            self.body += message.get("body", b"")
            self.pieces.append(len(message.get("body", b"")))

        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)


def size(entry: str) -> int:
    return len(entry.encode()) + 20


async def body_of(response: Response) -> bytes:
    client = Client()
    await client.receive(response)
    return bytes(client.body)


def many(count: int, *, characters: int = 10) -> list[str]:
    return [f"ü-{number}-{'x' * characters}" for number in range(count)]


@pytest.mark.parametrize("characters", [10, PIECE_BYTES // 3, 2 * PIECE_BYTES])
@pytest.mark.parametrize("count", [0, 1, PIECE_ENTRIES, PIECE_ENTRIES + 1, 2 * PIECE_ENTRIES, 3 * PIECE_ENTRIES + 3])
async def test_a_list_is_the_same_however_long_it_is(count: int, characters: int) -> None:
    entries, turns, lists = many(count, characters=characters), Turns(), ListAnswers()
    more = {"count": count + 5, "continue": "x"}
    answer = lists.answer("me", "tasks", entries, turns.shown, size=size, more=more, headers={"Link": "<x>"})
    shown = [{"name": entry} for entry in entries]
    assert await body_of(answer) == bytes(JSONResponse({"tasks": shown, **more}).body)
    assert (answer.headers["content-type"], answer.headers["link"]) == ("application/json", "<x>")
    array = lists.answer("me", "", entries, turns.shown, size=size)
    assert await body_of(array) == bytes(JSONResponse(shown).body)
    assert lists.budget.bytes == 0


@pytest.mark.parametrize("at_once", [1, 3])
async def test_only_one_piece_is_made_in_a_turn_of_the_event_loop(at_once: int) -> None:
    entries, turns, lists = many(10 * PIECE_ENTRIES), Turns(), ListAnswers()
    async with turns.counted():
        answers = [lists.answer("me", "tasks", entries, turns.shown, size=size) for _ in range(at_once)]
        await asyncio.gather(*map(body_of, answers))
    assert sum(turns.done) == at_once * len(entries)
    assert max(turns.done) == PIECE_ENTRIES


async def test_a_piece_ends_before_it_becomes_too_large() -> None:
    entries, client = many(100, characters=10_000), Client()
    await client.receive(ListAnswers().answer("me", "tasks", entries, lambda entry: entry, size=size))
    assert max(client.pieces) <= PIECE_BYTES
    large = Client()
    await large.receive(
        ListAnswers().answer("me", "tasks", many(5, characters=300_000), lambda entry: entry, size=size)
    )
    assert max(large.pieces) <= 300_100


async def test_lists_that_nobody_reads_hold_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_answers, "ALL_PIECES_BYTES", 3_000_000)
    monkeypatch.setattr(list_answers, "CALLER_PIECES_BYTES", 1_000_000)
    entries, lists, clients = ["x" * 300_000] * 20, ListAnswers(), [Client() for _ in range(50)]
    for client in clients:
        client.reading.clear()
    tracemalloc.start()
    reading = [
        asyncio.create_task(
            client.receive(lists.answer(number % 5, "tasks", entries, lambda entry: {"name": entry}, size=size))
        )
        for number, client in enumerate(clients)
    ]
    await asyncio.sleep(0.2)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0 < lists.budget.bytes <= 3_000_000
    assert held < 5_000_000
    for client in clients:
        client.reading.set()
    await asyncio.gather(*reading)
    assert {len(json.loads(client.body)["tasks"]) for client in clients} == {20}
    assert lists.budget.bytes == 0


def test_a_list_that_is_not_read_in_time_is_given_up() -> None:
    async def live() -> None:
        lists, client = ListAnswers(), Client()
        client.reading.clear()
        await client.receive(lists.answer("me", "tasks", many(1000), lambda entry: entry, size=size))
        assert (bytes(client.body), lists.budget.bytes) == (b"", 0)

    in_no_time(live())


@pytest.mark.parametrize("is_waiting", [False, True], ids=["while it is made", "while it waits for room"])
async def test_the_rest_of_a_list_is_not_made_for_a_client_that_has_left(is_waiting: bool) -> None:
    lists, shown, left = ListAnswers(), Turns(), asyncio.Event()
    held = await lists.budget.lease("me", list_answers.CALLER_PIECES_BYTES if is_waiting else 0)

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            left.set()

    answer = lists.answer("me", "tasks", many(100 * PIECE_ENTRIES), shown.shown, size=size)
    answering = asyncio.create_task(answer({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send))
    if is_waiting:
        await asyncio.sleep(0)
        left.set()
    async with asyncio.timeout(5):
        await answering
    assert sum(shown.done) <= (0 if is_waiting else 6 * PIECE_ENTRIES)
    held.release()
    assert lists.budget.bytes == 0


async def test_a_page_of_a_hundred_tasks_is_a_head_and_two_pieces() -> None:
    client = Client()
    entries = [task(f"task-{number}", prompt="x" * 250) for number in range(100)]
    await client.receive(ListAnswers().answer("me", "tasks", entries, lambda entry: entry.name, size=task_view.size))
    assert len(client.pieces) == 3


async def test_what_a_piece_lacks_is_fetched_before_it_is_shown() -> None:
    class Fetching:
        def __init__(self) -> None:
            self.fetched: list[list[str]] = []

        def lacks(self, entries: Sequence[str]) -> bool:
            return True

        async def fetch(self, entries: Sequence[str]) -> None:
            await asyncio.sleep(0)
            self.fetched.append(list(entries))

    for entries in (["one", "two"], many(8, characters=PIECE_BYTES)):
        fetching, client = Fetching(), Client()
        await client.receive(
            ListAnswers().answer("me", "tasks", entries, lambda entry: entry, size=size, fetching=fetching)
        )
        assert json.loads(client.body) == {"tasks": entries}
        assert fetching.fetched == ([["one", "two"]] if len(entries) == 2 else [[entry] for entry in entries])


class Reading:
    """A caller who may list all Tasks of the cache."""

    def __init__(self, *entries: TaskView) -> None:
        self.cache = cache_with(*entries)
        self.authorization = self
        self.lists, self.metrics = ListAnswers(), Metrics()
        self.prompts = prompts_of(self.cache)

    async def person(self, request: Any) -> Any:
        return SimpleNamespace(user=SimpleNamespace(digest=b"me"))

    async def namespaces(self, person: Any, verb: str, resource: str, names: Iterable[str]) -> frozenset[str]:
        return frozenset(names)


@contextlib.asynccontextmanager
async def served(reading: Reading) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    for module in (tasks, workspaces):
        app.include_router(module.routes(cast(RestContext, reading)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        yield client


def named(count: int) -> list[TaskView]:
    return [task(f"task-{number}") for number in range(count)]


@pytest.mark.parametrize("name", ["workspaces", "tasks"])
async def test_a_list_of_all_objects_does_not_stop_the_process(name: str) -> None:
    """Without a limit all are shown."""
    count, turns = 40 * PIECE_ENTRIES, Turns()
    async with served(Reading(*named(count))) as client:
        async with turns.counted():
            answer = (await client.get(f"/api/v2/{name}")).json()
        assert (len(answer[name]), answer["count"]) == (count, count)
        assert len(turns.done) > 40
        some = await client.get(f"/api/v2/{name}?limit=60&offset=5")
        assert (len(some.json()[name]), some.json()["count"]) == (60, count)
        assert some.headers["link"] == f'</api/v2/{name}?limit=60&offset=65>; rel="next"'


@pytest.mark.parametrize("name", ["workspaces", "tasks"])
async def test_a_list_too_long_for_one_answer_says_where_it_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LIST_BYTES", 100_000)
    reading, found, path, asked = Reading(*named(200)), [], f"/api/v2/{name}", 0
    async with served(reading) as client:
        while path:
            answer = await client.get(path)
            assert answer.json()["count"] == 200
            found += [entry["name"] for entry in answer.json()[name]]
            path, asked = answer.links.get("next", {}).get("url", ""), asked + 1
    assert len(found) == len(set(found)) == 200
    bounds = reading.metrics.registry.get_sample_value("taskyard_gateway_bounds_reached_total", {"bound": "list"})
    assert asked > 2
    assert bounds == asked - 1
