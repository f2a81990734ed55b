"""The loop of the leader election, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.controller.cluster import LEASES, NotLeadingError
from taskyard.controller.leader import Leader, steady
from taskyard.core.lease import Terms
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
    """Refuses what the API server would, and has nothing to settle."""

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
        """Somebody else writes the Lease."""
        changed = {**self.lease, "spec": self.lease["spec"] | spec}
        self.version += 1
        changed["metadata"] = self.lease["metadata"] | {"resourceVersion": str(self.version)}
        self.objects[LEASES.plural, NAMESPACE, NAME] = changed


class World:
    def __init__(self) -> None:
        self.cluster, self.clock, self.ready = Cluster(), Clock(), asyncio.Event()
        self.ready.set()
        self.leader = self.another("me")

    def another(self, identity: str) -> Leader:
        return Leader(NAMESPACE, identity=identity, terms=TERMS, clock=self.clock)

    async def acquire(self) -> None:
        async with asyncio.timeout(2):
            await self.leader.acquire(self.cluster, ready=self.ready)

    async def lost(self) -> str:
        """Hold it until it is lost; the cause."""
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
async def world() -> World:
    return World()


async def test_the_first_one_leads_at_once(world: World) -> None:
    assert not world.may_write
    await world.acquire()
    assert world.may_write
    assert world.cluster.holder == "me"


async def test_it_does_not_lead_before_it_is_ready(world: World) -> None:
    world.ready.clear()
    waiting = asyncio.create_task(world.acquire())
    await until(lambda: len(world.cluster.calls) > 2)
    assert {verb for verb, *_ in world.cluster.calls} == {"get"}
    world.ready.set()
    await waiting
    assert world.may_write


async def test_a_silent_holder_is_waited_out_by_the_own_clock(world: World) -> None:
    await world.another("rival").acquire(world.cluster, ready=world.ready)
    waiting = asyncio.create_task(world.acquire())
    await until(lambda: ("get", "leases", NAME) in world.cluster.calls[2:])
    world.clock.now += 9.9
    await asyncio.sleep(0.05)
    assert world.cluster.holder == "rival"
    world.clock.now += 0.1
    await waiting
    assert world.cluster.holder == "me"
    assert world.cluster.lease["spec"]["leaseTransitions"] == 1


async def test_faults_are_waited_out(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.cluster.failures["get"] = [api_error(500), api_error(0)]
    world.cluster.failures["create"] = [api_error(409, "AlreadyExists"), api_error(403, "Forbidden", "not allowed")]
    await world.acquire()
    assert world.may_write
    assert "lease taskyard/taskyard-operator: not taken: TEST /x: not allowed" in caplog.text


async def test_the_holder_may_write_until_its_deadline_however_it_was_renewed(world: World) -> None:
    await world.acquire()
    world.clock.now += 6.9
    assert world.may_write
    world.clock.now += 0.1
    assert not world.may_write
    world.clock.now -= 5
    assert not world.may_write, "what is lost is not taken again"
    assert "could not be renewed in time" in await world.lost()


async def test_renewing_moves_the_deadline(world: World) -> None:
    await world.acquire()
    holding = asyncio.create_task(world.lost())
    for _ in range(5):
        world.clock.now += 5
        version = world.cluster.version
        await until(lambda version=version: world.cluster.version > version + 1)  # type: ignore[misc]
        assert world.may_write
    world.clock.now += 7
    assert "could not be renewed in time" in await holding


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        pytest.param({"holderIdentity": "rival"}, "lost: rival holds it now", id="a rival"),
        pytest.param({"holderIdentity": None}, "lost: somebody took the holder's name out", id="nobody"),
    ],
)
async def test_a_foreign_holder_ends_it_at_once(world: World, spec: dict[str, Any], cause: str) -> None:
    await world.acquire()
    world.cluster.write(**spec)
    assert cause in await world.lost()
    assert not world.may_write
    assert world.cluster.holder == spec["holderIdentity"]


async def test_what_is_no_rival_does_not_end_it(world: World) -> None:
    await world.acquire()
    holding = asyncio.create_task(world.lost())
    world.cluster.write(leaseTransitions=7)
    del world.cluster.objects[LEASES.plural, NAMESPACE, NAME]
    world.cluster.failures["patch"] = [api_error(500)]
    world.clock.now += 5
    await until(lambda: (LEASES.plural, NAMESPACE, NAME) in world.cluster.objects)
    world.clock.now += 5
    await asyncio.sleep(0.05)
    assert world.may_write and world.cluster.holder == "me"
    world.clock.now += 10
    await holding


async def test_giving_it_back_lets_the_next_one_lead_at_once(world: World) -> None:
    await world.acquire()
    await world.leader.release(world.cluster)
    assert not world.may_write
    assert [verb for verb, *_ in world.cluster.calls][-2:] == ["settle", "patch"]
    assert world.cluster.holder is None
    async with asyncio.timeout(2):
        await world.another("next").acquire(world.cluster, ready=world.ready)
    assert world.cluster.holder == "next"


async def test_it_is_given_back_though_the_answer_to_the_last_renewal_never_came(world: World) -> None:
    await world.acquire()
    world.cluster.write(renewTime="later")
    await world.leader.release(world.cluster)
    assert world.cluster.holder is None


async def test_what_is_not_held_is_not_given_back(world: World) -> None:
    await world.another("rival").acquire(world.cluster, ready=world.ready)
    before = world.cluster.version
    await world.leader.release(world.cluster)
    assert world.cluster.version == before and world.cluster.holder == "rival"


def test_the_clock_never_goes_back() -> None:
    moments = [steady() for _ in range(100)]
    assert moments == sorted(moments)
