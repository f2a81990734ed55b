"""What inputs say, read when it is needed and held in bounds."""

from __future__ import annotations

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.controller.inputs.contents import Contents
from taskyard.core.input_view import InputView
from taskyard.core.resources import TASK_INPUTS
from unit.controller.fakes import FakeCluster, api_error
from unit.core.builders import input_manifest


class ContentsHarness:
    """Contents with room for ten characters, and the inputs that were read."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.contents = Contents(self.cluster, max_characters=10)

    def entry(self, name: str, content: str) -> InputView:
        manifest = input_manifest(name, content=content)
        self.cluster.hold(TASK_INPUTS, manifest)
        return InputView.of(manifest)

    @property
    def reads(self) -> list[str]:
        return [name for verb, _, name in self.cluster.calls if verb == "get"]


async def test_a_content_is_read_once() -> None:
    harness = ContentsHarness()
    entry = harness.entry("a", "go on")
    assert [await harness.contents.of(entry) for _ in range(3)] == ["go on"] * 3
    assert harness.reads == ["a"]


async def test_what_has_ended_is_forgotten() -> None:
    harness = ContentsHarness()
    entry = harness.entry("a", "go on")
    await harness.contents.of(entry)
    harness.contents.forget(entry)
    harness.contents.forget(entry)
    assert await harness.contents.of(entry) == "go on"
    assert harness.reads == ["a", "a"]


async def test_the_least_recently_used_goes_first() -> None:
    harness = ContentsHarness()
    a, b, c = (harness.entry(name, name * 4) for name in "abc")
    for entry in (a, b, a, c):
        await harness.contents.of(entry)
    assert harness.reads == ["a", "b", "c"]
    assert [await harness.contents.of(entry) for entry in (a, c)] == ["aaaa", "cccc"]
    assert harness.reads == ["a", "b", "c"], "b went, which was used before a was again"
    assert await harness.contents.of(b) == "bbbb"
    assert harness.reads == ["a", "b", "c", "b"]


async def test_what_was_forgotten_leaves_its_room() -> None:
    harness = ContentsHarness()
    entries = [harness.entry(f"input-{number}", "x" * 8) for number in range(20)]
    for entry in entries:
        await harness.contents.of(entry)
        harness.contents.forget(entry)
    for entry in (small := [harness.entry("a", "aaaaa"), harness.entry("b", "bbbbb")]) * 2:
        await harness.contents.of(entry)
    assert harness.reads[20:] == ["a", "b"]
    assert len(small) == 2


async def test_one_that_is_larger_than_all_the_room_is_held_alone() -> None:
    harness = ContentsHarness()
    small, large = harness.entry("small", "x"), harness.entry("large", "x" * 100)
    await harness.contents.of(small)
    for _ in range(2):
        assert await harness.contents.of(large) == "x" * 100
    assert harness.reads == ["small", "large"]
    await harness.contents.of(small)
    await harness.contents.of(large)
    assert harness.reads == ["small", "large", "small", "large"], "each in place of the other"


async def test_an_input_that_is_gone_or_was_replaced_says_nothing() -> None:
    harness = ContentsHarness()
    gone, replaced = harness.entry("gone", "old"), harness.entry("replaced", "old")
    del harness.cluster.objects["taskinputs", "team", "gone"]
    another = input_manifest("replaced", content="meant for somebody else")
    another["metadata"]["uid"] = "another"
    harness.cluster.hold(TASK_INPUTS, another)
    assert [await harness.contents.of(entry) for entry in (gone, replaced)] == [None, None]
    assert await harness.contents.of(InputView.of(another)) == "meant for somebody else"


async def test_a_read_that_fails_is_told_and_tried_again() -> None:
    harness = ContentsHarness()
    entry = harness.entry("a", "go on")
    harness.cluster.failures["get"] = [api_error(503)]
    with pytest.raises(ApiError):
        await harness.contents.of(entry)
    assert await harness.contents.of(entry) == "go on"
