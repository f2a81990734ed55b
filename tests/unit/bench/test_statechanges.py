"""Changes at random moments, and what is found of what a receiver was told."""

import json
from datetime import UTC, datetime, timedelta

from bench import statechanges
from bench.statechanges import FIRST, Place, Told

WEB, OTHER = ("team", "web"), ("team", "other")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def told(second: float, state: str = "Complete", *, task: Place = WEB, at: float | None = None, id_: str = "") -> Told:
    """Of a state so many seconds after noon, and received three seconds later."""
    moment = NOON + timedelta(seconds=second)
    return Told(second + 3 if at is None else at, id_ or f"{task}{second}", task, state, moment)


def test_changes_come_at_the_rate_each_to_another_state_and_the_same_for_a_seed() -> None:
    tasks = [("team", f"t{number}") for number in range(50)]
    plan = statechanges.plan(tasks, rate=100, seconds=60, seed=1)
    assert 5500 < len(plan) < 6500
    assert [change.at for change in plan] == sorted(change.at for change in plan)
    now = dict.fromkeys(tasks, FIRST)
    for change in plan:
        assert change.state != now[change.task]
        now[change.task] = change.state
    assert len({change.task for change in plan}) == 50
    assert plan == statechanges.plan(tasks, rate=100, seconds=60, seed=1)
    assert plan != statechanges.plan(tasks, rate=100, seconds=60, seed=2)


def test_the_first_receipt_of_a_change_counts_and_what_was_not_told_does_not() -> None:
    made = {(WEB, NOON): 0.5, (WEB, NOON + timedelta(seconds=1)): 1.5, (OTHER, NOON): 0.25}
    received = [told(0), told(0, at=9.0), told(0, task=OTHER), told(-5)]
    assert sorted(statechanges.latencies(made, received)) == [2.5, 2.75]
    assert statechanges.latencies(made, [told(0, at=0.25)]) == [0.0], "heard of before it was answered"


def test_a_task_is_behind_while_its_receiver_knows_another_state() -> None:
    shown = {WEB: "Complete", OTHER: "Failed"}
    assert statechanges.behind(shown, []) == {WEB, OTHER}
    assert statechanges.behind(shown, [told(0), told(1, "Idle")]) == {WEB, OTHER}
    assert statechanges.behind(shown, [told(0), told(0, "Failed", task=OTHER)]) == set()
    assert statechanges.behind({WEB: FIRST}, []) == set(), "it is as it was"


def test_what_came_twice_or_after_a_later_one_is_counted() -> None:
    in_order = [told(0), told(0, task=OTHER), told(2), told(1, task=OTHER)]
    assert (statechanges.twice(in_order), statechanges.disordered(in_order)) == (0, 0)
    again = [*in_order, told(2)]
    assert (statechanges.twice(again), statechanges.disordered(again)) == (1, 0)
    late = [*in_order, told(1.5), told(0.5, task=OTHER)]
    assert (statechanges.twice(late), statechanges.disordered(late)) == (0, 2)


def test_copies_have_names_namespaces_and_uids_of_their_own_and_belong_together() -> None:
    of_task = {"name": "specimen", "namespace": "source", "uid": "uid-task", "resourceVersion": "7"}
    owner = [{"kind": "Task", "name": "specimen", "uid": "uid-task"}]
    task = {"kind": "Task", "metadata": of_task, "status": {"observedUID": "uid-task"}}
    build = {
        "kind": "WorkspaceBuild",
        "metadata": {"name": "specimen-1", "namespace": "source", "uid": "uid-build", "ownerReferences": owner},
        "spec": {"task": "specimen"},
    }
    places = [("team-0", "t0"), ("team-1", "t1")]
    found = {key: json.loads(value) for key, value in statechanges.stored(task, build, places, seed=2)}
    assert list(found) == [
        "/registry/taskyard.dev/tasks/team-0/t0",
        "/registry/taskyard.dev/workspacebuilds/team-0/t0-1",
        "/registry/taskyard.dev/tasks/team-1/t1",
        "/registry/taskyard.dev/workspacebuilds/team-1/t1-1",
    ]
    tasks, builds = list(found.values())[::2], list(found.values())[1::2]
    assert len({each["metadata"]["uid"] for each in found.values()}) == 4
    for (namespace, name), one, its_build in zip(places, tasks, builds, strict=True):
        assert (one["metadata"]["namespace"], one["metadata"]["name"]) == (namespace, name)
        assert "resourceVersion" not in one["metadata"]
        assert one["status"]["observedUID"] == one["metadata"]["uid"]
        assert its_build["metadata"]["ownerReferences"][0]["uid"] == one["metadata"]["uid"]
        assert its_build["spec"]["task"] == name
    others = {json.loads(value)["metadata"]["uid"] for _, value in statechanges.stored(task, build, places, seed=3)}
    assert not others & {each["metadata"]["uid"] for each in found.values()}
