"""Queues that are full: what is refused, when it is removed, and how many writes that takes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from taskyard.controller.inputs import bounds as input_bounds
from taskyard.core.input_bounds import Bounds
from taskyard.core.resources import TASK_INPUTS
from taskyard.core.tokenbucket import Rate
from unit.controller.delivery_harness import WEB, DeliveryHarness, waiting
from unit.controller.fakes import api_error
from unit.core.builders import input_manifest, reservation, task_manifest

PAUSED = {"phase": "Paused", "build": reservation(2, "Stop", "Manual", "Succeeded")}


def fresh(name: str, **fields: Any) -> dict[str, Any]:
    """An input that the operator has not looked at yet."""
    return input_manifest(name, owner_uid=None, **fields)


def harness(*inputs: dict[str, Any], per_task: int = 2, per_namespace: int = 9) -> DeliveryHarness:
    return DeliveryHarness(
        list(inputs),
        task=task_manifest(status=PAUSED),
        bounds=Bounds(per_task=per_task, per_namespace=per_namespace),
    )


def phases(of: DeliveryHarness) -> dict[str, str]:
    return {name: found["status"]["phase"] for (_, _, name), found in of.cluster.objects.items()}


async def test_the_youngest_are_rejected_with_the_reason_and_the_rest_gets_its_place() -> None:
    found = harness(*(fresh(name, version=number) for number, name in enumerate("abcd", 1)))
    await found.deliver()
    assert phases(found) == {"a": "Queued", "b": "Queued", "c": "Rejected", "d": "Rejected"}
    assert found.status("c") == {
        "phase": "Rejected",
        "order": 3,
        "reason": "QueueFull",
        "rejectedAt": "2026-01-31T12:00:00Z",
        "message": 'The queue of Task "web" is full: 2 messages wait for its agent, and more may not. Create the input '
        "again when some of them have been delivered, or delete some. This one is removed after a minute.",
    }
    assert "taskUID" not in found.status("c"), "nothing was asked about it"
    assert found.again.calls == [(WEB, 60.0)]


async def test_what_was_refused_is_removed_after_a_minute_whoever_chose_its_name() -> None:
    found = harness(fresh("a"), waiting("b"), waiting("c"))
    await found.deliver()
    found.now = 59
    await found.deliver()
    assert phases(found)["a"] == "Rejected"
    found.now = 60
    await found.deliver()
    assert set(phases(found)) == {"b", "c"}
    assert found.stores.inputs.get(("team", "a")) is None


async def test_the_same_name_comes_again_and_is_taken_once_there_is_room() -> None:
    found = harness(fresh("a"), waiting("b"), waiting("c"))
    await found.deliver()
    found.now = 60
    await found.deliver()
    await found.cluster.delete(TASK_INPUTS, "team", "b", uid="input-b")
    found.stores.inputs.remove(("team", "b"))
    again = fresh("a", version=found.cluster.version + 1)
    again["metadata"]["uid"] = "another"
    found.cluster.hold(TASK_INPUTS, again)
    found.stores.inputs.put(again)
    await found.deliver()
    assert phases(found) == {"a": "Queued", "c": "Queued"}
    assert "order" in found.status("a")


async def test_a_full_namespace_is_told_so() -> None:
    found = harness(fresh("a"), fresh("b"), per_task=9, per_namespace=3)
    for name in "xyz":
        found.stores.inputs.put(waiting(name, task="other"))
    await found.deliver()
    assert {found.status(name)["reason"] for name in "ab"} == {"NamespaceQueueFull"}
    assert 'of namespace "team" are full: 3 messages' in found.status("a")["message"]


async def test_what_has_ended_or_waits_elsewhere_takes_no_room() -> None:
    found = harness(fresh("a"), per_task=1, per_namespace=1)
    ended = {"phase": "Delivered", "order": 1, "deliveredAt": "2026-01-31T12:00:00Z"}
    found.stores.inputs.put(input_manifest("done", task="other", status=ended))
    elsewhere = waiting("x")
    elsewhere["metadata"]["namespace"] = "another"
    found.stores.inputs.put(elsewhere)
    await found.deliver()
    assert phases(found)["a"] == "Queued"


async def test_a_place_that_is_being_written_counts() -> None:
    found = harness(fresh("a"), fresh("b"), per_task=9, per_namespace=2)
    bounds = found.delivery._bounds
    assert {entry.name for entry in bounds.within(WEB)} == {"a", "b"}
    other = next(iter(bounds.within(WEB)))
    with bounds.placing(other):
        assert len(bounds.within(WEB)) == 1
    assert len(bounds.within(WEB)) == 2


async def test_room_that_another_task_takes_meanwhile_is_seen_and_told() -> None:
    """Both found room at their look, and there was only enough for one of them."""
    found = harness(fresh("a"), per_task=9, per_namespace=2)
    found.stores.inputs.put(waiting("first", task="other"))
    write, raced = found.cluster.patch_status, False

    async def slow(*args: Any, **fields: Any) -> Any:
        nonlocal raced
        if not raced:
            raced = True
            found.stores.inputs.put(waiting("second", task="other"))
            late = fresh("b", version=found.cluster.version + 1)
            found.cluster.hold(TASK_INPUTS, late)
            found.stores.inputs.put(late)
        return await write(*args, **fields)

    found.cluster.patch_status = slow  # type: ignore[method-assign]
    await found.deliver()
    assert "order" not in found.status("b")
    assert (WEB, 0) in found.again.calls
    await found.deliver()
    assert found.status("b")["reason"] == "NamespaceQueueFull"
    assert found.again.calls.count((WEB, 0)) == 1, "once told, there is nothing more to look for"


async def test_a_flood_is_refused_in_batches_at_the_pace_of_its_namespace() -> None:
    """One namespace's flood neither holds a worker for long nor takes all that the API server can do."""
    flood = [fresh(f"i{number:03}", version=number + 1) for number in range(100)]
    found = harness(*flood, per_task=1)
    await found.deliver()
    rejected = [name for name, phase in phases(found).items() if phase == "Rejected"]
    assert len(rejected) == input_bounds.BATCH
    assert (WEB, input_bounds.BATCH / input_bounds.WRITES.per_second) in found.again.calls
    assert phases(found)["i000"] == "Queued"
    await found.deliver()
    calls = len(found.cluster.calls)
    await found.deliver()
    assert len(found.cluster.calls) == calls, "the namespace has had its writes of this second"
    wait = found.again.calls[-1][1]
    assert 0 < wait <= input_bounds.BATCH / input_bounds.WRITES.per_second
    assert sum(phase == "Rejected" for phase in phases(found).values()) == 2 * input_bounds.BATCH
    assert "order" not in found.status("i099"), "what finds no room gets no place meanwhile"


