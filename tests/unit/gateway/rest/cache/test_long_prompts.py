"""Which long prompts are at hand."""

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.long_prompts import LongPrompts
from unit.gateway.rest.objects import Object, metadata


def test_the_newest_are_held_up_to_a_number_of_bytes() -> None:
    held = LongPrompts(most=10_000)
    for number in range(20):
        held.hold(f"uid-{number}", 1, "x" * 3000)
        assert held.bytes <= 10_000
    assert held.get("uid-19", 1) == "x" * 3000
    assert held.get("uid-0", 1) is None
    for number in range(20):
        held.drop(f"uid-{number}")
    assert held.bytes == 0


def test_one_that_is_larger_than_all_may_be_is_not_held() -> None:
    held = LongPrompts(most=1000)
    held.hold("uid", 1, "x" * 2000)
    assert (held.get("uid", 1), held.bytes) == (None, 0)


def test_it_is_the_prompt_of_one_state_of_its_task() -> None:
    held = LongPrompts()
    held.hold("uid", 2, "second")
    held.hold("uid", 1, "first")
    assert (held.get("uid", 1), held.get("uid", 2)) == (None, "second")
    held.hold("uid", 3, b"third")
    assert (held.get("uid", 2), held.get("uid", 3)) == (None, b"third")


def with_prompt(length: int) -> Object:
    return {"metadata": metadata("hello"), "spec": {"prompt": "x" * length, "templateVersion": "shell-v1"}}


def test_long_prompts_come_and_go_with_their_tasks() -> None:
    cache = Cache()
    cache.task_written(with_prompt(2048))
    assert cache.long_prompts.bytes == 0
    kept = cache.task_written(with_prompt(2049))
    assert kept.packed_prompt is None
    assert cache.long_prompts.get(kept.uid, kept.version) == "x" * 2049
    cache.tasks.deleted(kept)
    cache._task_changed(kept)
    assert cache.long_prompts.bytes == 0
