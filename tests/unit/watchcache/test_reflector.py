"""List and watch of one kind, against a cluster that tells what the test wants."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taskyard.apiclient import ApiError
from taskyard.controller.cache.stores import Stores
from taskyard.core.pod_view import PodView
from taskyard.core.resources import PODS
from taskyard.watchcache import reflector as reflector_module
from taskyard.watchcache.kind import Kind, V
from taskyard.watchcache.reading import Event, Page
from taskyard.watchcache.reflector import Reflector, list_into
from taskyard.watchcache.store import Store
from unit.controller.fakes import FakeCluster, api_error, until
from unit.core.builders import pod_manifest
from unit.virtual_time import gaps, in_no_time, now
from unit.watchcache.things import THINGS, Thing, thing

Manifest = dict[str, Any]


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector_module, "RETRY_FIRST_SECONDS", 0.01)


def event(kind: str, number: int = 1, version: int = 2000, **fields: Any) -> Manifest:
    return {"type": kind, "object": pod_manifest(number, version=version, **fields)}


def error(code: int, message: str = "no") -> Manifest:
    return {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": message}}


def bookmark(version: int) -> Manifest:
    return {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": str(version)}}}


class Watched:
    """A reflector of Pods at work, and what it told."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.store = Stores().pods
        self.told: list[str] = []
        self.reflector = Reflector(cluster, self.store, lambda pod: self.told.append(pod.name))

    @property
    def names(self) -> list[str]:
        return sorted(pod.name for pod in self.store)


@asynccontextmanager
async def watching(cluster: FakeCluster) -> AsyncIterator[Watched]:
    watched = Watched(cluster)
    task = asyncio.create_task(watched.reflector.run())
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.wait({task})


def lists(cluster: FakeCluster) -> int:
    return sum(verb == "list" for verb, _, _ in cluster.calls)


async def test_it_lists_then_watches_from_there() -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1))
    async with watching(cluster) as watched:
        assert not watched.reflector.listed.is_set()
        await asyncio.wait_for(watched.reflector.listed.wait(), 1.0)
        assert watched.told == ["web-1"]
        await until(lambda: cluster.watched_from == ["1000"])


async def test_it_tells_what_came_changed_and_went() -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1))
    cluster.watches = [[event("ADDED", 2, 1001), event("MODIFIED", 2, 1002), event("DELETED", 1, 1003), None]]
    async with watching(cluster) as watched:
        await until(lambda: len(watched.told) == 4)
        assert watched.told == ["web-1", "web-2", "web-2", "web-1"]
        assert watched.names == ["web-2"]


async def test_a_state_that_is_older_than_the_known_one_is_no_news() -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1, version=900))
    cluster.watches = [[event("MODIFIED", 1, 800), bookmark(1005), event("MODIFIED", 1, 1006), None]]
    async with watching(cluster) as watched:
        await until(lambda: len(watched.told) == 2)
        assert watched.told == ["web-1", "web-1"]


async def test_the_deletion_of_another_of_its_name_leaves_an_object_alone() -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1, uid="new"))
    cluster.watches = [[event("DELETED", 1, 1001, uid="old"), bookmark(1002), None]]
    async with watching(cluster) as watched:
        await until(lambda: len(watched.told) == 2)
        assert watched.names == ["web-1"]


async def test_a_watch_that_ends_goes_on_from_its_last_event_or_bookmark_without_a_list() -> None:
    cluster = FakeCluster()
    cluster.watches = [[event("ADDED", 1, 1001)], [bookmark(1040)], [None]]
    async with watching(cluster):
        await until(lambda: len(cluster.watched_from) == 3)
        assert cluster.watched_from == ["1000", "1001", "1040"]
        assert lists(cluster) == 1


async def test_after_a_410_a_new_list_replaces_the_store(caplog: pytest.LogCaptureFixture) -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1))
    cluster.hold(PODS, pod_manifest(2))
    cluster.watches = [[error(410, "too old resource version")], [None]]
    async with watching(cluster) as watched:
        await watched.reflector.listed.wait()
        # Deleted while no watch would tell.
        del cluster.objects["pods", "team", "web-1"]
        await until(lambda: len(cluster.watched_from) == 2)
        assert watched.names == ["web-2"]
        assert sorted(watched.told) == ["web-1", "web-1", "web-2"]
    assert caplog.records == [], "that is everyday life and no warning"


