"""What is asked for of Secrets, and the guard before every write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from taskyard.apiclient import TooLargeError
from taskyard.controller.cache import kinds
from taskyard.controller.cluster import Cluster, NotLeadingError
from taskyard.core.resources import EVENTS, LEASES, PODS, TASK_INPUTS, TASKS
from taskyard.core.tokenbucket import Rate
from taskyard.election.write_budget import WriteBudget
from taskyard.watchcache import reading
from unit.controller.fakes import until


class Answering:
    """A connection that records its requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        self.asked.append((f"{method} {path}", how))
        return {"items": [], "metadata": {"resourceVersion": "7"}}

    async def read(self, path: str, **how: Any) -> bytes:
        self.asked.append((f"GET {path}", how))
        return b'{"items": [], "metadata": {"resourceVersion": "7"}}'

    async def stream(self, path: str, **how: Any) -> AsyncIterator[bytes]:
        self.asked.append((f"WATCH {path}", how))
        return
        yield


async def test_of_secrets_nothing_is_asked_for_but_the_metadata_of_labelled_ones() -> None:
    connection = Answering()
    cluster = Cluster(connection, guard=lambda: None)  # type: ignore[arg-type]
    assert [page.resource_version async for page in cluster.pages(kinds.SECRET)] == ["7"]
    assert [event async for event in cluster.watch(kinds.SECRET, "7")] == []
    assert [what for what, _ in connection.asked] == ["GET /api/v1/secrets", "WATCH /api/v1/secrets"]
    for _, how in connection.asked:
        assert how["query"]["labelSelector"] == "taskyard.dev/usable-by=tasks"
        assert "as=PartialObjectMetadata" in how["accept"]
        assert "," not in how["accept"], "no other form would do"


async def test_the_past_of_a_name_is_asked_for_at_exactly_one_version_and_without_the_objects() -> None:
    """K14"""
    connection = Answering()
    cluster = Cluster(connection, guard=lambda: None)  # type: ignore[arg-type]
    assert await cluster.uid_at(TASKS, "team", "web", resource_version="77") is None
    ((what, how),) = connection.asked
    assert what == "GET /apis/taskyard.dev/v1alpha1/namespaces/team/tasks"
    assert how["query"] == {
        "fieldSelector": "metadata.name=web",
        "resourceVersion": "77",
        "resourceVersionMatch": "Exact",
    }
    assert "as=PartialObjectMetadataList" in how["accept"]