async def test_a_flood_does_not_hold_up_those_in_line() -> None:
    found = harness(*(fresh(f"i{number}", version=number + 1) for number in range(9)), per_task=3)
    await found.deliver()
    assert [name for name, phase in sorted(phases(found).items()) if phase == "Queued"] == ["i0", "i1", "i2"]
    assert all(found.stored(f"i{number}")["metadata"]["ownerReferences"] for number in range(3))


async def test_a_refusal_that_cannot_be_written_is_tried_again() -> None:
    found = harness(fresh("a"), waiting("b"), waiting("c"))
    found.cluster.failures["patch status"] = [api_error(500)]
    with pytest.raises(Exception, match="TEST"):
        await found.deliver()
    await found.deliver()
    assert phases(found)["a"] == "Rejected"


async def test_thousands_of_tasks_wait_for_their_turn_and_are_looked_at_once_then() -> None:
    """Each of them with one input beyond the bound: none asks again and again."""
    found = harness(per_task=9, per_namespace=1)
    found.stores.inputs.put(waiting("first", task="first"))
    keys = [("team", f"t{number}") for number in range(200)]
    for _, task in keys:
        entry = fresh(f"i-{task}", task=task)
        found.cluster.hold(TASK_INPUTS, entry)
        found.stores.inputs.put(entry)
    began = time.monotonic()
    for key in keys:
        await found.delivery.deliver(key)
    took = time.monotonic() - began
    waits = {key: seconds for key, seconds in found.again.calls if seconds < 50}
    assert 150 - 50 * took - 1 <= len(waits) <= 150, "50 had a turn at once, and one more each 20 ms that this took"
    assert sorted(round(seconds * 50) for seconds in waits.values())[-1] >= 145 - 50 * took, "at 50 a second"
    calls = len(found.cluster.calls)
    await found.delivery.deliver(keys[-1])
    assert len(found.cluster.calls) == calls, "looked at too early, it keeps its turn"
    assert found.again.calls[-1][1] <= waits[keys[-1]]


