"""The rules of the leader election, by a table and by random simulation."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.core import lease
from taskyard.core.lease import LeaseView, Lost, Renew, Sight, Take, Terms, Wait
from unit.core.builders import merge

TERMS = Terms(duration=10, renew_deadline=7.0, retry_period=2.0)
ME, RIVAL = "me", "rival"
NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def view(holder: str = RIVAL, version: str = "1", **changes: Any) -> LeaseView:
    return replace(LeaseView(uid="u", resource_version=version, holder=holder, duration=10, transitions=0), **changes)


def seen(*reads: tuple[float, LeaseView | None]) -> Sight:
    """What a process knows after these reads."""
    sight = None
    for moment, found in reads:
        sight = lease.see(sight, found, identity=ME, now=moment)
    assert sight is not None
    return sight


@pytest.mark.parametrize(
    ("sight", "now", "step"),
    [
        pytest.param(seen((0, None)), 0, Take(), id="no Lease, and never one seen"),
        pytest.param(seen((0, view(""))), 0, Take(), id="given back"),
        pytest.param(seen((0, view(ME))), 0, Take(), id="own name: the answer to the take-over was lost"),
        pytest.param(seen((0, view())), 0, Wait(10), id="held, first seen now, however old it is"),
        pytest.param(seen((0, view()), (9, view())), 9, Wait(1), id="held, unchanged for less than its duration"),
        pytest.param(seen((0, view()), (10, view())), 10, Take(), id="held, unchanged for its duration"),
        pytest.param(seen((0, view()), (9, view(version="2"))), 10, Wait(9), id="renewed: the time starts again"),
        pytest.param(seen((0, view()), (9, view("third", "2"))), 10, Wait(9), id="taken by a third one"),
        pytest.param(seen((0, view(duration=30))), 10, Wait(20), id="the holder's own duration counts"),
        pytest.param(seen((0, view()), (9, None)), 18, Wait(1), id="deleted: its holder does not know yet"),
        pytest.param(seen((0, view()), (9, None), (18, None)), 19, Take(), id="deleted long ago"),
    ],
)
def test_a_process_that_does_not_hold_it(sight: Sight, now: float, step: lease.Step) -> None:
    assert lease.decide(sight, identity=ME, until=None, now=now) == step


@pytest.mark.parametrize(
    ("sight", "now", "step"),
    [
        pytest.param(seen((0, view(ME))), 6.9, Renew(), id="in time"),
        pytest.param(seen((0, view(ME))), 7, Lost("it could not be renewed in time"), id="at the deadline"),
        pytest.param(seen((0, view(ME))), 700, Lost("it could not be renewed in time"), id="stopped and woken"),
        pytest.param(seen((0, view(ME)), (1, view(RIVAL, "2"))), 1, Lost("rival holds it now"), id="a rival"),
        pytest.param(
            seen((0, view(ME)), (1, view("", "2"))),
            1,
            Lost("somebody removed the holder's name"),
            id="emptied by hand",
        ),
        pytest.param(seen((0, view(ME)), (1, None)), 1, Renew(), id="deleted by hand: it is made again"),
        pytest.param(seen((0, view(ME)), (1, view(ME, "2"))), 1, Renew(), id="labelled by hand"),
    ],
)
def test_the_holder_until_7(sight: Sight, now: float, step: lease.Step) -> None:
    assert lease.decide(sight, identity=ME, until=7.0, now=now) == step


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        pytest.param(TERMS, None, id="good"),
        pytest.param(replace(TERMS, duration=0), "greater than zero", id="no duration"),
        pytest.param(replace(TERMS, retry_period=0), "greater than zero", id="no pause between tries"),
        pytest.param(replace(TERMS, duration=7), "shorter than the lease duration", id="deadline as long as the lease"),
        pytest.param(replace(TERMS, retry_period=3.6), "at most half", id="a single try"),
    ],
)
def test_inconsistent_terms_are_refused(terms: Terms, word: str | None) -> None:
    assert word in terms.problem if word and terms.problem else terms.problem is None


def test_what_is_written_reads_as_it_was_meant() -> None:
    made = lease.manifest("here", "taskyard-operator", identity=ME, terms=TERMS, now=NOW)
    made["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    first = LeaseView.of(made, terms=TERMS)
    assert first == view(ME)
    taken = lease.hold(replace(first, holder=RIVAL), identity=ME, terms=TERMS, now=NOW)
    assert taken["metadata"] == {"uid": "u", "resourceVersion": "1"}
    assert taken["spec"]["leaseTransitions"] == 1 and "acquireTime" in taken["spec"]
    renewed = lease.hold(first, identity=ME, terms=TERMS, now=NOW)
    assert "leaseTransitions" not in renewed["spec"] and "acquireTime" not in renewed["spec"]
    assert LeaseView.of(merge(made, lease.release(first)), terms=TERMS).holder == ""


def test_a_lease_written_by_hand_is_read_all_the_same() -> None:
    bare = {"metadata": {"uid": "u", "resourceVersion": "1"}, "spec": {"holderIdentity": RIVAL}}
    assert LeaseView.of(bare, terms=TERMS) == view()
    assert LeaseView.of({"metadata": bare["metadata"]}, terms=TERMS) == view("")


# Random simulation: processes with unrelated clocks that pause for any time at any point, and whose requests and
# answers take any time or are lost.


@dataclass
class Server:
    """The API server's Lease. A write with an old resourceVersion is refused."""

    version: int = 0
    found: LeaseView | None = None

    def write(self, holder: str, guard: str | None) -> LeaseView | None:
        if guard != (self.found.resource_version if self.found else None):
            return None
        self.version += 1
        self.found = view(holder, str(self.version))
        return self.found


