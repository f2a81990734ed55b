"""Queued inputs that say why they wait, and how many writes that takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taskyard.controller.queue import KeyedQueue
from taskyard.core.resources import TASK_INPUTS
from taskyard.sidecarclient import Accepted, Answer, Failed, NotReady, read
from taskyard.watchcache.kind import Key
from unit.controller.delivery_harness import ACTIVE, WEB, DeliveryHarness, waiting
from unit.core.builders import at, input_manifest, pod_manifest, reservation, task_manifest
from unit.virtual_time import in_no_time

BUSY = NotReady("a message can only be sent when the agent is waiting for user input")
PAUSED = {"phase": "Paused", "build": reservation(2, "Stop", "ManualPause", "Succeeded"), "pausedReason": "Manual"}


def of_paused(*inputs: dict[str, Any], **fields: Any) -> DeliveryHarness:
    return DeliveryHarness(list(inputs), task=task_manifest(paused=True, status=PAUSED), pod=None, **fields)


def writes(harness: DeliveryHarness) -> int:
    return sum(verb.startswith("patch") for verb, _, _ in harness.cluster.calls)


async def test_an_input_of_a_paused_task_says_so_once() -> None:
    harness = of_paused(waiting())
    for _ in range(3):
        await harness.deliver()
    assert harness.status()["message"].startswith('Task "web" is paused (spec.paused)')
    assert (writes(harness), harness.again.calls) == (1, []), "at rest there is nothing to write and nothing to look at"


async def test_what_the_agent_takes_at_once_is_written_to_no_more_than_before() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert (writes(harness), "message" in harness.status()) == (1, False)


async def test_a_task_without_inputs_costs_nothing() -> None:
    for status in (PAUSED, ACTIVE):
        harness = DeliveryHarness([], task=task_manifest(status=status))
        await harness.deliver()
        assert (harness.cluster.calls, harness.again.calls) == ([], [])


async def test_an_agent_that_is_busy_for_longer_is_told_once() -> None:
    task = task_manifest(status=ACTIVE | {"state": {"state": "Working"}})
    harness = DeliveryHarness([waiting()], (BUSY, BUSY, BUSY, Accepted(in_doubt=False)), task=task)
    await harness.deliver()
    assert "message" not in harness.status(), "for a moment it always is"
    for harness.now in (2, 4):
        await harness.deliver()
        assert harness.status()["message"].startswith("The agent is busy")
    assert writes(harness) == 1
    harness.now = 6
    await harness.deliver()
    assert (harness.status()["phase"], "message" in harness.status()) == ("Delivered", False)


async def test_the_next_in_line_has_a_moment_of_its_own() -> None:
    harness = DeliveryHarness([waiting("a"), waiting("b")], (BUSY, Accepted(in_doubt=False), BUSY, BUSY))
    await harness.deliver()
    assert harness.status("b")["message"] == "One input is before it."
    harness.now = 2
    await harness.deliver()
    assert harness.status("b")["message"] == "One input is before it.", "not tried for long enough"
    harness.now = 4
    await harness.deliver()
    assert harness.status("b")["message"].startswith("The agent does not take it yet")


async def test_a_failed_attempt_keeps_its_message_until_the_next() -> None:
    harness = DeliveryHarness([waiting(), waiting("two")], (Failed("the sidecar cannot be reached: no"),))
    await harness.deliver()
    await harness.deliver()
    assert harness.status()["message"] == "the sidecar cannot be reached: no"
    assert harness.status("two")["message"] == "One input is before it."


async def test_a_pod_without_an_address_is_told() -> None:
    harness = DeliveryHarness([waiting()], pod=pod_manifest(node=None))
    await harness.deliver()
    harness.now = 2
    await harness.deliver()
    assert harness.status()["message"] == "The agent does not take it yet: its Pod has no address yet."


@asynccontextmanager
async def looked_at(harness: DeliveryHarness, keys: Iterable[Key]) -> AsyncIterator[None]:
    """Tasks whose inputs are looked at as by the operator: once, after each of their writes, and when a turn comes."""
    queue = KeyedQueue("inputs of task", workers=4)
    harness.delivery._reasons._again = queue.add_after
    original = harness.cluster._called

    def called(verb: str, resource: Any, name: str = "") -> None:
        original(verb, resource, name)
        if verb.startswith("patch"):
            written = next(entry for entry in harness.stores.inputs if entry.name == name)
            queue.add((written.namespace, written.task))

    harness.cluster._called = called  # type: ignore[method-assign]
    running = asyncio.create_task(queue.run(harness.delivery.deliver))
    for key in keys:
        queue.add(key)
    yield
    running.cancel()
    await asyncio.wait({running})


def add_task(harness: DeliveryHarness, namespace: str, name: str) -> Key:
    """A paused Task with an input."""
    entry = waiting(f"of-{name}", task=name)
    entry["metadata"] |= {"namespace": namespace}
    harness.cluster.hold(TASK_INPUTS, entry)
    harness.stores.inputs.put(entry)
    harness.stores.tasks.put(task_manifest(name=name, namespace=namespace, paused=True, status=PAUSED))
    return namespace, name


def test_many_are_told_at_a_bounded_pace() -> None:
    """A Task that is paused with a full queue is no flood of writes, though each write has it looked at again."""

    async def work() -> None:
        harness = of_paused(*(waiting(f"i{number:03}") for number in range(25)))
        async with looked_at(harness, [WEB]):
            for told in (10, 20, 25, 25):
                await asyncio.sleep(0.1)
                assert writes(harness) == told
                await asyncio.sleep(0.9)

    in_no_time(work())


def test_many_tasks_are_told_at_a_bounded_pace_together() -> None:
    async def work() -> None:
        harness = DeliveryHarness([], task=None, pod=None)
        keys = [add_task(harness, "team", f"web{number}") for number in range(80)]
        async with looked_at(harness, keys):
            for least, most in ((50, 55), (80, 80), (80, 80)):
                await asyncio.sleep(0.09)
                assert least <= writes(harness) <= most
                await asyncio.sleep(0.91)

    in_no_time(work())


@pytest.mark.parametrize("crowd", [100, 2048])
def test_a_crowd_of_inputs_keeps_no_word_back_of_another_namespace(crowd: int) -> None:
    async def work() -> None:
        harness = DeliveryHarness([], task=None, pod=None)
        keys = [add_task(harness, "crowd", f"c{number}") for number in range(crowd)]
        async with looked_at(harness, keys):
            await asyncio.sleep(0.5)
            assert writes(harness) < 80
            late = add_task(harness, "team", "web")
            await harness.delivery.deliver(late)
            await asyncio.sleep(0.1)
            found = harness.cluster.objects["taskinputs", "team", "of-web"]["status"]
            assert found["message"].startswith('Task "web" is paused')
            before = writes(harness)
            await asyncio.sleep(10)
            assert writes(harness) - before == pytest.approx(min(500, crowd + 1 - before), abs=1)

    in_no_time(work())


async def test_a_task_that_has_nothing_to_tell_any_more_waits_for_no_turn() -> None:
    harness = of_paused(*(waiting(f"i{number:03}") for number in range(25)))
    await harness.deliver()
    reasons = harness.delivery._reasons
    assert reasons._turns._line.next(0.0) is not None
    for number in range(25):
        harness.stores.inputs.remove(("team", f"i{number:03}"))
    await harness.deliver()
    assert reasons._turns._line.next(0.0) is None and not reasons._asked


async def tried(*answers: Answer) -> DeliveryHarness:
    """An input that is tried every two seconds, with these answers."""
    harness = DeliveryHarness([waiting()], answers)
    for number in range(len(answers)):
        harness.now = 2 * number
        await harness.deliver()
    return harness


async def test_long_words_that_stay_are_written_once() -> None:
    harness = await tried(*[read(409, {"detail": "x" * 5000})] * 6)
    assert writes(harness) == 1
    assert len(harness.status()["message"]) < 1000


async def test_words_that_change_in_numbers_alone_are_written_once() -> None:
    harness = await tried(*(NotReady(f"process {number} reads the terminal") for number in range(60)))
    assert writes(harness) == 1


async def test_words_that_change_all_the_time_are_written_once_a_minute() -> None:
    words = ["it asks", "it shows a menu"]
    harness = await tried(*(NotReady(words[number % 2]) for number in range(60)))
    assert writes(harness) == 2


async def test_an_input_that_changes_meanwhile_is_read_again() -> None:
    harness = of_paused(waiting())
    harness.cluster.hold(TASK_INPUTS, waiting(version=900))
    await harness.deliver()
    await harness.deliver()
    assert harness.status()["message"].startswith('Task "web" is paused')


async def test_keystrokes_for_a_paused_task_are_rejected_and_resume_nothing() -> None:
    harness = of_paused(input_manifest(type="Raw", content="q", resume=True, owner_uid=None))
    await harness.deliver()
    assert harness.status()["phase"] == "Rejected"
    assert 'Task "web" is paused' in harness.status()["message"]
    assert harness.stored()["metadata"]["ownerReferences"], "it stays with its Task, so that nothing presses it later"


async def test_keystrokes_from_before_the_pod_are_not_pressed_in_it() -> None:
    """Also when the operator was down while the Task was paused and resumed."""
    harness = DeliveryHarness([waiting(type="Raw", content="q", created_at=at(-1))])
    await harness.deliver()
    assert (harness.status()["phase"], harness.sidecars.messages) == ("Rejected", [])
