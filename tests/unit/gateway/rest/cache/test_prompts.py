"""Prompts, held or read."""

from taskyard.gateway.rest.cache.cache import Cache
from unit.gateway.rest.objects import Object, Tasks, metadata, prompts_of

LONG = "\N{GRINNING FACE}" * 1000


def with_prompt(name: str, prompt: str) -> Object:
    return {"metadata": metadata(name), "spec": {"prompt": prompt, "templateVersion": "shell-v1"}}


async def test_what_is_held_is_not_read() -> None:
    cache, cluster = Cache(), Tasks()
    short, long = (cache.task_written(with_prompt(name, text)) for name, text in (("short", "hello"), ("long", LONG)))
    prompts = prompts_of(cache, cluster)
    assert [await prompts.of(short), await prompts.of(long)] == ["hello", LONG]
    assert await prompts.of_all([short, long]) == {"uid-long": LONG}
    assert cluster.read == []


async def test_what_is_not_held_is_read_once() -> None:
    cache, cluster = Cache(), Tasks(long=LONG)
    long = cache.task_written(with_prompt("long", LONG))
    cache.long_prompts.drop(long.uid)
    prompts = prompts_of(cache, cluster)
    assert await prompts.of(long) == LONG
    assert cluster.read == ["long"]
    again = cache.task_written(with_prompt("long", LONG))
    assert await prompts.of_all([again]) == {"uid-long": LONG}
    assert cluster.read == ["long"]


async def test_all_of_many_are_read() -> None:
    names = [f"task-{number}" for number in range(30)]
    cache, cluster = Cache(), Tasks(**{name: name + LONG for name in names})
    tasks = [cache.task_written(with_prompt(name, name + LONG)) for name in names]
    for task in tasks[:20]:
        cache.long_prompts.drop(task.uid)
    found = await prompts_of(cache, cluster).of_all(tasks)
    assert found == {f"uid-{name}": name + LONG for name in names}
    assert sorted(cluster.read) == sorted(names[:20])


async def test_the_prompt_of_a_task_that_is_gone_or_replaced_is_empty() -> None:
    cache = Cache()
    gone, replaced = (cache.task_written(with_prompt(name, LONG)) for name in ("gone", "replaced"))
    for task in (gone, replaced):
        cache.long_prompts.drop(task.uid)

    class Replaced(Tasks):
        async def task(self, namespace: str, name: str) -> Object | None:
            found = await super().task(namespace, name)
            return found and found | {"metadata": metadata(name, uid="another")}

    prompts = prompts_of(cache, Replaced(replaced="somebody else's"))
    assert [await prompts.of(gone), await prompts.of(replaced)] == ["", ""]
