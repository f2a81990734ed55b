"""Inputs that came before their Task, or were sent to an earlier one: what is asked, written and sent."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.core.resources import TASKS
from taskyard.core.times import rfc3339
from taskyard.sidecarclient import Accepted
from unit.controller.delivery_harness import ACTIVE, WEB, DeliveryHarness, waiting
from unit.controller.fakes import api_error
from unit.core.builders import TASK_UID, at, input_manifest, owned_by_tekton, owner, task_manifest


def early(**fields: Any) -> dict[str, Any]:
    """An input that nobody has seen yet, two seconds older than the Task."""
    return input_manifest(owner_uid=None, version=77, created_at=at(-62), **fields)


async def test_an_input_that_came_before_its_task_is_delivered() -> None:
    """K14: the API server's history knows of no other Task."""
    harness = DeliveryHarness([early()], (Accepted(in_doubt=False),))
    del harness.cluster.past["web"]
    await harness.deliver()
    assert harness.cluster.calls[0] == ("uid at 77", "tasks", "web")
    assert harness.status() == {
        "phase": "Delivered",
        "order": 77,
        "taskUID": TASK_UID,
        "deliveredAt": "2026-01-31T12:00:00Z",
    }
    assert harness.stored()["metadata"]["ownerReferences"] == [owner()]


async def test_an_input_that_was_seen_before_its_task_is_for_the_first_task_that_comes() -> None:
    """K14: the past is asked while it is known, not when the Task comes."""
    harness = DeliveryHarness([early()], (Accepted(in_doubt=False),), task=None, now=-61)
    await harness.deliver()
    assert harness.status()["message"].startswith('There is no Task "web" in namespace "team" yet')
    harness.stores.tasks.put(task_manifest(status=ACTIVE))
    harness.now = 0
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"
    verbs = [verb for verb, _, _ in harness.cluster.calls]
    assert verbs == ["uid at 77", "patch status", "patch status", "patch", "get", "patch status"]


async def test_an_input_whose_task_is_gone_when_the_operator_starts_is_not_for_the_next_one() -> None:
    """K14: somebody else may create a Task of that name, and is not to be told what was said to the former one."""
    harness = DeliveryHarness([early()], task=None, now=-61)
    harness.cluster.past["web"] = "former"
    await harness.deliver()
    message = harness.status()["message"]
    assert harness.status() == {"phase": "Queued", "order": 77, "taskUID": "former", "message": message}
    assert message.startswith('The Task "web" for which it was created is not there')
    harness.stores.tasks.put(task_manifest(status=ACTIVE))
    harness.now = 0
    await harness.deliver()
    assert harness.status()["message"].startswith("It was meant for an earlier Task")
    assert harness.sidecars.messages == []


async def test_an_input_that_is_seen_before_its_own_task_is_delivered() -> None:
    """K14: the store of Tasks may lag behind."""
    harness = DeliveryHarness(
        [input_manifest(owner_uid=None, version=77)], (Accepted(in_doubt=False),), task=None, now=1
    )
    harness.cluster.past["web"] = TASK_UID
    await harness.deliver()
    assert harness.status()["taskUID"] == TASK_UID
    harness.stores.tasks.put(task_manifest(status=ACTIVE))
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"


async def test_without_a_task_and_a_past_an_input_is_refused_at_once() -> None:
    """K14"""
    harness = DeliveryHarness([early()], task=None, now=-61)
    harness.cluster.failures["uid at 77"] = [api_error(410, "Expired")]
    await harness.deliver()
    assert harness.status()["phase"] == "Rejected"
    assert 'There is no Task "web"' in harness.status()["message"]