async def test_a_turn_that_is_not_needed_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_bounds, "WRITES", Rate(per_second=0.1, burst=1))
    found = harness(fresh("a"), waiting("b"), waiting("c"))
    bounds = found.delivery._bounds
    assert bounds._turn(("team", "other"), 1) == 1
    await found.deliver()
    assert phases(found)["a"] == "Queued"
    assert list(bounds._turns) == [WEB]
    found.stores.inputs.remove(("team", "a"))
    await found.deliver()
    assert not bounds._turns


async def test_what_may_not_be_removed_is_left_for_ten_minutes_and_the_others_are_delivered() -> None:
    """K2: a policy keeps inputs."""
    status = {"phase": "Rejected", "order": 1, "reason": "QueueFull", "rejectedAt": "2026-01-31T11:00:00Z"}
    old = [input_manifest(f"old-{number}", owner_uid=None, status=status) for number in range(40)]
    found = harness(*old, fresh("new", version=3))
    denied = api_error(403, "Forbidden", "policy 'p' denied request: keep it")
    found.cluster.failures["delete"] = [denied]
    await found.deliver()
    assert phases(found)["new"] == "Queued" and "order" in found.status("new")
    assert [verb for verb, _, _ in found.cluster.calls].count("delete") == 1
    assert (WEB, 600.0) in found.again.calls
    found.now = 600
    await found.deliver()
    assert len(phases(found)) == 41 - input_bounds.BATCH


async def test_paces_of_quiet_namespaces_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_bounds, "MAX_PACES", 2)
    found = harness()
    bounds = found.delivery._bounds
    for number in range(5):
        assert bounds._turn((f"n{number}", "web"), 0) == 0
    assert len(bounds._paces) <= 2
    assert not bounds._turns


async def test_a_place_counts_once_although_its_event_comes_before_the_answer_to_its_write() -> None:
    """Else inputs would be refused while half of the room is free."""
    found = harness(fresh("a"), fresh("b"), per_task=9, per_namespace=2)
    bounds = found.delivery._bounds
    (first,) = (entry for entry in bounds.within(WEB) if entry.name == "a")
    with bounds.placing(first):
        found.stores.inputs.put(waiting("a", version=first.version + 1))
        assert {entry.name for entry in bounds.within(WEB)} == {"a", "b"}
    assert {entry.name for entry in bounds.within(WEB)} == {"a", "b"}


async def test_what_is_refused_is_removed_although_more_comes_all_the_time() -> None:
    """Else a flood that lasts would fill the cluster's storage with what was refused long ago."""
    status = {"phase": "Rejected", "order": 1, "reason": "QueueFull", "rejectedAt": "2026-01-31T11:00:00Z"}
    old = [input_manifest(f"old-{number}", owner_uid=None, status=status) for number in range(40)]
    new = [fresh(f"new-{number}", version=number + 1) for number in range(40)]
    found = harness(*old, *new, per_task=1)
    await found.deliver()
    left = phases(found)
    removed = sum(name not in left for name in (f"old-{number}" for number in range(40)))
    refused = sum(left[f"new-{number}"] == "Rejected" for number in range(40))
    assert removed + refused == input_bounds.BATCH
    assert abs(removed - refused) == 1
