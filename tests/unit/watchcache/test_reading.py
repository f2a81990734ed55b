"""Lists in pages and lines of watches, from a connection that answers from memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from taskyard.apiclient import ApiError, Connection, TooLargeError
from taskyard.controller.cache import kinds
from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.core.resources import Resource
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Kind
from taskyard.watchcache.reading import FIRST_PAGE, MAX_PAGE, PAGE_BYTES, Event, GoneError, event, fitting_page, pages
from unit.core.builders import pod_manifest, task_manifest, template_version_manifest
from unit.watchcache.things import RESOURCE, THINGS, Manifest, Thing, thing, thing_manifest

TASK = kinds.task_kind(TaskChoices())


class Memory(Connection):
    """A connection to a server with these objects. `asked` are the pages that were asked for: from which object on, and
    how many."""

    def __init__(self, *objects: Any) -> None:
        self.objects = list(objects)
        self.asked: list[tuple[str, int]] = []
        self.queries: list[dict[str, str]] = []
        self.lines: list[bytes] = []

    async def read(self, path: str, *, query: Any, accept: str = "", limit: int) -> bytes:
        assert path == RESOURCE.path()
        self.queries.append(dict(query) | {"accept": accept})
        token, most = query.get("continue", ""), int(query["limit"])
        self.asked.append((token, most))
        begin = int(token.removeprefix("from-") or 0)
        rest = {"continue": f"from-{begin + most}"} if begin + most < len(self.objects) else {}
        page = {"metadata": {"resourceVersion": "77", **rest}, "items": self.objects[begin : begin + most]}
        content = json.dumps(page).encode()
        if len(content) > limit:
            raise TooLargeError(f"GET {path}", "too large")
        return content

    async def stream(self, path: str, *, query: Any, idle_timeout: float, accept: str = "") -> AsyncIterator[bytes]:
        self.queries.append(dict(query) | {"accept": accept})
        for line in self.lines:
            yield line


def many(count: int, *, characters: int = 10) -> list[Manifest]:
    return [thing_manifest(f"thing-{number}", filling="x" * characters) for number in range(count)]


async def listed(memory: Memory, kind: Kind[Any] = THINGS) -> list[str]:
    """The names of all that is listed."""
    found: list[str] = []
    async for page in pages(memory, kind):
        assert page.resource_version == "77"
        found += [view.name for view in page.views]
    return found


@pytest.mark.parametrize(
    ("objects", "size", "expected"),
    [
        pytest.param(50, PAGE_BYTES, 50, id="a page as large as wanted"),
        pytest.param(50, PAGE_BYTES // 2, 100, id="half as large"),
        pytest.param(50, PAGE_BYTES * 5, 10, id="five times as large"),
        pytest.param(1, PAGE_BYTES * 30, 1, id="an object larger than a page"),
        pytest.param(50, 10, MAX_PAGE, id="tiny ones"),
        pytest.param(0, 100, MAX_PAGE, id="none"),
    ],
)
def test_the_number_of_objects_follows_the_bytes(objects: int, size: int, expected: int) -> None:
    assert fitting_page(objects=objects, size=size) == expected


async def test_all_pages_are_read_each_where_the_last_one_ended() -> None:
    memory = Memory(*many(FIRST_PAGE + 210))
    assert await listed(memory) == [f"thing-{number}" for number in range(FIRST_PAGE + 210)]
    assert memory.asked == [("", 50), ("from-50", 200), ("from-250", 500)]


async def test_pages_of_large_objects_get_smaller() -> None:
    memory = Memory(*many(120, characters=100_000))
    assert len(await listed(memory)) == 120
    sizes = [most for _, most in memory.asked]
    fitting = PAGE_BYTES // 100_000
    assert sizes[0] == 50 and all(fitting - 3 <= most <= fitting for most in sizes[1:]), "PAGE_BYTES each"


async def test_a_page_beyond_the_limit_is_asked_for_again_with_fewer_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 20_000)
    memory = Memory(*many(50), *many(20, characters=5_000), *many(2))
    assert len(await listed(memory)) == 72
    assert memory.asked[:3] == [("", 50), ("from-50", 200), ("from-50", 25)], "from where it was"
    assert memory.asked[3] == ("from-50", 3)


async def test_a_single_object_may_be_larger_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 1_000)
    large = thing_manifest("large", filling="x" * 3_000)
    memory = Memory(thing_manifest("small"), large, thing_manifest("last"))
    assert await listed(memory) == ["small", "large", "last"]
    assert ("from-1", 1) in memory.asked


async def test_a_single_object_beyond_every_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 1_000)
    memory = Memory(thing_manifest("large", filling="x" * 5_000))
    with pytest.raises(TooLargeError):
        await listed(memory)
    assert [most for _, most in memory.asked] == [50, 6, 1]


@pytest.mark.parametrize("items", [[], None], ids=["none", "null, as for metadata alone"])
async def test_an_empty_list_is_a_page(items: Any) -> None:
    class Empty(Memory):
        async def read(self, path: str, **how: Any) -> bytes:
            return json.dumps({"metadata": {"resourceVersion": "77"}, "items": items}).encode()

    assert [list(page.views) async for page in pages(Empty(), THINGS)] == [[]]


@pytest.mark.parametrize("content", [b"<html>", b"{}", b'{"metadata": {}, "items": []}', b'{"items": 7}'])
async def test_what_is_no_list_is_an_error(content: bytes) -> None:
    class Odd(Memory):
        async def read(self, path: str, **how: Any) -> bytes:
            return content

    with pytest.raises(ApiError, match=r"GET /apis/example\.org/v1/things: the API server's list cannot be read"):
        await listed(Odd())


UNREADABLE = [
    pytest.param({"metadata": {"namespace": "team", "name": "odd"}}, "team/odd", id="fields are missing"),
    pytest.param(thing_manifest("odd") | {"group": 7}, "team/odd", id="another type"),
    pytest.param(
        thing_manifest("odd") | {"metadata": thing_manifest("odd")["metadata"] | {"resourceVersion": "x"}},
        "team/odd",
        id="no number",
    ),
    pytest.param({"metadata": {}}, "/", id="no name"),
    pytest.param([], "?", id="no object"),
]


@pytest.mark.parametrize(("odd", "where"), UNREADABLE)
async def test_an_object_that_cannot_be_read_is_one_line_and_the_others_are_known(
    odd: Any, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await listed(Memory(thing_manifest("a"), odd, thing_manifest("b"))) == ["a", "b"]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"things {where} cannot be read and is left out: ")
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("kind", "manifest"),
    [
        pytest.param(
            TASK,
            task_manifest() | {"status": {"observedUID": None, "build": 7}},
            id="a Task's status",
        ),
        pytest.param(
            TASK,
            task_manifest() | {"metadata": task_manifest()["metadata"] | {"annotations": None}},
            id="annotations are null",
        ),
        pytest.param(
            kinds.POD,
            pod_manifest() | {"status": {"containerStatuses": [{"name": "agent", "state": None}]}},
            id="a container's state is null",
        ),
    ],
)
def test_whatever_an_object_lacks_no_other_exception_leaves(kind: Kind[Any], manifest: Manifest) -> None:
    found = event(kind, line("ADDED", manifest))
    assert (found.type, found.version) in (("ADDED", "100"), ("BOOKMARK", "100"))


async def test_only_what_the_kind_is_bounded_to_is_asked_for() -> None:
    bounded = Resource(RESOURCE.prefix, RESOURCE.plural, selector="a=b", named="web", metadata_only=True)
    memory = Memory(thing_manifest())
    await listed(memory, Kind(bounded, THINGS._shape, Thing.of))
    assert [event async for event in reading.watch(memory, Kind(bounded, THINGS._shape, Thing.of), "7")] == []
    for query in memory.queries:
        assert (query["labelSelector"], query["fieldSelector"]) == ("a=b", "metadata.name=web")
        assert "as=PartialObjectMetadata" in query["accept"]
    assert memory.queries[1]["resourceVersion"] == "7"
    assert memory.queries[1]["allowWatchBookmarks"] == "true"


# Watches


def line(kind: str, found: Any) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode()


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_has_its_view(kind: str) -> None:
    assert event(THINGS, line(kind, thing_manifest(at=8))) == Event(kind, "8", thing(at=8))


def test_a_bookmark_says_only_from_where_to_go_on() -> None:
    assert event(THINGS, line("BOOKMARK", {"metadata": {"resourceVersion": "90"}})) == Event("BOOKMARK", "90")


async def test_a_watch_has_the_events_of_its_lines() -> None:
    memory = Memory()
    memory.lines = [line("ADDED", thing_manifest(at=8)), line("BOOKMARK", {"metadata": {"resourceVersion": "90"}})]
    found = [event async for event in reading.watch(memory, THINGS, "7")]
    assert found == [Event("ADDED", "8", thing(at=8)), Event("BOOKMARK", "90")]


@pytest.mark.parametrize(("code", "is_gone"), [(410, True), (500, False), (403, False)])
def test_an_error_of_the_watch(code: int, is_gone: bool) -> None:
    with pytest.raises(ApiError, match="watch of things: too old") as error:
        event(THINGS, line("ERROR", {"kind": "Status", "code": code, "message": "too old"}))
    assert isinstance(error.value, GoneError) is is_gone


def test_an_event_of_an_object_that_cannot_be_read_is_one_line_and_a_bookmark(caplog: pytest.LogCaptureFixture) -> None:
    odd = thing_manifest("odd", at=8) | {"group": 7}
    assert event(THINGS, line("MODIFIED", odd)) == Event("BOOKMARK", "8")
    (record,) = caplog.records
    assert record.getMessage().startswith("things team/odd cannot be read and is left out: ")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"type": "ADDED"}', id="no object"),
        pytest.param(line("ERROR", []), id="an error without a status"),
        pytest.param(line("ADDED", []), id="a list"),
        pytest.param(line("BOOKMARK", {"metadata": {}}), id="a bookmark without resourceVersion"),
        pytest.param(line("ADDED", {"metadata": {"name": "odd"}}), id="an object without resourceVersion"),
    ],
)
def test_a_line_that_cannot_be_read_ends_the_watch(content: bytes) -> None:
    with pytest.raises(ApiError, match="watch of things: it sent what cannot be read"):
        event(THINGS, content)


# Objects that are nested too deeply


def deep(name: str, *, at: int = 1, levels: int = 5_000) -> bytes:
    """A thing with a field nested so deeply that no decoder follows."""
    whole = json.dumps(thing_manifest(name, at, filling="HERE")).encode()
    return whole.replace(b'"HERE"', b'{"a":' * levels + b"1" + b"}" * levels)


async def test_an_object_that_is_nested_too_deeply_is_left_out_of_a_list(caplog: pytest.LogCaptureFixture) -> None:
    class Deep(Memory):
        async def read(self, path: str, **how: Any) -> bytes:
            a, b = (json.dumps(thing_manifest(name)).encode() for name in "ab")
            return b'{"metadata":{"resourceVersion":"77"},"items":[%s,%s,%s]}' % (a, deep("odd"), b)

    assert await listed(Deep()) == ["a", "b"]
    (record,) = caplog.records
    assert record.getMessage() == (
        "things team/odd cannot be read and is left out: it is nested more than 100 levels deep"
    )


def test_an_event_of_an_object_that_is_nested_too_deeply_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    assert event(THINGS, b'{"type":"MODIFIED","object":%s}' % deep("odd", at=8)) == Event("BOOKMARK", "8")
    (record,) = caplog.records
    assert "team/odd cannot be read and is left out: it is nested more than 100 levels deep" in record.getMessage()
    gone = event(THINGS, b'{"type":"DELETED","object":%s}' % deep("odd", at=9)).gone
    assert gone is not None and (gone.name, gone.version) == ("odd", 9)


@pytest.mark.parametrize("levels", [150, 400, 900])
def test_a_template_version_that_a_decoder_just_follows_is_left_out_too(levels: int) -> None:
    """Its Pod would be copied, and copying gives up earlier."""
    whole = json.dumps(template_version_manifest()).encode()
    whole = whole.replace(b'"pod": {', b'"pod": {"odd":' + b'{"a":' * levels + b"1" + b"}" * levels + b",", 1)
    assert event(kinds.template_version_kind(PodTemplates()), b'{"type":"ADDED","object":%s}' % whole).view is None
