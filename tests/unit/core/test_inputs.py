"""The queue of messages to an agent: order, delivery once, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.api.vocabulary import InputPhase
from taskyard.core.input_recipient import KeepOrder, LookBack
from taskyard.core.input_view import InputView
from taskyard.core.inputs import (
    Adopt,
    Conclude,
    Deliver,
    InputStep,
    Reject,
    Remove,
    RestInputs,
    next_delivery,
    next_step,
    queued,
)
from taskyard.core.task_view import TaskView
from taskyard.core.times import rfc3339
from unit.core.builders import (
    Manifest,
    at,
    input_manifest,
    owner,
    reservation,
    task,
    task_input,
    tekton_owner,
)

HOUR = timedelta(hours=1)
ACTIVE = task(status={"phase": "Active", "build": reservation(phase="Succeeded")})


def step(*inputs: InputView, of: TaskView | None = ACTIVE, now: float = 0, retention: timedelta = HOUR) -> InputStep:
    """The next step for a Task that is a minute old."""
    return next_step(
        of, inputs, created_at=at(-60) if of else None, retention=retention, now=at(now), agent_since=at(-30)
    )


def ended(name: str = "done", phase: str = "Delivered", *, seconds: float = 0, **fields: Any) -> InputView:
    """An input that was delivered or rejected `seconds` after NOW."""
    moment = "deliveredAt" if phase == "Delivered" else "rejectedAt"
    return task_input(name, status={"phase": phase, moment: rfc3339(at(seconds))}, **fields)


def with_phase(phase: str, **fields: Any) -> TaskView:
    return task(status={"phase": phase, "build": reservation(phase="Succeeded")}, **fields)


# Order


def test_an_input_keeps_its_place_before_anything_else_is_written_to_it() -> None:
    fresh = task_input("fresh", order=None, owner_uid=None, version=7)
    assert step(fresh) == LookBack(fresh), "which is written together with whose it is"
    assert fresh.order == 7
    assert step(fresh, of=None) == LookBack(fresh), "though there is no such Task"
    assert step(fresh, task_input("old", order=3)) == LookBack(fresh)
    owned = task_input("owned", order=None)
    assert step(owned) == KeepOrder(owned), "its owner says whose it is"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            task_input("b", created_at=at(-2), order=9), task_input("a", created_at=at(-1), order=1), id="time"
        ),
        pytest.param(task_input("b", order=9), task_input("a", order=10), id="within a second: order, as a number"),
        pytest.param(task_input("a", order=5), task_input("b", order=5), id="the name where all else is the same"),
    ],
)
def test_the_line(first: InputView, second: InputView) -> None:
    assert queued((second, first)) == [first, second]
    assert step(second, first) == Deliver(first)


def test_inputs_of_one_second_are_in_the_order_of_their_resource_versions() -> None:
    fresh = [task_input(name, order=None, version=version) for name, version in (("c", 8), ("a", 10), ("b", 9))]
    assert [entry.name for entry in queued(tuple(fresh))] == ["c", "b", "a"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 99)), unique=True, max_size=8), st.randoms())
def test_inputs_are_delivered_in_order_each_once(entries: list[tuple[int, int]], chance: Any) -> None:
    known = [
        task_input(f"i{number}", created_at=at(seconds), order=None, version=number, owner_uid=None)
        for seconds, number in entries
    ]
    if len({number for _, number in entries}) < len(entries):
        return
    delivered: list[InputView] = []
    for _ in range(10 * len(known) + 1):
        chance.shuffle(known)
        match step(*known, now=100):
            case LookBack(entry):
                # The write gives the input another resourceVersion; the order stays.
                changed = replace(entry, has_order=True, meant_for=ACTIVE.uid)
            case Adopt(entry):
                changed = replace(entry, owner=ACTIVE.uid)
            case Deliver(entry):
                changed = replace(entry, phase=InputPhase.DELIVERED)
                delivered.append(entry)
            case _:
                break
        known[[entry.name for entry in known].index(changed.name)] = changed
    assert [entry.name for entry in delivered] == [f"i{number}" for _, number in sorted(entries)]


# Delivery


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
def test_what_is_done_is_not_done_again(phase: str) -> None:
    assert step(task_input(status={"phase": phase})) == RestInputs()


@pytest.mark.parametrize("phase", ["Pending", "Initializing", "Pausing", "Paused", "Unknown", "Error"])
def test_inputs_wait_until_the_task_is_active(phase: str) -> None:
    assert step(task_input(), of=with_phase(phase)) == RestInputs()


def test_inputs_of_a_task_that_is_being_deleted_rest() -> None:
    assert step(task_input(), of=with_phase("Active", deleting=True)) == RestInputs()


def test_keystrokes_do_not_wait_in_line() -> None:
    message, keys, later = task_input("a", order=1), task_input("b", order=2, type="Raw"), task_input("c", order=3)
    assert step(message, keys, later) == Deliver(keys)


def test_without_inputs_there_is_nothing_to_do() -> None:
    assert step() == RestInputs()
    assert step(of=None) == RestInputs()


def test_an_input_without_an_owner_gets_the_task_for_one_before_it_is_delivered() -> None:
    unowned = task_input(owner_uid=None)
    assert step(unowned) == Adopt(unowned)
    assert step(unowned, of=with_phase("Paused")) == Adopt(unowned), "at first sight, active or not"


def test_an_input_is_adopted_together_with_its_other_owners() -> None:
    manifest = input_manifest(owner_uid=None, status={"phase": "Queued", "order": 1})
    others = [owner("job-1", kind="Job", controller=False), owner("task-2", "other", controller=False)]
    manifest["metadata"]["ownerReferences"] = others
    view = InputView.of(manifest)
    assert (view.owner, view.has_owners, view.is_controlled) == (None, True, False)
    assert step(view) == Adopt(view)


@pytest.mark.parametrize(
    "controller",
    [
        pytest.param(owner("job-1", kind="Job"), id="a Job"),
        pytest.param(tekton_owner("tekton-1"), id="a Tekton Task"),
        pytest.param(tekton_owner("tekton-1", "web"), id="a Tekton Task of the Task's name"),
    ],
)
def test_an_input_that_something_else_controls_is_delivered_without_being_adopted(controller: Manifest) -> None:
    """The API server would refuse a second controller, each time, and the message would never arrive."""
    manifest = input_manifest(owner_uid=None, status={"phase": "Queued", "order": 1, "taskUID": ACTIVE.uid})
    manifest["metadata"]["ownerReferences"] = [controller]
    view = InputView.of(manifest)
    assert (view.owner, view.is_controlled) == (None, True)
    assert step(view) == Deliver(view)


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
def test_what_is_done_is_not_adopted(phase: str) -> None:
    assert step(ended(phase=phase, owner_uid=None, generate_name="done-")) == RestInputs(until=at(3600))


def test_a_task_that_is_being_deleted_adopts_nothing_that_would_go_with_it() -> None:
    unowned = task_input(owner_uid=None)
    leaving = with_phase("Active", deleting=True)
    assert step(unowned, of=leaving) == KeepOrder(unowned, leaving.uid)
    noted = replace(unowned, meant_for=leaving.uid)
    assert step(noted, of=leaving) == RestInputs()


@pytest.mark.parametrize(
    ("of", "waiting", "expected"),
    [
        pytest.param(ACTIVE, ["first", "second"], "first", id="the first in line"),
        pytest.param(ACTIVE, ["first", "keys"], "keys", id="keystrokes before it"),
        pytest.param(ACTIVE, [], None, id="none waits"),
        pytest.param(with_phase("Paused"), ["first", "keys"], None, id="the Task is paused"),
        pytest.param(task(status={}), ["first"], None, id="the Task has no status yet"),
        pytest.param(with_phase("Active", deleting=True), ["keys"], None, id="the Task is being deleted"),
    ],
)
def test_what_the_agent_is_handed_next(of: TaskView, waiting: list[str], expected: str | None) -> None:
    entries = [task_input(name, type="Raw" if name == "keys" else "User") for name in waiting]
    found = next_delivery(of, entries)
    assert (found.name if found else None) == expected


# Removal: unit/core/test_input_retention.py says of which inputs


def passing(name: str = "done", phase: str = "Delivered", **fields: Any) -> InputView:
    """An input of a generated name that has ended."""
    return ended(name, phase, generate_name="done-", **fields)


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
@pytest.mark.parametrize(
    "of", [pytest.param(ACTIVE, id="active"), pytest.param(None, id="no Task"), pytest.param(task(), id="pending")]
)
def test_an_input_is_removed_when_its_end_is_long_enough_ago(phase: str, of: TaskView | None) -> None:
    done = passing(phase=phase, seconds=30)
    assert step(done, of=of) == RestInputs(until=at(3630))
    assert step(done, of=of, now=3629) == RestInputs(until=at(3630))
    assert step(done, of=of, now=3630) == Remove(done)
    assert step(done, of=of, now=30, retention=timedelta()) == Remove(done), "at once, when nothing is to be kept"


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
def test_an_input_of_a_chosen_name_stays_and_nothing_waits_for_its_end(phase: str) -> None:
    """K7"""
    done = ended(phase=phase)
    assert step(done, now=10**8) == RestInputs()
    assert step(done, now=10**8, retention=timedelta()) == RestInputs()


def test_what_waits_is_never_removed_however_old_it_is() -> None:
    assert step(task_input(), of=with_phase("Paused"), now=10**8) == RestInputs()


def test_of_several_the_one_that_ended_first_is_waited_for() -> None:
    assert step(passing("late", seconds=50), passing("early", "Rejected", seconds=20)) == RestInputs(until=at(3620))


def test_a_removal_holds_no_delivery_up() -> None:
    done, waiting = passing(), task_input("next")
    assert step(done, waiting) == Deliver(waiting)
    assert step(done, waiting, now=3600) == Remove(done)
    assert step(waiting, now=3600) == Deliver(waiting)


def test_an_orphan_and_an_end_are_both_waited_for() -> None:
    assert step(task_input(), ended(seconds=-3590), of=None) == RestInputs(until=at(10))
    assert step(task_input(), ended(), of=None) == RestInputs(until=at(600))


# Refusals


@pytest.mark.parametrize(
    ("entry", "of", "says"),
    [
        pytest.param(
            task_input(owner_uid="another"),
            ACTIVE,
            'for an earlier Task "web"; create another one',
            id="of a former Task",
        ),
        pytest.param(
            task_input(owner_uid=None, created_at=at(-661)),
            ACTIVE,
            'more than ten minutes older than the Task "web"',
            id="much older than the Task",
        ),
        pytest.param(
            task_input(),
            task(status={"phase": "Error", "build": reservation(phase="Failed")}),
            'Task "web" is in Error; pause and resume it',
            id="the build failed",
        ),
        pytest.param(
            task_input(),
            task(status={"phase": "Error", "build": reservation(phase="Canceled")}),
            'Task "web" is in Error; pause and resume it',
            id="the build was canceled",
        ),
    ],
)
def test_an_input_is_refused(entry: InputView, of: TaskView, says: str) -> None:
    found = step(entry, of=of)
    assert isinstance(found, Reject)
    assert found.input == entry
    assert says in found.message


@pytest.mark.parametrize(
    ("entry", "of"),
    [
        pytest.param(task_input(created_at=at(-61)), ACTIVE, id="older than the Task and owned by it"),
        pytest.param(task_input(owner_uid=None, created_at=at(-60)), ACTIVE, id="of the Task's own second"),
        pytest.param(task_input(), with_phase("Error"), id="the agent does not answer for a moment"),
        pytest.param(task_input(), with_phase("Unknown"), id="the Pod is lost and comes again"),
        pytest.param(task_input(), task(status={"phase": "Pending"}), id="the Task has not started yet"),
    ],
)
def test_an_input_is_not_refused(entry: InputView, of: TaskView) -> None:
    assert not isinstance(step(entry, of=of), Reject)


def test_an_input_that_its_task_cannot_take_becomes_its_own_before_it_is_refused() -> None:
    """K7: it then stays with its Task, and goes with it."""
    entry = task_input(owner_uid=None)
    failed = task(status={"phase": "Error", "build": reservation(phase="Failed")})
    assert step(entry, of=failed) == Adopt(entry)
    assert isinstance(step(replace(entry, owner=failed.uid), of=failed), Reject)


def test_a_refusal_does_not_delay_other_inputs() -> None:
    bad, good = task_input("bad", owner_uid="another"), task_input("good", order=2)
    assert isinstance(step(bad, good), Reject)
    assert step(replace(bad, phase=InputPhase.REJECTED), good) == Deliver(good)


def test_an_input_without_a_task_is_refused_after_ten_minutes() -> None:
    orphan = task_input()
    assert step(orphan, of=None, now=599) == RestInputs(until=at(600))
    found = step(orphan, of=None, now=600)
    assert isinstance(found, Reject)
    assert found.message == 'There has been no Task "web" in namespace "team" for ten minutes.'


def test_of_several_orphans_the_eldest_is_waited_for() -> None:
    younger, elder = task_input("a", created_at=at(5)), task_input("b", created_at=at(-5))
    assert step(younger, elder, of=None) == RestInputs(until=at(595))


# An agent that is a command


def running(number: int) -> TaskView:
    return task(status={"phase": "Initializing", "build": reservation(number, phase="Running")})


STOPPED = task(status={"phase": "Paused", "build": reservation(2, "Stop", "Finished", "Succeeded")})


@pytest.mark.parametrize(
    ("of", "entry", "expected"),
    [
        pytest.param(running(1), task_input(), Reject, id="a message while it runs"),
        pytest.param(STOPPED, task_input(), Reject, id="a message when it has finished"),
        pytest.param(STOPPED, task_input(resume=True), RestInputs, id="one that resumes: the start follows"),
        pytest.param(running(3), task_input(resume=True, created_at=at(-9)), Conclude, id="one that has resumed it"),
        pytest.param(
            running(3), task_input(resume=True, created_at=at(9)), Reject, id="one that had nothing to resume"
        ),
        pytest.param(
            running(1), task_input(resume=True, created_at=at(-9)), Reject, id="one from before the first run"
        ),
        pytest.param(ACTIVE, task_input(type="Raw"), Deliver, id="keystrokes"),
        pytest.param(ACTIVE, task_input(type="Control"), Reject, id="a command of a program's prompt"),
        pytest.param(STOPPED, task_input(type="Control", resume=True), Reject, id="even one that resumes"),
    ],
)
def test_a_command_accepts_no_messages_but_can_be_resumed(of: TaskView, entry: InputView, expected: type) -> None:
    found = next_step(of, (entry,), created_at=at(-60), retention=HOUR, now=at(10), agent_since=at(-30), runs_once=True)
    assert isinstance(found, expected)


def test_a_command_of_the_program_waits_in_line() -> None:
    message, command = task_input("a", order=1), task_input("b", order=2, type="Control")
    assert step(command, message) == Deliver(message)
    assert step(command) == Deliver(command)


@pytest.mark.parametrize("phase", ["Initializing", "Error"])
def test_keystrokes_and_answers_reach_what_keeps_the_agent_from_its_prompt(phase: str) -> None:
    """T2: a start script that waits can be stopped or answered; messages are for the agent."""
    message, keys = task_input("a", order=1), task_input("b", order=2, type="Raw")
    answer = task_input("c", order=3, answers="q-1")
    starting = {"workspace": {"starting": {"reason": "", "message": ""}}}
    held_up = task(status={"phase": phase, "build": reservation(phase="Succeeded"), **starting})
    assert step(message, keys, of=held_up) == Deliver(keys)
    assert step(message, answer, of=held_up) == Deliver(answer)
    assert step(message, of=held_up) == RestInputs()
    other = task(status={"phase": phase, "build": reservation(phase="Succeeded")})
    assert step(message, answer, of=other) == RestInputs()
    assert isinstance(step(keys, of=other), Reject), "nothing shows anything yet"


# Answers to questions


def test_an_answer_does_not_wait_in_line() -> None:
    message, answer = task_input("a", order=1), task_input("b", order=2, answers="q-1")
    assert step(message, answer) == Deliver(answer)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(task_input(answers="q-1"), Reject, id="nobody asks"),
        pytest.param(
            task_input(answers="q-1", resume=True), RestInputs, id="it resumes the agent, which may ask again"
        ),
        pytest.param(task_input(), RestInputs, id="an ordinary message waits"),
    ],
)
def test_an_answer_to_a_paused_task(entry: InputView, expected: type) -> None:
    assert isinstance(step(entry, of=with_phase("Paused"), now=10), expected)