@pytest.mark.parametrize(
    ("past", "phase"),
    [
        pytest.param("former", "Rejected", id="it was sent to the former Task"),
        pytest.param(None, "Delivered", id="it was sent when there was none"),
    ],
)
async def test_api_servers_whose_clocks_differ_hold_no_input_up(past: str | None, phase: str) -> None:
    """K14: the input was created before the Task, and is younger by the clock of another API server."""
    entry = input_manifest(owner_uid=None, version=77, created_at=at(-58))
    harness = DeliveryHarness([entry], (Accepted(in_doubt=False),))
    assert harness.task is not None
    harness.cluster.hold(TASKS, harness.task)
    del harness.cluster.past["web"]
    if past:
        harness.cluster.past["web"] = past
    await harness.deliver()
    assert harness.status()["phase"] == phase
    assert len(harness.sidecars.messages) == (phase == "Delivered")
    assert harness.again.calls == []


@pytest.mark.parametrize(
    ("past", "says"),
    [
        pytest.param("former", "meant for an earlier Task", id="an earlier Task had the name"),
        pytest.param(TASK_UID, "no longer tells", id="it was changed since, so the question comes too late"),
        pytest.param(api_error(410, "Expired"), "no longer tells", id="the API server has forgotten"),
    ],
)
async def test_an_input_that_may_be_for_an_earlier_task_is_not_typed(past: str | ApiError, says: str) -> None:
    """K14"""
    harness = DeliveryHarness([early()])
    if isinstance(past, str):
        harness.cluster.past["web"] = past
    else:
        harness.cluster.failures["uid at 77"] = [past]
    await harness.deliver()
    assert harness.status()["phase"] == "Rejected"
    assert says in harness.status()["message"]
    assert harness.status()["order"] == 77
    assert harness.sidecars.messages == []


async def test_an_input_to_nobody_is_not_given_to_a_task_whose_end_is_not_known_yet() -> None:
    """K14: it would be removed together with that Task, and never arrive."""
    harness = DeliveryHarness([input_manifest(owner_uid=None, version=77)], (Accepted(in_doubt=False),))
    del harness.cluster.past["web"]
    await harness.deliver()
    assert [verb for verb, _, _ in harness.cluster.calls] == ["uid at 77", "get"]
    assert harness.again.calls == [(WEB, 0.5)]
    harness.stores.tasks.remove(WEB)
    await harness.deliver()
    next_one = task_manifest(uid="next", status=ACTIVE)
    next_one["metadata"]["creationTimestamp"] = rfc3339(at(1))
    harness.stores.tasks.put(next_one)
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"
    assert harness.stored()["metadata"]["ownerReferences"] == [owner("next")]


async def test_a_look_at_the_past_that_fails_is_tried_again() -> None:
    """K14"""
    harness = DeliveryHarness([early()], (Accepted(in_doubt=False),))
    del harness.cluster.past["web"]
    harness.cluster.failures["uid at 77"] = [api_error(500, "InternalError")]
    with pytest.raises(ApiError):
        await harness.deliver()
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"


async def test_an_input_to_a_task_that_is_being_deleted_is_not_for_the_next_one() -> None:
    """K14: the operator writes down for which Task it was, and cannot make that one its owner any more."""
    leaving = task_manifest(uid="former", deleting=True, status=ACTIVE)
    harness = DeliveryHarness([input_manifest(owner_uid=None)], task=leaving)
    await harness.deliver()
    assert harness.status() == {"phase": "Queued", "order": 100, "taskUID": "former"}
    harness.stores.tasks.remove(WEB)
    next_one = task_manifest(status=ACTIVE)
    next_one["metadata"]["creationTimestamp"] = rfc3339(at(5))
    harness.stores.tasks.put(next_one)
    await harness.deliver()
    assert harness.status()["message"].startswith("It was meant for an earlier Task")


async def test_a_field_that_an_older_crd_drops_is_not_written_without_end() -> None:
    """An installation whose CRDs were not upgraded yet."""
    harness = DeliveryHarness([owned_by_tekton(waiting(owner_uid=None), uid="tekton-1")])
    patch_status = harness.cluster.patch_status

    async def prune(resource: Any, namespace: str, name: str, status: Any, **more: Any) -> dict[str, Any]:
        return await patch_status(resource, namespace, name, {"order": 100}, **more)

    harness.cluster.patch_status = prune  # type: ignore[method-assign]
    await harness.deliver()
    assert harness.again.calls == [(WEB, 2.0)]
