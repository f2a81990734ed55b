"""States and snapshots for a gateway that may be unavailable for long; a fake clock makes minutes pass at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from taskyard.sidecar.conversation.snapshot import Snapshot
from taskyard.sidecar.gateway.client import GatewayError
from taskyard.sidecar.gateway.reporter import RETRY_LAST, Reporter, SnapshotUploader
from unit.virtual_time import gaps, in_no_time, now

MINUTE = 60.0


class Gateway:
    """Keeps what it gets, with the time, or is unavailable."""

    def __init__(self) -> None:
        self.away = False
        self.refuses = False
        self.asked_at: list[float] = []
        self.taken: list[tuple[float, Any]] = []

    @property
    def asked(self) -> int:
        return len(self.asked_at)

    async def take(self, what: Any) -> None:
        self.asked_at.append(now())
        if self.away:
            raise GatewayError("connection refused")
        if self.refuses:
            raise GatewayError("bad input", status=400)
        self.taken.append((now(), what))

    upload = take


def test_after_ten_minutes_without_a_gateway_only_the_last_state_is_reported() -> None:
    async def live() -> None:
        gateway = Gateway()
        reporter: Reporter[str] = Reporter(gateway.take, "state")
        running = asyncio.create_task(reporter.run())
        reporter.tell("working 0")
        await reporter.flush()
        gateway.away = True
        for number in range(1, 601):
            reporter.tell(f"working {number}" if number % 2 else f"idle {number}")
            await asyncio.sleep(1)
        assert gateway.asked < 60, "the gateway is called too often"
        gateway.away = False
        back = now()
        await reporter.flush()
        assert [what for _, what in gateway.taken] == ["working 0", "idle 600"]
        assert gateway.taken[-1][0] - back <= RETRY_LAST
        reporter.tell("working 601")
        await reporter.flush()
        assert gateway.taken[-1][1] == "working 601"
        running.cancel()

    in_no_time(live())


@pytest.mark.parametrize("at_work", [True, False], ids=["at work", "idle now and then"])
def test_after_ten_minutes_without_a_gateway_only_the_newest_snapshot_is_stored(at_work: bool) -> None:
    async def live() -> None:
        gateway = Gateway()
        said = 0
        snapshots = SnapshotUploader(gateway, lambda: Snapshot(str(said).encode(), said, False))  # type: ignore[arg-type]
        running = asyncio.create_task(snapshots.run())
        gateway.away = True
        for _ in range(600):
            said += 1
            snapshots.changed(idle=not at_work and said % 10 == 0)
            await asyncio.sleep(1)
        snapshots.changed(idle=True)
        assert gateway.asked < 60, "the gateway is called too often"
        gateway.away = False
        back = now()
        await asyncio.sleep(2 * RETRY_LAST)
        assert [what for _, what in gateway.taken] == [b"600"]
        assert gateway.taken[0][0] - back <= RETRY_LAST + 1
        running.cancel()

    in_no_time(live())


def test_snapshots_are_taken_each_minute_while_the_agent_works_and_soon_after() -> None:
    async def live() -> None:
        gateway = Gateway()
        said = 0
        snapshots = SnapshotUploader(gateway, lambda: Snapshot(str(said).encode(), said, False))  # type: ignore[arg-type]
        running = asyncio.create_task(snapshots.run())
        for _ in range(300):
            said += 1
            snapshots.changed(idle=False)
            await asyncio.sleep(1)
        times = [moment for moment, _ in gateway.taken]
        assert len(times) == 5
        assert all(later - earlier >= MINUTE for earlier, later in itertools.pairwise(times))
        snapshots.changed(idle=True)
        await asyncio.sleep(2)
        assert gateway.taken[-1][1] == b"300"
        snapshots.changed(idle=True)
        await asyncio.sleep(MINUTE)
        assert len(gateway.taken) == 6, "the same snapshot was sent twice"
        running.cancel()

    in_no_time(live())


def test_a_report_that_the_gateway_refuses_for_good_is_given_up() -> None:
    async def live() -> None:
        gateway = Gateway()
        gateway.refuses = True
        reporter: Reporter[str] = Reporter(gateway.take, "state")
        running = asyncio.create_task(reporter.run())
        reporter.tell("working")
        await reporter.flush()
        await asyncio.sleep(10 * MINUTE)
        assert gateway.asked == 1
        gateway.refuses = False
        reporter.tell("idle")
        await reporter.flush()
        assert [what for _, what in gateway.taken] == ["idle"]
        running.cancel()

    in_no_time(live())


def test_after_two_thousand_failures_a_state_is_still_tried_every_quarter_of_a_minute_and_arrives() -> None:
    async def live() -> None:
        gateway = Gateway()
        reporter: Reporter[str] = Reporter(gateway.take, "state")
        async with asyncio.TaskGroup() as group:
            running = group.create_task(reporter.run())
            gateway.away = True
            reporter.tell("working")
            await asyncio.sleep(2000 * 15.0)
            assert gateway.asked >= 2000
            assert gaps(gateway.asked_at)[-1] == pytest.approx(15.0)
            gateway.away = False
            await reporter.flush()
            assert [what for _, what in gateway.taken] == ["working"]
            await next_failure_is_the_first_again(gateway, lambda: reporter.tell("idle"))
            running.cancel()

    in_no_time(live())


def test_after_two_thousand_failures_a_snapshot_is_still_tried_every_quarter_of_a_minute_and_stored() -> None:
    async def live() -> None:
        gateway = Gateway()
        said = b"hello"
        snapshots = SnapshotUploader(gateway, lambda: Snapshot(said, 1, False))  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            running = group.create_task(snapshots.run())
            gateway.away = True
            snapshots.changed(idle=True)
            await asyncio.sleep(2000 * 15.0)
            assert gateway.asked >= 2000
            assert gaps(gateway.asked_at)[-1] == pytest.approx(15.0)
            gateway.away = False
            await asyncio.sleep(15.0)
            assert [what for _, what in gateway.taken] == [b"hello"]
            said = b"good-bye"
            await next_failure_is_the_first_again(gateway, lambda: snapshots.changed(idle=True))
            running.cancel()

    in_no_time(live())


async def next_failure_is_the_first_again(gateway: Gateway, tell: Callable[[], None]) -> None:
    """Something newer fails twice, the first delay apart."""
    gateway.away, asked = True, gateway.asked
    tell()
    await asyncio.sleep(2.0)
    assert gaps(gateway.asked_at)[asked] == pytest.approx(0.5)
