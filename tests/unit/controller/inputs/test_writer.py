"""Statuses of inputs that the API server refuses to change: who is told, who waits, and who goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.core.input_bounds import Bounds
from taskyard.core.resources import TASK_INPUTS
from taskyard.sidecarclient import Accepted
from unit.controller.delivery_harness import WEB, DeliveryHarness, waiting
from unit.controller.fakes import api_error
from unit.core.builders import input_manifest
from unit.virtual_time import in_no_time

POLICY = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: it is kept for the audit"
DENIED = api_error(422, "Invalid", POLICY)
WEBHOOK = api_error(403, "Forbidden", 'admission webhook "audit.example.org" denied the request: no changes')
DOWN = api_error(500, "InternalError", 'failed calling webhook "audit.example.org": connection refused')


class Refusing:
    """Lets a harness' API server refuse what is written into the statuses of some inputs, until `lifted`."""

    def __init__(self, harness: DeliveryHarness, *names: str, error: ApiError = DENIED) -> None:
        self.names = set(names)
        self.tries = 0
        original: Callable[..., None] = harness.cluster._called

        def called(verb: str, resource: Any, name: str = "") -> None:
            original(verb, resource, name)
            if (verb, resource) == ("patch status", TASK_INPUTS) and name in self.names:
                self.tries += 1
                raise error

        harness.cluster._called = called  # type: ignore[method-assign]

    def lifted(self) -> None:
        self.names.clear()


def run(work: Callable[[], Any]) -> None:
    in_no_time(work())


@pytest.mark.parametrize(
    ("error", "reason", "seconds"),
    [
        pytest.param(DENIED, "TaskInputRefused", 30, id="a policy"),
        pytest.param(WEBHOOK, "TaskInputRefused", 30, id="a webhook that denies"),
        pytest.param(DOWN, "WebhookFailed", 4, id="a webhook that is down"),
    ],
)
def test_an_input_that_gets_no_place_says_why_in_an_event_and_is_tried_again(
    error: ApiError, reason: str, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """K2."""

    async def work() -> None:
        harness = DeliveryHarness([input_manifest(owner_uid=None)], (Accepted(in_doubt=False),))
        refusing = Refusing(harness, "one", error=error)
        await harness.deliver()
        assert [(name, told.reason) for name, told in harness.told] == [("one", reason)]
        assert error.message in harness.told[0][1].message
        for _ in range(5):
            await harness.deliver()
        assert refusing.tries == 1, "not at each look"
        assert harness.again.calls == []
        await asyncio.sleep(seconds - 0.1)
        assert harness.again.calls == []
        await asyncio.sleep(0.2)
        assert harness.again.calls == [(WEB, 0.0)]
        await harness.deliver()
        assert (refusing.tries, len(harness.told)) == (2, 1), "it is no news"
        refusing.lifted()
        await asyncio.sleep(seconds + 0.1)
        await harness.deliver()
        assert harness.status()["phase"] == "Delivered"

    run(work)
    assert len(caplog.records) == 1 and caplog.records[0].exc_info is None
    assert error.message in caplog.text


@pytest.mark.parametrize(
    "entry", [pytest.param(waiting(), id="a message"), pytest.param(waiting(type="Raw"), id="keystrokes")]
)
def test_an_outcome_that_may_not_be_written_holds_up_nothing_but_that_input(entry: dict[str, Any]) -> None:
    async def work() -> None:
        harness = DeliveryHarness([entry], (Accepted(in_doubt=False), Accepted(in_doubt=False)))
        refusing = Refusing(harness, "one")
        await harness.deliver()
        assert (len(harness.sidecars.messages), harness.status()["phase"]) == (1, "Queued")
        await harness.deliver()
        assert len(harness.sidecars.messages) == 1, "it is not sent again at each look"
        refusing.lifted()
        await asyncio.sleep(31)
        await harness.deliver()
        keys = [message["idempotency_key"] for message in harness.sidecars.messages]
        assert keys == ["input-one", "input-one"], "the sidecar knows it"
        assert harness.status()["phase"] == "Delivered"

    run(work)


def test_others_get_their_place_but_no_message_overtakes_it_and_keystrokes_do() -> None:
    """K2."""

    async def work() -> None:
        inputs = [
            input_manifest("a", owner_uid=None, version=70),
            input_manifest("b", owner_uid=None, version=71),
            input_manifest("c", owner_uid=None, version=72, type="Raw"),
        ]
        harness = DeliveryHarness(inputs, (Accepted(in_doubt=False),) * 3)
        refusing = Refusing(harness, "a")
        await harness.deliver()
        sent = [message["name"] for message in harness.sidecars.messages]
        assert sent == ["c"]
        assert (harness.status("b")["order"], harness.status("b")["message"]) == (71, "One input is before it.")
        refusing.lifted()
        await asyncio.sleep(31)
        await harness.deliver()
        assert [message["name"] for message in harness.sidecars.messages] == ["c", "a", "b"]

    run(work)


def test_keystrokes_whose_outcome_may_not_be_written_hold_up_no_message() -> None:
    async def work() -> None:
        inputs = [waiting("keys", type="Raw"), waiting("one")]
        harness = DeliveryHarness(inputs, (Accepted(in_doubt=False),) * 2)
        Refusing(harness, "keys")
        await harness.deliver()
        assert [message["name"] for message in harness.sidecars.messages] == ["keys", "one"]
        assert harness.status("one")["phase"] == "Delivered"

    run(work)


def test_a_refusal_for_want_of_room_that_may_not_be_written_keeps_no_other_from_being_written() -> None:
    async def work() -> None:
        inputs = [waiting("first"), *(input_manifest(f"i{number:02}", owner_uid=None) for number in range(60))]
        harness = DeliveryHarness(inputs, pod=None, bounds=Bounds(per_task=1, per_namespace=1))
        refusing = Refusing(harness, *(f"i{number:02}" for number in range(0, 60, 2)))
        for _ in range(10):
            await harness.deliver()
            await asyncio.sleep(1)
        rejected = [n for n in range(60) if harness.status(f"i{n:02}")["phase"] == "Rejected"]
        assert len(rejected) >= 29 and all(number % 2 for number in rejected)
        assert refusing.tries <= 30, "each was tried once"

    run(work)


def test_an_input_that_is_deleted_meanwhile_is_forgotten() -> None:
    async def work() -> None:
        harness = DeliveryHarness([input_manifest(owner_uid=None)])
        Refusing(harness, "one")
        await harness.deliver()
        harness.stores.inputs.remove(("team", "one"))
        await asyncio.sleep(31)
        writer = harness.delivery._writer
        assert (writer.held, writer._refused, harness.again.calls) == (set(), {}, [])

    run(work)


async def test_a_fault_of_the_api_server_is_no_refusal() -> None:
    harness = DeliveryHarness([input_manifest(owner_uid=None)])
    Refusing(harness, "one", error=api_error(503, message="the server is busy"))
    with pytest.raises(ApiError):
        await harness.deliver()
    assert harness.told == []
