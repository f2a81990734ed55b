"""The loop of the leader election, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.controller.cluster import NotLeadingError
from taskyard.core.lease import Terms
from taskyard.core.resources import LEASES
from taskyard.election.leader import Leader, steady
from unit.controller.fakes import FakeCluster, api_error, until

NAMESPACE, NAME = "taskyard", "taskyard-operator"
# Times of the loop are real here, and short; those of the lease are the test's.
TERMS = Terms(duration=10, renew_deadline=7.0, retry_period=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Cluster(FakeCluster):
    """Refuses what the API server would refuse, and has no writes in progress."""

    async def patch(self, resource: Any, namespace: str, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        found = self._found(resource, namespace, name)
        if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise api_error(409, "Conflict")
        return await super().patch(resource, namespace, name, patch)

    async def settle(self, seconds: float) -> None:
        self.calls.append(("settle", "", ""))

    @property
    def lease(self) -> dict[str, Any]:
        return self.objects[LEASES.plural, NAMESPACE, NAME]

    @property
    def holder(self) -> str | None:
        return self.lease["spec"].get("holderIdentity")

    def write(self, **spec: Any) -> None:
        """Writes the Lease as somebody else."""
        changed = {**self.lease, "spec": self.lease["spec"] | spec}
        self.version += 1
        changed["metadata"] = self.lease["metadata"] | {"resourceVersion": str(self.version)}
        self.objects[LEASES.plural, NAMESPACE, NAME] = changed


class LeaderHarness:
    def __init__(self) -> None:
        self.cluster, self.clock, self.ready = Cluster(), Clock(), asyncio.Event()
        self.ready.set()
        self.leader = self.another("me")

    def another(self, identity: str) -> Leader:
        return Leader(NAMESPACE, "taskyard-operator", identity=identity, terms=TERMS, clock=self.clock)

    async def acquire(self) -> None:
        async with asyncio.timeout(2):
            await self.leader.acquire(self.cluster, ready=self.ready)

    async def lost(self) -> str:
        """Holds the Lease until it is lost; returns the cause."""
        with pytest.raises(NotLeadingError) as lost:
            async with asyncio.timeout(2):
                await self.leader.hold(self.cluster)
        return str(lost.value)

    @property
    def may_write(self) -> bool:
        leads = self.leader.leads
        try:
            self.leader.check()
        except NotLeadingError:
            assert not leads and not self.leader.leads
            return False
        assert leads
        return True


@pytest.fixture
async def harness() -> LeaderHarness:
    return LeaderHarness()


async def test_the_first_one_leads_at_once(harness: LeaderHarness) -> None:
    assert not harness.may_write
    await harness.acquire()
    assert harness.may_write
    assert harness.cluster.holder == "me"


async def test_it_does_not_lead_before_it_is_ready(harness: LeaderHarness) -> None:
    harness.ready.clear()
    waiting = asyncio.create_task(harness.acquire())
    await until(lambda: len(harness.cluster.calls) > 2)
    assert {verb for verb, *_ in harness.cluster.calls} == {"get"}
    harness.ready.set()
    await waiting
    assert harness.may_write


async def test_a_silent_holder_is_waited_out_by_the_own_clock(harness: LeaderHarness) -> None:
    await harness.another("rival").acquire(harness.cluster, ready=harness.ready)
    waiting = asyncio.create_task(harness.acquire())
    await until(lambda: ("get", "leases", NAME) in harness.cluster.calls[2:])
    harness.clock.now += 9.9
    await asyncio.sleep(0.05)
    assert harness.cluster.holder == "rival"
    harness.clock.now += 0.1
    await waiting
    assert harness.cluster.holder == "me"
    assert harness.cluster.lease["spec"]["leaseTransitions"] == 1


async def test_faults_are_waited_out(harness: LeaderHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.cluster.failures["get"] = [api_error(500), api_error(0)]
    harness.cluster.failures["create"] = [api_error(409, "AlreadyExists"), api_error(403, "Forbidden", "not allowed")]
    await harness.acquire()
    assert harness.may_write
    assert "lease taskyard/taskyard-operator: not taken: TEST /x: not allowed" in caplog.text


async def test_the_holder_may_write_until_its_deadline_however_it_was_renewed(harness: LeaderHarness) -> None:
    await harness.acquire()
    harness.clock.now += 6.9
    assert harness.may_write
    harness.clock.now += 0.1
    assert not harness.may_write
    harness.clock.now -= 5
    assert not harness.may_write, "what is lost is not taken again"
    assert "could not be renewed in time" in await harness.lost()


async def test_renewing_moves_the_deadline(harness: LeaderHarness) -> None:
    await harness.acquire()
    holding = asyncio.create_task(harness.lost())
    for _ in range(5):
        harness.clock.now += 5
        version = harness.cluster.version
        await until(lambda version=version: harness.cluster.version > version + 1)  # type: ignore[misc]
        assert harness.may_write
    harness.clock.now += 7
    assert "could not be renewed in time" in await holding


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        pytest.param({"holderIdentity": "rival"}, "lost: rival holds it now", id="a rival"),
        pytest.param({"holderIdentity": None}, "lost: somebody removed the holder's name", id="nobody"),
    ],
)
async def test_a_foreign_holder_ends_it_at_once(harness: LeaderHarness, spec: dict[str, Any], cause: str) -> None:
    await harness.acquire()
    harness.cluster.write(**spec)
    assert cause in await harness.lost()
    assert not harness.may_write
    assert harness.cluster.holder == spec["holderIdentity"]


async def test_what_is_no_rival_does_not_end_it(harness: LeaderHarness) -> None:
    await harness.acquire()
    holding = asyncio.create_task(harness.lost())
    harness.cluster.write(leaseTransitions=7)
    del harness.cluster.objects[LEASES.plural, NAMESPACE, NAME]
    harness.cluster.failures["patch"] = [api_error(500)]
    harness.clock.now += 5
    await until(lambda: (LEASES.plural, NAMESPACE, NAME) in harness.cluster.objects)
    harness.clock.now += 5
    await asyncio.sleep(0.05)
    assert harness.may_write and harness.cluster.holder == "me"
    harness.clock.now += 10
    await holding


async def test_giving_it_back_lets_the_next_one_lead_at_once(harness: LeaderHarness) -> None:
    await harness.acquire()
    await harness.leader.release(harness.cluster)
    assert not harness.may_write
    assert [verb for verb, *_ in harness.cluster.calls][-2:] == ["settle", "patch"]
    assert harness.cluster.holder is None
    async with asyncio.timeout(2):
        await harness.another("next").acquire(harness.cluster, ready=harness.ready)
    assert harness.cluster.holder == "next"


async def test_it_is_given_back_though_the_answer_to_the_last_renewal_never_came(harness: LeaderHarness) -> None:
    await harness.acquire()
    harness.cluster.write(renewTime="later")
    await harness.leader.release(harness.cluster)
    assert harness.cluster.holder is None


async def test_what_is_not_held_is_not_given_back(harness: LeaderHarness) -> None:
    await harness.another("rival").acquire(harness.cluster, ready=harness.ready)
    before = harness.cluster.version
    await harness.leader.release(harness.cluster)
    assert harness.cluster.version == before and harness.cluster.holder == "rival"


def test_the_clock_never_goes_back() -> None:
    moments = [steady() for _ in range(100)]
    assert moments == sorted(moments)


async def test_a_released_lease_is_taken_at_once() -> None:
    """Not at the next look, which is a minute away."""
    harness = LeaderHarness()
    await harness.acquire()
    patient = Terms(duration=200, renew_deadline=180.0, retry_period=60.0)
    standby = Leader(NAMESPACE, "taskyard-operator", identity="another", terms=patient, clock=harness.clock)
    taking = asyncio.create_task(standby.acquire(harness.cluster, ready=harness.ready))
    await asyncio.sleep(0.05)
    assert not taking.done()
    await harness.leader.release(harness.cluster)
    async with asyncio.timeout(1):
        await taking
    assert standby.leads and harness.cluster.holder == "another"


async def test_without_the_right_to_watch_it_is_taken_at_the_next_look() -> None:
    class Blind(Cluster):
        async def states(self, resource: Any, namespace: str, name: str) -> Any:
            raise api_error(403, "Forbidden")
            yield

    harness = LeaderHarness()
    harness.cluster = Blind()
    await harness.acquire()
    standby = harness.another("another")
    taking = asyncio.create_task(standby.acquire(harness.cluster, ready=harness.ready))
    await asyncio.sleep(0.03)
    assert not taking.done()
    await harness.leader.release(harness.cluster)
    async with asyncio.timeout(1):
        await taking