async def test_a_watch_that_ends_at_once_is_a_fault_and_not_begun_again_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = FakeCluster()
    cluster.watches = [[], [None]]
    async with watching(cluster):
        await until(lambda: len(cluster.watched_from) == 2)
    (record,) = caplog.records
    assert "it ended at once" in record.getMessage()


async def test_watches_that_fail_one_after_the_other_come_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    delays = remembered_delays(monkeypatch)
    cluster = FakeCluster()
    cluster.watches = [*([api_error(403, "Forbidden")] for _ in range(3)), [bookmark(1001), api_error(0)], [None]]
    async with watching(cluster):
        await until(lambda: len(cluster.watched_from) == 5)
    found = [delay for delay in delays if delay >= 0.01]
    assert found == pytest.approx([0.01, 0.02, 0.04, 0.01]), "though the lists between them pass"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(error(500, "etcd leader changed"), "etcd leader changed", id="an ERROR event of code 500"),
        pytest.param(api_error(0, message="the watch broke off"), "the watch broke off", id="a stream that breaks"),
        pytest.param(api_error(410, message="Expired"), "Expired", id="a watch refused with 410"),
    ],
)
async def test_a_broken_watch_is_one_line_and_a_new_list(
    fault: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1))
    cluster.watches = [[fault], [None]]
    async with watching(cluster) as watched:
        await until(lambda: len(cluster.watched_from) == 2)
        assert watched.names == ["web-1"]
        assert lists(cluster) == 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert says in record.getMessage()
    assert "listing again in" in record.getMessage()


async def test_it_is_not_listed_before_a_list_has_passed() -> None:
    cluster = FakeCluster()
    cluster.failures["list"] = [api_error(503), api_error(403, "Forbidden")]
    async with watching(cluster) as watched:
        await until(lambda: lists(cluster) == 2)
        assert not watched.reflector.listed.is_set()
        await asyncio.wait_for(watched.reflector.listed.wait(), 1.0)
        assert lists(cluster) == 3


