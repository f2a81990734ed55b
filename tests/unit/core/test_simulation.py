"""Random events in random order: never two live Pods, numbers without gaps, and the requested state in the end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskyard.core.build_view import BuildView
from taskyard.core.decision import BUILDS_KEPT, Rest
from unit.core.builders import task_manifest
from unit.core.in_memory_cluster import InMemoryCluster

EVENTS = (
    "look",
    "write_status",
    "pause",
    "resume",
    "bind",
    "enrol",
    "delete_by_hand",
    "finish_deletions",
    "lose_pod",
    "end_pod",
    "remove_old_builds",
    "lose_template",
    "restore_template",
    "use_up_quota",
    "free_quota",
    "wait",
    "wait_long",
)

# The operator acts more often than anything else happens.
HISTORIES = st.lists(st.one_of(st.just("look"), st.just("look"), st.sampled_from(EVENTS)), max_size=60)


def check(cluster: InMemoryCluster) -> None:
    """Checks the invariants of every moment."""
    assert len(cluster.live) <= 1
    numbers = [b["spec"]["number"] for b in cluster.builds]
    if numbers:
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert cluster.task["status"]["build"]["number"] in (numbers[-1], numbers[-1] + 1)
    assert len(numbers) <= BUILDS_KEPT + 1, "one more than are kept, until the next look"
    unfinished = [b for b in cluster.builds if not BuildView.of(b).finished]
    assert unfinished in ([], cluster.builds[-1:]), "one build at a time"


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES, created_paused=st.booleans(), paused=st.booleans())
@example(
    history=["look", "look", "pause", "look", "resume"], created_paused=False, paused=False
)  # canceled, then wanted
@example(
    history=["look", "look", "look", "use_up_quota", "look", "wait_long"], created_paused=False, paused=False
)  # room comes late
def test_whatever_happens_the_task_ends_as_it_was_asked(history: list[str], created_paused: bool, paused: bool) -> None:
    cluster = InMemoryCluster()
    if created_paused:
        cluster.pause()
    for event in history:
        getattr(cluster, event)()
        check(cluster)
    if paused:
        cluster.pause()
    else:
        cluster.resume()
    cluster.settle()
    check(cluster)
    assert isinstance(cluster.look(), Rest)
    phase = cluster.task["status"]["phase"]
    if paused:
        assert phase == "Paused"
        assert cluster.pods == []
        return
    newest = BuildView.of(cluster.builds[-1])
    assert phase in ("Active", "Error")
    if phase == "Error":
        assert newest.message
        assert "times in a row" in newest.message or "was not bound to a node" in newest.message
        assert cluster.pods == []
        # Only the user can resolve an error, and that works.
        cluster.pause()
        cluster.settle()
        assert cluster.task["status"]["phase"] == "Paused"
        cluster.resume()
        cluster.settle()
    assert cluster.task["status"]["phase"] == "Active"
    assert [p["metadata"]["name"] for p in cluster.live] == [cluster.builds[-1]["metadata"]["name"]]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(["look", "look", "pause", "look", "resume"], id="paused and resumed while it starts"),
        pytest.param(["look", "look", "use_up_quota", *["look"] * 3, "wait_long"], id="room in the quota comes late"),
    ],
)
def test_nothing_has_failed_so_nothing_is_an_error(history: list[str]) -> None:
    cluster = InMemoryCluster()
    for event in history:
        getattr(cluster, event)()
    cluster.free_quota()
    for _ in range(10):
        cluster.look()
        cluster.write_status()
        assert cluster.task["status"]["phase"] in ("Pending", "Initializing")
    cluster.settle()
    assert cluster.task["status"]["phase"] == "Active"


# The events that make a Task pause automatically, in the order that leads there, with random others in between.
RESTLESS = st.lists(
    st.one_of(
        st.just("turn"),
        st.just("turn"),
        st.just("rest"),
        st.sampled_from(["wait_long", "look", "write_status", "wake", "pause", "resume", "lose_pod", "end_pod"]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(history=RESTLESS)
@example(history=["turn", "rest", "turn", "wait_long", "turn", "turn"])  # paused automatically, and nobody asks
@example(history=["turn", "rest", "turn", "wait_long", "turn", "wake", "turn"])  # paused automatically, and resumed
@example(
    history=["turn", "rest", "turn", "wait_long", *["look"] * 2, "lose_pod", *["look"] * 3]
)  # its Pod is deleted immediately
def test_an_automatically_paused_task_resumes_only_when_something_asks_for_it(history: list[str]) -> None:
    cluster = InMemoryCluster(task=task_manifest(idleTimeout="1m"))
    for event in history:
        getattr(cluster, event)()
        check(cluster)
        reasons = [b["spec"]["reason"] for b in cluster.builds]
        awoken = sum(pair == ("AutoPause", "Resume") for pair in itertools.pairwise(reasons))
        assert awoken <= cluster.wakes
        stored = cluster.task["status"]
        if stored.get("state") and stored["build"]["transition"] == "Stop":
            assert stored["state"]["state"] == "Idle", "what a start waits for is no last word"
    is_asked = cluster.task["spec"].get("paused", False)
    if is_asked or not cluster.builds or cluster.builds[-1]["spec"]["reason"] != "AutoPause":
        return
    cluster.wake()
    cluster.settle()
    assert cluster.task["status"]["phase"] == "Active"
    assert cluster.builds[-1]["spec"]["reason"] == "Resume"


@settings(max_examples=40, deadline=None)
@given(history=RESTLESS)
@example(history=["turn", "wait_long", "turn", "turn"])  # it has reached its longest runtime
@example(history=["turn", "wait_long", "turn", "wake", "turn", "wait_long", "turn"])  # twice
def test_a_task_that_reached_its_longest_runtime_is_paused_and_can_start_again(history: list[str]) -> None:
    cluster = InMemoryCluster(task=task_manifest(maxRuntime="5m"))
    for event in history:
        getattr(cluster, event)()
        check(cluster)
    cluster.resume()
    cluster.wake()
    cluster.settle()
    shown = cluster.task["status"]
    if shown["phase"] == "Error":
        assert "times in a row" in cluster.builds[-1]["status"]["message"]
        return
    assert (shown["phase"], shown["pausedReason"]) == ("Paused", "MaxRuntime")
    assert (cluster.builds[-1]["spec"]["reason"], cluster.pods) == ("MaxRuntime", [])


def test_a_hundred_pauses_leave_ten_builds_whose_numbers_have_no_gap() -> None:
    cluster = InMemoryCluster()
    for _ in range(100):
        cluster.turn()
        cluster.pause()
        cluster.turn()
        cluster.resume()
        check(cluster)
    cluster.settle()
    assert [b["spec"]["number"] for b in cluster.builds] == list(range(192, 202))


@settings(max_examples=40, deadline=None)
@given(history=HISTORIES)
def test_a_status_that_was_written_needs_no_further_write(history: list[str]) -> None:
    cluster = InMemoryCluster()
    for event in history:
        getattr(cluster, event)()
    cluster.write_status()
    for _ in range(2):
        # Some derived fields depend on their earlier value: rendering once more settles those.
        cluster.write_status()
    assert not cluster.write_status()
    cluster.seconds += 1
    assert not cluster.write_status(), "the time alone changes nothing"