class Server:
    """An API server that answers every request with an object, once `goes_on` is set."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests.append(request.method)
        await self.goes_on.wait()
        return web.json_response({})


class Guard:
    """Permits the next `times` checks."""

    def __init__(self) -> None:
        self.times = 1000

    def __call__(self) -> None:
        self.times -= 1
        if self.times < 0:
            raise NotLeadingError("lease x", "lost")


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def cluster(server: Server, guard: Guard, tmp_path: Path) -> AsyncIterator[Cluster]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"""
        apiVersion: v1
        kind: Config
        clusters: [{{name: test, cluster: {{server: "http://127.0.0.1:{runner.addresses[0][1]}"}}}}]
        users: [{{name: nobody, user: {{}}}}]
        contexts: [{{name: test, context: {{cluster: test, user: nobody}}}}]
        current-context: test
        """
    )
    connected = await Cluster.connect(str(path), guard=guard)
    yield connected
    await connected.close()
    await runner.cleanup()


WRITES = [
    pytest.param(lambda c: c.create(PODS, {"metadata": {"namespace": "team"}}), id="create"),
    pytest.param(lambda c: c.patch(PODS, "team", "web-1", {}), id="patch"),
    pytest.param(lambda c: c.patch_status(TASKS, "team", "web", {}), id="patch status"),
    pytest.param(lambda c: c.delete(PODS, "team", "web-1", uid="u"), id="delete"),
]
Write = Callable[[Cluster], Awaitable[object]]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "times",
    [pytest.param(0, id="before it began"), pytest.param(1, id="while it was connecting")],
)
async def test_nothing_is_written_once_the_lease_is_lost(
    cluster: Cluster, server: Server, guard: Guard, write: Write, times: int
) -> None:
    guard.times = times
    with pytest.raises(NotLeadingError):
        await write(cluster)
    assert server.requests == []
    guard.times = 2
    await write(cluster)
    assert len(server.requests) == 1


async def test_reads_and_the_lease_itself_need_no_lease(cluster: Cluster, server: Server, guard: Guard) -> None:
    guard.times = 0
    await cluster.get(TASKS, "team", "web")
    await cluster.create(LEASES, {"metadata": {"namespace": "team"}})
    await cluster.patch(LEASES, "team", "lease", {})
    assert server.requests == ["GET", "POST", "PATCH"]


async def test_a_write_that_has_begun_is_finished_though_its_caller_is_gone(cluster: Cluster, server: Server) -> None:
    server.goes_on.clear()
    caller = asyncio.create_task(cluster.patch(PODS, "team", "web-1", {}))
    await until(lambda: bool(server.requests))
    caller.cancel()
    settled = asyncio.create_task(cluster.settle(5))
    await asyncio.sleep(0.05)
    assert not settled.done()
    server.goes_on.set()
    await settled


async def test_settling_breaks_off_what_takes_too_long(cluster: Cluster, server: Server) -> None:
    server.goes_on.clear()
    caller = asyncio.create_task(cluster.patch(PODS, "team", "web-1", {}))
    await until(lambda: bool(server.requests))
    await cluster.settle(0.05)
    with pytest.raises(asyncio.CancelledError):
        await caller
    server.goes_on.set()


async def test_events_of_any_size_are_read_by_pages_of_some_bytes_and_without_what_is_not_read_of_them() -> None:
    """Whoever may create Events in a namespace may make them as large as any object."""
    large = {"metadata": {"creationTimestamp": "2026-01-31T12:00:00Z"}, "reason": "Pulled", "action": "x" * 900_000}
    held, largest = [{**large, "note": str(number)} for number in range(700)], 0

    class Large(Answering):
        async def read(self, path: str, *, query: Any, limit: int, **how: Any) -> bytes:
            nonlocal largest
            assert query["fieldSelector"] == "regarding.uid=pod-1"
            begin, most = int(query.get("continue", 0)), int(query["limit"])
            page = held[begin : begin + most]
            if sum(len(event["action"]) for event in page) > limit:
                raise TooLargeError("GET", "too large")
            rest = {"continue": str(begin + most)} if begin + most < len(held) else {}
            content = json.dumps({"metadata": {"resourceVersion": "7", **rest}, "items": page}).encode()
            largest = max(largest, len(content))
            return content

    cluster = Cluster(Large(), guard=lambda: None)  # type: ignore[arg-type]
    found = [event async for event in cluster.events_of("team", "pod-1")]
    assert [event["note"] for event in found] == [str(number) for number in range(500)]
    assert all("action" not in event for event in found)
    assert largest <= reading.MAX_PAGE_BYTES


class Echoing(Answering):
    """A connection whose answers have so many bytes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._raw = json.dumps({"spec": {"content": "x" * size}}).encode()

    async def call(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        if permit := how.get("permit"):
            permit()
        await super().call(method, path)
        return how["parse"](self._raw)


async def test_a_namespace_of_large_objects_waits_with_its_writes_and_others_do_not() -> None:
    connection, waited = Echoing(100_000), []
    loop = asyncio.get_running_loop()
    budget = WriteBudget(clock=loop.time, share=Rate(per_second=1_000_000, burst=100_000))
    cluster = Cluster(
        connection,  # type: ignore[arg-type]
        guard=lambda: None,
        budget=budget,
        paced=lambda: waited.append(loop.time()),
    )
    began = loop.time()
    for _ in range(4):
        await cluster.patch_status(TASK_INPUTS, "full", "one", {})
    assert loop.time() - began >= 0.2
    assert len(waited) == 3, "all but the first, whose size nobody knew"
    await cluster.delete(TASK_INPUTS, "full", "one", uid="u", size=100_000)
    assert loop.time() - began >= 0.3
    waited.clear()
    await cluster.patch_status(TASK_INPUTS, "team", "one", {})
    await cluster.patch(LEASES, "full", "one", {})
    await cluster.create(EVENTS, {"metadata": {"namespace": "full"}})
    assert waited == []


async def test_a_write_that_waits_for_its_turn_is_not_made_by_a_process_that_has_lost_its_lease_meanwhile() -> None:
    connection, leads = Echoing(1000), [True]

    def guard() -> None:
        if not leads[0]:
            raise NotLeadingError("lease x", "lost")

    loop = asyncio.get_running_loop()
    budget = WriteBudget(clock=loop.time, share=Rate(per_second=10_000, burst=1))
    cluster = Cluster(connection, guard=guard, budget=budget)  # type: ignore[arg-type]
    await cluster.patch_status(TASK_INPUTS, "full", "one", {})
    waiting = asyncio.create_task(cluster.patch_status(TASK_INPUTS, "full", "two", {}))
    await asyncio.sleep(0.02)
    leads[0] = False
    with pytest.raises(NotLeadingError):
        await waiting
    assert len(connection.asked) == 1


async def test_a_turn_that_was_waited_for_before_is_that_of_the_next_write_of_the_block() -> None:
    connection = Echoing(1000)
    loop = asyncio.get_running_loop()
    budget = WriteBudget(clock=loop.time, share=Rate(per_second=10_000, burst=1))
    cluster = Cluster(connection, guard=lambda: None, budget=budget)  # type: ignore[arg-type]
    await cluster.patch_status(TASK_INPUTS, "full", "one", {})
    began = loop.time()
    assert cluster.pause("full") > 0.05
    async with cluster.turn(TASK_INPUTS, "full"):
        waited = loop.time() - began
        assert waited > 0.05
        # A write in another namespace is not the one.
        await cluster.patch_status(TASK_INPUTS, "team", "one", {})
        await cluster.patch_status(TASK_INPUTS, "full", "two", {})
        assert loop.time() - began - waited < 0.05
        await cluster.patch_status(TASK_INPUTS, "full", "three", {})
        assert loop.time() - began - waited > 0.05, "it was the turn of one write"
    async with cluster.turn(TASK_INPUTS, "full"):
        pass
    again = loop.time()
    await cluster.patch_status(TASK_INPUTS, "full", "four", {})
    assert loop.time() - again > 0.05, "after the block it is no more"
