"""Restarts of agents by the clocks of nodes that are ahead."""

from __future__ import annotations

from taskyard.controller.cache.agent_starts import AgentStarts
from taskyard.core.pod_view import PodView
from taskyard.sidecarclient import Accepted
from unit.controller.delivery_harness import DeliveryHarness, waiting
from unit.core.builders import at, container_status, pod, pod_manifest

RUNNING = {"state": {"running": {"startedAt": "2026-01-31T12:01:00Z"}}}
AGENT = container_status(restarts=1, last_exit_code=1) | RUNNING


def test_the_first_sight_of_a_start_counts_as_long_as_that_start_lasts() -> None:
    starts, seen = AgentStarts(), pod(agent=AGENT)
    starts.saw(seen, now=at(10.5))
    starts.saw(seen, now=at(20))
    assert starts.latest(seen, now=at(30)) == at(10), "in whole seconds, as the creation of an input"
    assert starts.latest(seen, now=at(90)) == at(10)
    again = pod(agent=container_status(restarts=2) | {"state": {"running": {"startedAt": "2026-01-31T12:02:00Z"}}})
    assert starts.latest(again, now=at(30)) == at(30)


def test_a_start_by_a_clock_that_is_right_is_not_kept() -> None:
    starts, seen = AgentStarts(), pod(agent=AGENT)
    starts.saw(seen, now=at(61))
    assert starts.latest(seen, now=at(90)) == at(90)
    assert starts.latest(None, now=at(90)) == at(90)


async def test_keys_for_the_screen_of_an_agent_whose_node_is_ahead_are_pressed() -> None:
    keys = waiting(type="Raw", content="q", created_at=at(20))
    harness = DeliveryHarness([keys], (Accepted(in_doubt=False),), pod=pod_manifest(agent=AGENT), now=21)
    harness.stores.agent_starts.saw(PodView.of(pod_manifest(agent=AGENT)), now=at(10))
    await harness.deliver()
    assert harness.status()["phase"] == "Delivered"


async def test_keys_from_before_the_restart_are_refused_all_the_same() -> None:
    keys = waiting(type="Raw", content="q", created_at=at(5))
    harness = DeliveryHarness([keys], pod=pod_manifest(agent=AGENT), now=21)
    harness.stores.agent_starts.saw(PodView.of(pod_manifest(agent=AGENT)), now=at(10))
    await harness.deliver()
    assert harness.status()["phase"] == "Rejected"
