"""Delivering inputs: what is sent, what is written, when it is retried."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from taskyard.controller.cluster import ConflictError, NotLeadingError
from taskyard.controller.delivery import Delivery
from taskyard.controller.stores import Stores
from taskyard.core.resources import TASK_INPUTS
from taskyard.sidecarclient import Accepted, Answer, Failed, NotReady, Refused, Sidecars
from unit.controller.fakes import Again, FakeCluster, api_error
from unit.core.builders import (
    TASK_UID,
    at,
    input_manifest,
    owned_by_tekton,
    owner,
    pod_manifest,
    reservation,
    task_manifest,
)

WEB = ("team", "web")
HOUR = timedelta(hours=1)
ACTIVE = {"phase": "Active", "build": reservation(phase="Succeeded")}


class Heard(Sidecars):
    """Sidecars with prepared answers that record what they received."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.messages: list[dict[str, str]] = []

    async def send(self, **message: str) -> Answer:
        self.messages.append(message)
        return self.answers.pop(0)


@dataclass
class DeliveryHarness:
    """A Task with its inputs, a cluster that holds them, and sidecars that answer."""

    inputs: list[dict[str, Any]]
    answers: tuple[Answer, ...] = ()
    task: dict[str, Any] | None = field(default_factory=lambda: task_manifest(status=ACTIVE))
    pod: dict[str, Any] | None = field(default_factory=pod_manifest)
    now: float = 0
    retention: timedelta = HOUR

    def __post_init__(self) -> None:
        self.cluster, self.stores, self.again = FakeCluster(), Stores(), Again()
        self.sidecars = Heard(*self.answers)
        self.changed: list[tuple[str, str]] = []
        self.deadlines: dict[tuple[str, str], datetime | None] = {}
        for entry in self.inputs:
            self.cluster.hold(TASK_INPUTS, entry)
            self.stores.inputs.put(entry)
        if self.task:
            self.stores.tasks.put(self.task)
        if self.pod:
            self.stores.pods.put(self.pod)
        self.delivery = Delivery(
            self.cluster,
            self.stores,
            self.sidecars,
            clock=lambda: at(self.now),
            again=self.again,
            deadline=self.deadlines.__setitem__,
            retention=self.retention,
            changed=self.changed.append,
        )

    async def deliver(self) -> None:
        await self.delivery.deliver(WEB)

    def stored(self, name: str = "one") -> dict[str, Any]:
        return self.cluster.objects["taskinputs", "team", name]

    def status(self, name: str = "one") -> dict[str, Any]:
        return dict(self.stored(name)["status"])


def waiting(name: str = "one", **fields: Any) -> dict[str, Any]:
    """An input that has its position and its owner."""
    return input_manifest(name, status={"phase": "Queued", "order": 100, **fields.pop("status", {})}, **fields)


async def test_a_fresh_input_gets_its_place_its_owner_and_is_delivered() -> None:
    harness = DeliveryHarness([input_manifest(owner_uid=None, version=77)], (Accepted(in_doubt=False),))
    await harness.deliver()
    assert harness.status() == {"phase": "Delivered", "order": 77, "deliveredAt": "2026-01-31T12:00:00Z"}
    assert harness.stored()["metadata"]["ownerReferences"] == [owner()]
    assert harness.sidecars.messages == [
        {
            "ip": "10.0.0.7",
            "pod_uid": "pod-1",
            "content": "go on",
            "kind": "user",
            "idempotency_key": "input-one",
            "answers": None,
        }
    ]
    assert [verb for verb, _, _ in harness.cluster.calls] == ["patch status", "patch", "patch status"]


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
    harness = DeliveryHarness([waiting(status=before)], (answer,))
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
    harness = DeliveryHarness([waiting()], (answer,), retention=timedelta(minutes=5))
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
    done = waiting(status={"phase": "Delivered", "deliveredAt": "2026-01-31T12:00:00Z"})
    harness = DeliveryHarness([done], now=3600)
    other = waiting(version=500)
    other["metadata"]["uid"] = "another"
    harness.cluster.hold(TASK_INPUTS, other)
    await harness.deliver()
    assert harness.stored() == other
    assert len(harness.stores.inputs) == 0


async def test_nothing_is_sent_once_the_lease_is_lost() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False),))
    harness.cluster.failures["check leading"] = [NotLeadingError("lease x", "lost")]
    with pytest.raises(NotLeadingError):
        await harness.deliver()
    assert harness.sidecars.messages == []
    assert harness.cluster.calls == []


async def test_what_somebody_else_wrote_meanwhile_is_looked_at_and_the_message_keeps_its_key() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False), Accepted(in_doubt=False)))
    labelled = harness.stored() | {"metadata": harness.stored()["metadata"] | {"resourceVersion": "2000"}}
    harness.cluster.hold(TASK_INPUTS, labelled)
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"
    assert [message["idempotency_key"] for message in harness.sidecars.messages] == ["input-one", "input-one"]
    assert [verb for verb, _, _ in harness.cluster.calls] == ["patch status", "get", "patch status"]


async def test_a_conflict_that_nobody_made_is_a_fault_and_not_tried_at_once() -> None:
    harness = DeliveryHarness([waiting()], (Accepted(in_doubt=False),))
    harness.cluster.failures["patch status"] = [api_error(409, "Conflict")]
    with pytest.raises(ConflictError):
        await harness.deliver()


async def test_the_tasks_count_is_looked_at_when_an_input_was_written() -> None:
    harness = DeliveryHarness([input_manifest()], answers=(Accepted(in_doubt=False),))
    await harness.deliver()
    assert WEB in harness.changed
