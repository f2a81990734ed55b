"""Delivering inputs: what is sent, what is written, when it is retried."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from taskyard.controller.cluster import ApiError, ConflictError, NotLeadingError
from taskyard.controller.inputs.delivery import NOT_REPEATED, NOT_REPEATED_IN_DOUBT
from taskyard.core.resources import TASK_INPUTS
from taskyard.sidecarclient import Accepted, Answer, Failed, NotReady, Refused
from unit.controller.delivery_harness import ACTIVE, WEB, DeliveryHarness, waiting
from unit.controller.fakes import api_error
from unit.core.builders import (
    TASK_UID,
    at,
    input_manifest,
    owned_by_tekton,
    owner,
    pod_manifest,
    task_manifest,
)


async def test_a_fresh_input_gets_its_place_its_owner_and_is_delivered() -> None:
    harness = DeliveryHarness([input_manifest(owner_uid=None, version=77)], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert harness.status() == {
        "phase": "Delivered",
        "order": 77,
        "taskUID": TASK_UID,
        "deliveredAt": "2026-01-31T12:00:00Z",
    }
    assert harness.stored()["metadata"]["ownerReferences"] == [owner()]
    assert harness.sidecars.messages == [
        {
            "ip": "10.0.0.7",
            "pod_uid": "pod-1",
            "content": "go on",
            "kind": "user",
            "idempotency_key": "input-one",
            "answers": None,
            "name": "one",
        }
    ]
    verbs = [verb for verb, _, _ in harness.cluster.calls]
    assert verbs == ["uid at 77", "patch status", "patch", "get", "patch status"]
    assert harness.changed == [WEB] * 3, "its Task is looked at after each write: its own events are no news"


async def test_a_command_of_the_program_is_sent_as_such() -> None:
    """A1"""
    harness = DeliveryHarness([waiting(type="Control", content="/compact")], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert [(m["kind"], m["content"]) for m in harness.sidecars.messages] == [("control", "/compact")]


async def test_keystrokes_are_sent_as_such() -> None:
    harness = DeliveryHarness([waiting(type="Raw", content="\x03")], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert [(m["kind"], m["content"]) for m in harness.sidecars.messages] == [("raw", "\x03")]


@pytest.mark.parametrize(
    ("answer", "before", "status", "again"),
    [
        pytest.param(
            Accepted(in_doubt=True),
            {},
            {"phase": "Delivered", "order": 100, "deliveredAt": "2026-01-31T12:00:00Z", "message": "in doubt"},
            [],
            id="in doubt: delivered, and it says so",
        ),
        pytest.param(
            Accepted(in_doubt=False),
            {"attempts": 2, "message": "it was not reached"},
            {"phase": "Delivered", "order": 100, "attempts": 2, "deliveredAt": "2026-01-31T12:00:00Z"},
            [],
            id="delivered at last: the old cause goes",
        ),
        pytest.param(
            Refused("blank"),
            {},
            {"phase": "Rejected", "order": 100, "message": "blank", "rejectedAt": "2026-01-31T12:00:00Z"},
            [],
            id="refused: rejected with the cause",
        ),
        pytest.param(
            NotReady("it works"), {}, {"phase": "Queued", "order": 100}, [2.0], id="not ready: asked again, unwritten"
        ),
        pytest.param(
            Failed("no route"),
            {},
            {"phase": "Queued", "order": 100, "attempts": 1, "message": "no route"},
            [1.0],
            id="failed: tried again, and it says why",
        ),
        pytest.param(
            Failed("no route"),
            {"attempts": 3},
            {"phase": "Queued", "order": 100, "attempts": 4, "message": "no route"},
            [8.0],
            id="failed again: later each time",
        ),
        pytest.param(
            Failed("no route"),
            {"attempts": 30},
            {"phase": "Queued", "order": 100, "attempts": 31, "message": "no route"},
            [60.0],
            id="failed often: once a minute",
        ),
        pytest.param(
            Failed("no route"),
            {"attempts": 2000},
            {"phase": "Queued", "order": 100, "attempts": 2001, "message": "no route"},
            [60.0],
            id="failed for days: still once a minute",
        ),
    ],
)
async def test_what_an_answer_leads_to(
    answer: Answer, before: dict[str, Any], status: dict[str, Any], again: list[float]
) -> None:
    harness = DeliveryHarness([waiting(status=before, generate_name="one-")], (answer,))
    await harness.deliver()
    assert harness.status() == status
    assert harness.again.calls == [(WEB, seconds) for seconds in again]
    assert harness.deadlines == ({} if again else {WEB: at(3600)}), "when it has been kept for long enough"
    assert len(harness.sidecars.messages) == 1


async def test_inputs_go_one_after_the_other_and_the_next_waits_for_the_agent() -> None:
    harness = DeliveryHarness(
        [waiting("a"), waiting("b", created_at=at(1))], (Accepted(in_doubt=False), NotReady("it works"))
    )
    await harness.deliver()
    assert [message["idempotency_key"] for message in harness.sidecars.messages] == ["input-a", "input-b"]
    assert harness.status("a")["phase"] == "Delivered"
    assert harness.status("b")["phase"] == "Queued"


async def test_a_refused_input_does_not_hold_up_the_next() -> None:
    harness = DeliveryHarness(
        [waiting("a"), waiting("b", created_at=at(1))], (Refused("blank"), Accepted(in_doubt=False))
    )
    await harness.deliver()
    assert [harness.status(name)["phase"] for name in "ab"] == ["Rejected", "Delivered"]


@pytest.mark.parametrize("answer", [Refused("x" * 40_000), Failed("x" * 40_000)], ids=["refused", "failed"])
async def test_a_cause_of_any_length_is_shortened(answer: Answer) -> None:
    """K6."""
    harness = DeliveryHarness([waiting()], (answer,))
    await harness.deliver()
    message = harness.status()["message"]
    assert len(message) <= 2048 and message.endswith("more characters)")


@pytest.mark.parametrize(
    "pod",
    [pytest.param(None, id="not seen yet"), pytest.param(pod_manifest(node=None, phase="Pending"), id="no address")],
)
async def test_a_pod_that_cannot_be_spoken_to_is_waited_for(pod: dict[str, Any] | None) -> None:
    harness = DeliveryHarness([waiting()], pod=pod)
    await harness.deliver()
    assert harness.sidecars.messages == []
    assert harness.again.calls == [(WEB, 2.0)]


async def test_nothing_is_sent_to_a_task_that_is_not_active() -> None:
    harness = DeliveryHarness([waiting()], task=task_manifest(status=ACTIVE | {"phase": "Paused"}))
    await harness.deliver()
    assert (harness.sidecars.messages, harness.again.calls) == ([], [])


async def test_an_input_without_a_task_is_looked_at_when_its_ten_minutes_are_over() -> None:
    harness = DeliveryHarness([waiting(owner_uid=None)], task=None, now=100)
    await harness.deliver()
    assert harness.deadlines == {WEB: at(600)}
    harness.now = 600
    await harness.deliver()
    assert harness.status()["phase"] == "Rejected"


async def test_an_input_that_is_deleted_meanwhile_is_forgotten() -> None:
    harness = DeliveryHarness([waiting()], (Refused("blank"),))
    harness.cluster.objects.clear()
    await harness.deliver()
    assert len(harness.stores.inputs) == 0


async def test_an_input_is_adopted_only_if_it_is_the_very_one() -> None:
    entry = waiting(owner_uid=None)
    harness = DeliveryHarness([entry], (Accepted(in_doubt=False),))
    seen: list[dict[str, Any]] = []
    patch = harness.cluster.patch

    async def remember(resource: Any, namespace: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        seen.append(body)
        return await patch(resource, namespace, name, body)

    harness.cluster.patch = remember  # type: ignore[method-assign]
    await harness.deliver()
    assert seen == [{"metadata": {"uid": "input-one", "resourceVersion": "100", "ownerReferences": [owner(TASK_UID)]}}]


@pytest.mark.parametrize(
    ("error", "says", "seconds"),
    [
        pytest.param(
            api_error(422, "Invalid", 'ValidatingAdmissionPolicy "no-owners" denied request'),
            "no-owners",
            30,
            id="policy",
        ),
        pytest.param(
            api_error(403, "Forbidden", "cannot set blockOwnerDeletion"),
            "blockOwnerDeletion",
            30,
            id="admission plugin",
        ),
        pytest.param(
            api_error(403, "Forbidden", 'User "operator" cannot patch resource "taskinputs"'),
            "Grant it the right",
            4,
            id="right",
        ),
    ],
)
async def test_an_input_that_its_task_may_not_own_says_why(error: ApiError, says: str, seconds: float) -> None:
    """K1: of each refusal somebody hears."""
    harness = DeliveryHarness([waiting(owner_uid=None)], (NotReady("it works"),))
    harness.cluster.failures["patch"] = [error, error]
    await harness.deliver()
    assert harness.status()["phase"] == "Queued"
    assert says in harness.status()["message"]
    await harness.deliver()
    assert [verb for verb, _, _ in harness.cluster.calls] == ["patch", "patch status"], "its own write's event"
    harness.now = seconds
    await harness.deliver()
    assert [verb for verb, _, _ in harness.cluster.calls][2:] == ["patch"], "no news, no write"
    assert harness.again.calls == [(WEB, seconds)] * 3
    harness.now = 2 * seconds
    await harness.deliver()
    assert "message" not in harness.status(), "it is owned, and waits for another cause"
    assert harness.stored()["metadata"]["ownerReferences"] == [owner()]


async def test_a_refusal_of_any_length_is_shortened() -> None:
    """K6"""
    harness = DeliveryHarness([waiting(owner_uid=None)])
    harness.cluster.failures["patch"] = [api_error(422, "Invalid", "x" * 40_000)]
    await harness.deliver()
    assert 0 < len(harness.status()["message"]) <= 2048


async def test_a_fault_while_an_input_is_adopted_is_no_refusal() -> None:
    harness = DeliveryHarness([waiting(owner_uid=None)])
    harness.cluster.failures["patch"] = [api_error(500, "InternalError")]
    with pytest.raises(ApiError):
        await harness.deliver()
    assert "message" not in harness.status()


async def test_an_input_keeps_its_other_owners() -> None:
    entry = waiting(owner_uid=None)
    other = owner("job-1", "nightly", kind="Job", controller=False)
    entry["metadata"]["ownerReferences"] = [other]
    harness = DeliveryHarness([entry], (NotReady("it works"),))
    await harness.deliver()
    assert harness.stored()["metadata"]["ownerReferences"] == [other, owner(TASK_UID)]


async def test_an_input_of_a_tekton_task_is_delivered_and_stays_its() -> None:
    entry = owned_by_tekton(waiting(owner_uid=None), uid="tekton-1")
    harness = DeliveryHarness([entry], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"
    assert harness.stored()["metadata"]["ownerReferences"] == entry["metadata"]["ownerReferences"]


# After a failed attempt


async def test_the_event_of_a_failed_attempts_own_write_is_no_reason_to_try_at_once() -> None:
    harness = DeliveryHarness([waiting()], (Failed("no route"), Accepted(in_doubt=False)))
    await harness.deliver()
    await harness.deliver()
    harness.now = 0.75
    await harness.deliver()
    assert len(harness.sidecars.messages) == 1
    assert harness.again.calls == [(WEB, 1.0), (WEB, 1.0), (WEB, 0.25)]
    harness.now = 1
    await harness.deliver()
    assert len(harness.sidecars.messages) == 2
    assert harness.status()["phase"] == "Delivered"


async def test_each_failure_has_its_own_delay() -> None:
    harness = DeliveryHarness([waiting()], (Failed("no route"), Failed("no route"), Accepted(in_doubt=False)))
    await harness.deliver()
    harness.now = 1
    await harness.deliver()
    harness.now = 2.5
    await harness.deliver()
    assert harness.again.calls == [(WEB, 1.0), (WEB, 2.0), (WEB, 0.5)]
    assert harness.status()["attempts"] == 2


async def test_a_clock_that_was_set_back_holds_no_input_up() -> None:
    harness = DeliveryHarness([waiting()], (Failed("no route"), Accepted(in_doubt=False)))
    await harness.deliver()
    harness.now = -3600
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"


async def test_inputs_that_went_after_a_failed_attempt_are_forgotten() -> None:
    harness = DeliveryHarness([waiting("a")], (Failed("no route"), Failed("no route")))
    await harness.deliver()
    harness.stores.inputs.remove(("team", "a"))
    later = waiting("b")
    harness.cluster.hold(TASK_INPUTS, later)
    harness.stores.inputs.put(later)
    harness.now = 100
    await harness.deliver()
    assert set(harness.delivery._not_before) == {"input-b"}


# Removal


@pytest.mark.parametrize(
    "answer", [pytest.param(Accepted(in_doubt=False), id="delivered"), pytest.param(Refused("blank"), id="rejected")]
)
async def test_an_input_is_removed_when_its_end_is_long_enough_ago(answer: Answer) -> None:
    harness = DeliveryHarness([waiting(generate_name="one-")], (answer,), retention=timedelta(minutes=5))
    await harness.deliver()
    assert harness.deadlines == {WEB: at(300)}
    harness.now = 299
    await harness.deliver()
    assert harness.deadlines == {WEB: at(300)}
    harness.now = 300
    await harness.deliver()
    assert (harness.cluster.objects, len(harness.stores.inputs)) == ({}, 0)


async def test_an_input_without_a_task_is_removed_too() -> None:
    harness = DeliveryHarness([waiting(owner_uid=None)], task=None, now=600)
    await harness.deliver()
    assert harness.status()["rejectedAt"] == "2026-01-31T12:10:00Z"
    harness.now = 4200
    await harness.deliver()
    assert harness.cluster.objects == {}


async def test_only_the_very_input_is_removed() -> None:
    done = waiting(status={"phase": "Delivered", "deliveredAt": "2026-01-31T12:00:00Z"}, generate_name="one-")
    harness = DeliveryHarness([done], now=3600)
    other = waiting(version=500)
    other["metadata"]["uid"] = "another"
    harness.cluster.hold(TASK_INPUTS, other)
    await harness.deliver()
    assert harness.stored() == other
    assert len(harness.stores.inputs) == 0


async def test_a_named_input_stays_and_its_message_says_what_became_of_it() -> None:
    """K7"""
    harness = DeliveryHarness([waiting("a"), waiting("b")], (Accepted(in_doubt=False), Refused("blank")))
    await harness.deliver()
    harness.now = 10**6
    await harness.deliver()
    assert harness.status("a")["phase"] == "Delivered"
    assert harness.status("b") | {"rejectedAt": ""} == {
        "phase": "Rejected",
        "order": 100,
        "message": "blank",
        "rejectedAt": "",
    }
    assert harness.deadlines == {WEB: None}


# Restored, moved and applied again


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(Accepted(in_doubt=False, repeated=True), NOT_REPEATED, id="delivered before"),
        pytest.param(Accepted(in_doubt=True, repeated=True), NOT_REPEATED_IN_DOUBT, id="before, and in doubt"),
    ],
)
async def test_what_the_home_remembers_is_delivered_and_says_why_nothing_was_typed(
    answer: Answer, message: str
) -> None:
    """K3"""
    harness = DeliveryHarness([waiting()], (answer,))
    await harness.deliver()
    assert (harness.status()["phase"], harness.status()["message"]) == ("Delivered", message)
    assert message.startswith("delivered before, not repeated")


async def test_nothing_is_sent_once_the_lease_is_lost() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False),))
    harness.cluster.failures["check leading"] = [NotLeadingError("lease x", "lost")]
    with pytest.raises(NotLeadingError):
        await harness.deliver()
    assert harness.sidecars.messages == []
    assert harness.cluster.calls == [("get", "taskinputs", "one")], "read, and not written"


async def test_what_somebody_else_wrote_meanwhile_is_looked_at_and_the_message_keeps_its_key() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False), Accepted(in_doubt=False)))
    labelled = harness.stored() | {"metadata": harness.stored()["metadata"] | {"resourceVersion": "2000"}}
    harness.cluster.hold(TASK_INPUTS, labelled)
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"
    assert [message["idempotency_key"] for message in harness.sidecars.messages] == ["input-one", "input-one"]
    assert [verb for verb, _, _ in harness.cluster.calls] == ["get", "patch status", "get", "get", "patch status"]


async def test_a_conflict_that_nobody_made_is_a_fault_and_not_tried_at_once() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False),))
    harness.cluster.failures["patch status"] = [api_error(409, "Conflict")]
    with pytest.raises(ConflictError):
        await harness.deliver()


async def test_the_tasks_count_is_looked_at_when_an_input_was_written() -> None:
    harness = DeliveryHarness([input_manifest()], answers=(Accepted(in_doubt=False),))
    await harness.deliver()
    assert WEB in harness.changed


async def test_other_owners_are_those_at_the_moment_of_the_write() -> None:
    """The store does not keep them, and somebody may have removed one meanwhile."""
    entry = waiting(owner_uid=None)
    entry["metadata"]["ownerReferences"] = [owner("job-1", "nightly", kind="Job", controller=False)]
    harness = DeliveryHarness([entry], (NotReady("it works"),))
    newer = deepcopy(entry)
    newer["metadata"] |= {"resourceVersion": "150", "ownerReferences": []}
    harness.cluster.hold(TASK_INPUTS, newer)
    await harness.deliver()
    assert harness.stored()["metadata"]["ownerReferences"] == [owner(TASK_UID)]
    assert [call for call in harness.cluster.calls if call[0] == "patch"] == [("patch", "taskinputs", "one")]