def remembered_delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the reflector would have slept; it goes on at once instead."""
    delays: list[float] = []
    sleep = asyncio.sleep

    async def remember(seconds: float) -> None:
        if seconds:
            delays.append(seconds)
        await sleep(0)

    monkeypatch.setattr(reflector_module.asyncio, "sleep", remember)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    monkeypatch.setattr(reflector_module, "MAX_RETRY_SECONDS", 0.05)
    return delays


async def test_failing_lists_come_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    delays = remembered_delays(monkeypatch)
    cluster = FakeCluster()
    cluster.failures["list"] = [api_error(503) for _ in range(5)]
    async with watching(cluster) as watched:
        async with asyncio.timeout(1.0):
            await watched.reflector.listed.wait()
    assert delays == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.05])


@pytest.mark.parametrize("fails", ["list", "watch"])
def test_after_two_thousand_failures_it_still_lists_every_half_minute_and_hears_what_comes(
    fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    listed_at: list[float] = []

    class Cluster(FakeCluster):
        async def pages(self, kind: Kind[V]) -> AsyncIterator[Page[V]]:
            listed_at.append(now())
            async for page in super().pages(kind):
                yield page

    async def live() -> None:
        cluster, heard = Cluster(), asyncio.Event()
        faults = [api_error(503) for _ in range(2000)]
        if fails == "list":
            cluster.failures["list"] = faults
        else:
            cluster.watches = [[fault] for fault in faults]
        cluster.watches.append([event("ADDED"), None])
        reflector = Reflector(cluster, Stores().pods, lambda pod: heard.set())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(reflector.run())
            await heard.wait()
            running.cancel()
        assert len(listed_at) == 2001
        assert gaps(listed_at)[-1] == pytest.approx(30.0)

    in_no_time(live())


# A list


class Listed:
    """A source whose list has these pages; an ApiError among them breaks it off."""

    def __init__(self, *pages: list[Thing] | ApiError, at: str = "9") -> None:
        self._pages, self._at = pages, at

    async def pages(self, kind: Kind[Any]) -> AsyncIterator[Page[Any]]:
        for views in self._pages:
            if isinstance(views, ApiError):
                raise views
            yield Page(iter(views), self._at)

    def watch(self, kind: Kind[Any], resource_version: str) -> AsyncIterator[Event[Any]]:
        raise AssertionError("nobody watches")


def held(*things: Thing) -> Store[Thing]:
    store = Store(THINGS)
    for found in things:
        store.keep(found)
    return store


async def listed_into(store: Store[Thing], source: Listed) -> list[str]:
    """The names of what was told."""
    told: list[Thing] = []
    try:
        assert await list_into(source, store, told.append) == "9"
    finally:
        names = sorted(found.name for found in told)
    return names


async def test_a_list_replaces_what_there_was() -> None:
    store = held(thing("gone", 1), thing("same", 2), thing("changed", 3))
    told = await listed_into(store, Listed([thing("same", 2), thing("changed", 8)], [thing("new", 7)]))
    assert told == ["changed", "gone", "new"]
    assert sorted(found.name for found in store) == ["changed", "new", "same"]


async def test_what_was_written_after_the_list_was_made_stays() -> None:
    store = held(thing("written", 12), thing("newer", 11))
    assert await listed_into(store, Listed([thing("newer", 5)])) == []
    assert sorted((found.name, found.version) for found in store) == [("newer", 11), ("written", 12)]


async def test_an_empty_list_empties_the_store() -> None:
    store = held(thing("a"), thing("b"))
    assert await listed_into(store, Listed([])) == ["a", "b"]
    assert len(store) == 0


async def test_a_list_that_breaks_off_removes_nothing_and_keeps_what_it_told() -> None:
    store = held(thing("last", 1))
    with pytest.raises(ApiError):
        await listed_into(store, Listed([thing("first", 2)], api_error(0)))
    assert sorted(found.name for found in store) == ["first", "last"]


@pytest.mark.parametrize(
    ("uid", "left"),
    [
        pytest.param(None, [], id="that very one"),
        pytest.param("another", ["web-1"], id="an earlier one of its name"),
    ],
)
async def test_an_object_whose_last_state_cannot_be_read_is_gone_all_the_same(
    uid: str | None, left: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    cluster = FakeCluster()
    known = pod_manifest(1)
    cluster.hold(PODS, known)
    last = event("DELETED", 1, 1003, uid=uid or known["metadata"]["uid"])
    last["object"]["status"] = "none that a Pod has"
    cluster.watches = [[last, event("ADDED", 2, 1004), None]]
    async with watching(cluster) as watched:
        await until(lambda: "web-2" in watched.names)
        assert watched.names == [*left, "web-2"]
        assert watched.told == ["web-1", *(["web-1"] if not left else []), "web-2"]
    assert [record for record in caplog.records if "cannot be read" in record.getMessage()]


async def test_410_again_and_again_is_no_hot_loop_of_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    delays = remembered_delays(monkeypatch)
    cluster = FakeCluster()
    cluster.watches = [*([error(410, "too old")] for _ in range(4)), [bookmark(1001), error(410)], [None]]
    async with watching(cluster):
        await until(lambda: len(cluster.watched_from) == 6)
    found = [delay for delay in delays if delay >= 0.01]
    assert found == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.01])


async def test_a_defect_in_taking_one_object_is_told_and_keeps_no_other_from_being_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in a list nor in a watch: the process would end, and again at each start."""
    cluster = FakeCluster()
    cluster.hold(PODS, pod_manifest(1))
    cluster.hold(PODS, pod_manifest(2))
    cluster.watches = [[event("ADDED", 3, 1001), event("ADDED", 4, 1002), event("DELETED", 3, 1003), None]]

    def groups_of(pod: PodView) -> list[tuple[str, str]]:
        if pod.name in ("web-1", "web-3"):
            raise TypeError("unhashable type: 'list'")
        return []

    store, told = Store(Stores().pods.kind, groups_of), list[str]()

    def changed(pod: PodView) -> None:
        told.append(pod.name)
        if pod.name == "web-2":
            raise RuntimeError("odd")

    running = asyncio.create_task(Reflector(cluster, store, changed).run())
    await until(lambda: "web-4" in told)
    await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})
    assert sorted(pod.name for pod in store) == ["web-2", "web-4"]
    assert [record.getMessage() for record in caplog.records] == [
        f"pods team/{name}: defect" for name in ("web-1", "web-2", "web-3")
    ]
