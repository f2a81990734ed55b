"""The events of a stream about one Task."""

import json
from collections.abc import Iterable

import pytest

from taskyard.gateway.rest.streams.agent_messages import KEPT_BYTES, AgentMessages
from taskyard.gateway.rest.streams.task_events import EventMark, TaskEvents
from unit.gateway.rest.objects import build, cache_with, events, every, prompts_of, reserved, task


def names(pieces: Iterable[bytes]) -> list[str]:
    return [name for name, _, _ in events(pieces)]


async def test_it_begins_with_the_task_and_its_builds() -> None:
    cache = cache_with(first := task(phase="Pending", build=reserved(2)))
    cache.builds.put(build(1, phase="Succeeded"))
    found = events(await every(TaskEvents(cache, prompts_of(cache), first, EventMark()).look()))
    assert [name for name, _, _ in found] == ["task", "build", "build"]
    assert found[0][1]["status"] == "pending"
    assert [data["build_number"] for name, data, _ in found if name == "build"] == [1, 2]


async def test_what_did_not_change_is_not_told_again() -> None:
    cache = cache_with(first := task(build=reserved()))
    feed = TaskEvents(cache, prompts_of(cache), first, EventMark())
    await every(feed.look())
    assert await every(feed.look()) == []


async def test_what_changed_several_times_is_told_once_by_its_newest_state() -> None:
    cache = cache_with(first := task(phase="Pending"))
    feed = TaskEvents(cache, prompts_of(cache), first, EventMark())
    await every(feed.look())
    for phase in ("Initializing", "Active", "Pausing", "Paused"):
        cache.tasks.keep(task(phase=phase))
    [(name, data, _)] = events(await every(feed.look()))
    assert (name, data["status"]) == ("task", "paused")


async def test_a_build_is_told_again_when_it_looks_otherwise() -> None:
    cache = cache_with(first := task(build=reserved()))
    feed = TaskEvents(cache, prompts_of(cache), first, EventMark())
    await every(feed.look())
    cache.builds.put(build(phase="Running"))
    [(name, data, _)] = events(await every(feed.look()))
    assert (name, data["job"]["status"]) == ("build", "running")


async def test_a_task_that_changed_does_not_tell_its_builds_again() -> None:
    cache = cache_with(first := task(build=reserved()))
    cache.builds.put(build(phase="Running"))
    feed = TaskEvents(cache, prompts_of(cache), first, EventMark())
    await every(feed.look())
    cache.tasks.keep(task(build=reserved(), promptSHA256="x"))
    assert names(await every(feed.look())) == ["task"]


@pytest.mark.parametrize("how", ["deleted", "being deleted", "replaced by another one of its name"])
async def test_a_task_that_is_gone_is_the_last_event(how: str) -> None:
    cache = cache_with(first := task())
    feed = TaskEvents(cache, prompts_of(cache), first, EventMark())
    await every(feed.look())
    if how == "deleted":
        cache.tasks.deleted(task())
    elif how == "being deleted":
        cache.tasks.keep(task(deleting=True))
    else:
        cache.tasks.keep(task(uid="another"))
    assert events(await every(feed.look())) == [
        ("gone", {"id": "uid-hello", "owner_name": "team", "name": "hello"}, "")
    ]
    assert feed.ended
    assert await every(feed.look()) == []


async def test_after_a_break_only_what_changed_is_told() -> None:
    cache = cache_with(first := task(build=reserved()))
    cache.builds.put(build(phase="Running"))
    mark = events(await every(TaskEvents(cache, prompts_of(cache), first, EventMark()).look()))[-1][2]
    again = TaskEvents(cache, prompts_of(cache), first, EventMark.of(mark))
    assert await every(again.look()) == []
    cache.builds.put(build(phase="Succeeded"))
    assert names(await every(again.look())) == ["build"]


async def test_what_changed_during_a_break_is_told() -> None:
    cache = cache_with(first := task(build=reserved()))
    mark = events(await every(TaskEvents(cache, prompts_of(cache), first, EventMark()).look()))[-1][2]
    cache.builds.put(build(phase="Running"))
    assert names(await every(TaskEvents(cache, prompts_of(cache), first, EventMark.of(mark)).look())) == ["build"]


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "a.b.c.d", "-1.0.0.0", "1.2.3.4.5", "9" * 30 + ".0.0.0"])
def test_an_id_of_elsewhere_is_the_beginning(text: str) -> None:
    assert EventMark.of(text) == EventMark()


def say(dialogue: AgentMessages, number: int, content: str, role: str = "agent") -> None:
    message = {"id": number, "role": role, "message": content, "time": "2026-01-31T12:00:00Z"}
    dialogue.take("message_update", json.dumps(message))


def test_the_conversation_is_told_in_order_and_grows() -> None:
    dialogue = AgentMessages(start=1)
    say(dialogue, 0, "hello", role="user")
    say(dialogue, 1, "I")
    feed = TaskEvents(cache := cache_with(first := task()), prompts_of(cache), first, EventMark())
    told = events(feed.listen(dialogue))
    assert [(name, data["id"], data["type"], data["content"]) for name, data, _ in told] == [
        ("message", 0, "input", "hello"),
        ("message", 1, "output", "I"),
    ]
    say(dialogue, 1, "I am")
    say(dialogue, 1, "I am here")
    say(dialogue, 1, "I am here")
    assert [data["content"] for _, data, _ in events(feed.listen(dialogue))] == ["I am here"]
    assert list(feed.listen(dialogue)) == []


def test_after_a_break_the_conversation_goes_on_with_the_last_message_that_was_told() -> None:
    dialogue = AgentMessages(start=1)
    for number in range(3):
        say(dialogue, number, f"message {number}")
    cache = cache_with(first := task())
    mark = events(TaskEvents(cache, prompts_of(cache), first, EventMark()).listen(dialogue))[1][2]
    again = TaskEvents(cache, prompts_of(cache), first, EventMark.of(mark))
    assert [data["id"] for _, data, _ in events(again.listen(dialogue))] == [1, 2]
    say(dialogue, 0, "corrected")
    assert [data["content"] for _, data, _ in events(again.listen(dialogue))] == ["corrected"]


def test_the_conversation_of_another_start_is_told_from_its_beginning() -> None:
    dialogue = AgentMessages(start=3)
    say(dialogue, 0, "hello")
    feed = TaskEvents(
        cache := cache_with(first := task()), prompts_of(cache), first, EventMark(task=1, builds=1, start=1, messages=5)
    )
    assert [data["id"] for _, data, _ in events(feed.listen(dialogue))] == [0]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        pytest.param("status_change", '{"status":"stable"}', id="another event"),
        pytest.param("message_update", "{", id="no JSON"),
        pytest.param("message_update", "[]", id="no object"),
        pytest.param("message_update", '{"id":"0","role":"agent","message":"x"}', id="no number"),
        pytest.param("message_update", '{"id":0,"role":["agent"],"message":"x"}', id="no role"),
    ],
)
def test_malformed_messages_are_ignored(event: str, data: str) -> None:
    dialogue = AgentMessages(start=1)
    dialogue.take(event, data)
    assert list(dialogue.since(0)) == []


def test_of_a_long_conversation_the_newest_messages_are_kept() -> None:
    dialogue = AgentMessages(start=1)
    for number in range(20):
        say(dialogue, number, "x" * (KEPT_BYTES // 10))
    kept = list(dialogue.since(0))
    assert [entry.number for entry in kept] == list(range(11, 20))
    assert sum(len(entry.shown) for entry in kept) <= KEPT_BYTES
