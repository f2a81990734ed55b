"""The events of a stream about all Tasks."""

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.streams.task_watch import RenderedTasks, TaskWatch
from unit.gateway.rest.objects import cache_with, events, every, prompts_of, task

TEAM = frozenset({"team"})


def overview(cache: Cache, *, status: str = "") -> TaskWatch:
    return TaskWatch(cache, RenderedTasks(cache, prompts_of(cache)), lambda task: not status or task.phase == status)


def told(pieces: object) -> list[tuple[str, str]]:
    return [(name, data["name"]) for name, data, _ in events(pieces)]


def changed(*tasks: TaskView) -> dict[str, tuple[str, str]]:
    return {entry.uid: (entry.namespace, entry.name) for entry in tasks}


async def test_it_begins_with_what_its_caller_may_read() -> None:
    found = overview(cache_with(task("one"), task("two"), task("three", namespace="other")))
    assert told(await every(found.all(TEAM))) == [("task", "one"), ("task", "two")]
    assert len(found) == 2
    assert told(await every(found.all(TEAM))) == []


async def test_a_task_of_another_namespace_is_not_told_when_it_changes() -> None:
    found = overview(cache_with(other := task("three", namespace="other")))
    await every(found.all(TEAM))
    assert told(await every(found.some(changed(other)))) == []


async def test_changes_are_told_and_what_goes_is_gone() -> None:
    cache = cache_with(one := task("one"))
    found = overview(cache)
    await every(found.all(TEAM))
    cache.tasks.keep(task("one", phase="Active"))
    cache.tasks.keep(two := task("two"))
    assert told(await every(found.some(changed(one, two)))) == [("task", "one"), ("task", "two")]
    cache.tasks.deleted(task("one"))
    assert told(await every(found.some(changed(one)))) == [("gone", "one")]
    assert told(await every(found.some(changed(one)))) == []


async def test_another_task_of_the_same_name_is_told_apart() -> None:
    cache = cache_with(former := task("one"))
    found = overview(cache)
    await every(found.all(TEAM))
    cache.tasks.deleted(task("one"))
    cache.tasks.keep(new := task("one", uid="another"))
    assert told(await every(found.some(changed(former, new)))) == [("gone", "one"), ("task", "one")]


async def test_a_task_that_no_longer_matches_the_query_is_reported_as_gone() -> None:
    cache = cache_with(one := task("one", phase="Active"))
    found = overview(cache, status="Active")
    await every(found.all(TEAM))
    cache.tasks.keep(task("one", phase="Paused"))
    assert told(await every(found.some(changed(one)))) == [("gone", "one")]


async def test_rights_that_come_and_go_are_followed() -> None:
    found = overview(cache_with(task("one"), task("two", namespace="other")))
    await every(found.all(TEAM))
    assert told(await every(found.all(frozenset({"other"})))) == [("gone", "one"), ("task", "two")]


async def test_a_task_is_rendered_once_for_all_until_it_or_what_is_around_it_changes() -> None:
    cache = cache_with(one := task("one"))
    rendered = RenderedTasks(cache, prompts_of(cache))
    first = await rendered.of(one)
    assert await rendered.of(one) is first
    cache.surroundings += 1
    assert await rendered.of(one) is not first
    assert await rendered.of(task("one", phase="Active")) != first


async def test_the_cache_of_rendered_tasks_is_bounded() -> None:
    cache = cache_with()
    rendered = RenderedTasks(cache, prompts_of(cache), most=5000)
    tasks = [task(f"task-{number}") for number in range(20)]
    first = [await rendered.of(entry) for entry in tasks]
    assert await rendered.of(tasks[-1]) is first[-1]
    assert await rendered.of(tasks[0]) is not first[0]