@dataclass
class Process:
    """A process that follows the rules, one step at a time; its clock is ahead of the true time by `offset`."""

    name: str
    offset: float
    sight: Sight | None = None
    until: float | None = None
    over: bool = False
    refused: bool = False
    # The request in progress: when it was sent (own clock), the guard, the server's answer.
    sent: float = 0.0
    writes: bool = False
    guard: str | None = None
    answer: list[LeaseView | None] = field(default_factory=list)
    arrived: bool = True
    done: bool = True

    def holds(self, true_time: float) -> bool:
        return not self.over and self.until is not None and true_time + self.offset < self.until

    def begin(self, true_time: float) -> None:
        """Decides, and sends a read or a write."""
        now = true_time + self.offset
        self.sent, self.writes, self.arrived, self.done, self.answer = now, False, False, False, []
        if self.sight is None or self.refused:
            return
        step = lease.decide(self.sight, identity=self.name, until=self.until, now=now)
        if isinstance(step, Lost):
            self.over = True
        elif isinstance(step, Take | Renew):
            self.writes = True
            self.guard = self.sight.lease.resource_version if self.sight.lease else None

    def arrive(self, server: Server) -> None:
        self.arrived = True
        self.answer = [server.write(self.name, self.guard) if self.writes else server.found]

    def take(self, true_time: float, *, lost: bool) -> None:
        """Handles the answer, or its loss; a refused write is followed by a read."""
        self.done = True
        self.refused = self.writes and self.answer == [None]
        if lost or self.refused:
            return
        self.sight = lease.see(self.sight, self.answer[0], identity=self.name, now=true_time + self.offset)
        if self.writes:
            self.until = self.sent + TERMS.renew_deadline


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_two_never_hold_it_at_the_same_time_whatever_stops_or_is_slow(seed: int) -> None:
    chance = random.Random(seed)
    server, true_time = Server(), 0.0
    processes = [Process(f"p{number}", offset=chance.uniform(-1e6, 1e6)) for number in range(3)]
    stopped = dict.fromkeys(range(3), 0.0)
    for _ in range(1000):
        true_time += chance.expovariate(8)
        number = chance.randrange(3)
        if chance.random() < 0.02:
            stopped[number] = true_time + chance.uniform(0, 25)
        if true_time < stopped[number]:
            continue
        process = processes[number]
        held = process.sight.lease if process.sight else None
        if process.done:
            process.begin(true_time)
        elif not process.arrived:
            process.arrive(server)
        elif held and process.holds(true_time) and chance.random() < 0.02:
            process.over = process.done = True
            server.write("", held.resource_version)
        else:
            process.take(true_time, lost=chance.random() < 0.05)
        if process.over and process.done:
            # A process that lost it ends; its successor has no knowledge and another name.
            processes[number] = Process(f"{process.name}'", offset=chance.uniform(-1e6, 1e6))
        holders = [one.name for one in processes if one.holds(true_time)]
        assert len(holders) <= 1, holders


@given(first=st.floats(0, 100), stopped=st.floats(0, 1000), offset=st.floats(-1e6, 1e6))
def test_a_silent_holder_is_replaced_after_the_duration_and_not_before(
    first: float, stopped: float, offset: float
) -> None:
    sight = lease.see(None, view(), identity=ME, now=first + offset)
    step = lease.decide(sight, identity=ME, until=None, now=first + stopped + offset)
    if stopped > TERMS.duration + 0.01:
        assert step == Take()
    if stopped < TERMS.duration - 0.01:
        assert isinstance(step, Wait)
