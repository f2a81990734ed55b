"""Whether a Task should run or be paused, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskyard.core.intent import (
    Intent,
    automatic_pause,
    deletion_deadline,
    idle_deadline,
    intent,
    is_woken,
    runtime_deadline,
)
from taskyard.core.observed import Observed
from taskyard.core.times import MAX_DURATION, rfc3339
from unit.core.builders import NOW, at, build, observed, reservation, running, task, template_version

IDLE = {"state": "Idle", "message": "", "uri": "", "timestamp": rfc3339(NOW), "build": 1}


def resting(*, state: dict[str, Any] | None = None, now: float = 0, **spec: Any) -> Observed:
    """An active Task that became idle at NOW and has an idle timeout of a minute."""
    return running(
        status={"state": IDLE | (state or {})},
        of={"idleTimeout": "1m", **spec},
        now=at(now),
    )


def auto_paused(*, status: dict[str, Any] | None = None, **fields: Any) -> Observed:
    resume_requested = fields.pop("resume_requested", False)
    state = {"phase": "Paused", "build": reservation(2, "Stop", "AutoPause", "Succeeded"), **(status or {})}
    return observed(task(status=state, **fields), resume_requested=resume_requested)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param("Idle", at(60), id="idle"),
        pytest.param("Complete", at(60), id="complete"),
        pytest.param("Failed", at(60), id="failed"),
        pytest.param("Working", None, id="working has no deadline"),
    ],
)
def test_the_deadline_is_the_last_report_of_rest_plus_the_timeout(state: str, expected: object) -> None:
    assert idle_deadline(resting(state={"state": state})) == expected


def asked(*, since: float, holds: str = "True") -> dict[str, Any]:
    condition = {"type": "InputRequired", "status": holds, "lastTransitionTime": rfc3339(at(since))}
    return {"conditions": [condition], "state": IDLE | {"state": "Working", "message": "Asks: go on?"}}


def waiting(status: dict[str, Any], *, protocol: str = "Terminal") -> Observed:
    version = template_version(agent={"container": "agent", "protocol": protocol})
    return running(status=status, of={"idleTimeout": "1m"}, template_version=version)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(waiting(asked(since=30)), at(90), id="from the question on"),
        pytest.param(waiting(asked(since=-30)), at(60), id="from a report after it on"),
        pytest.param(waiting(asked(since=30, holds="False")), None, id="a question that was answered"),
        pytest.param(waiting(asked(since=30), protocol="ACP"), None, id="a question in a turn over ACP"),
    ],
)
def test_a_terminals_program_that_waits_for_a_person_does_not_work(seen: Observed, expected: object) -> None:
    """T3"""
    assert idle_deadline(seen) == expected


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        pytest.param(30, at(90), id="an input since then counts, though no report came of it yet"),
        pytest.param(-30, at(60), id="one before does not"),
        pytest.param(3600, at(3660), id="one that waited beyond the deadline is not answered by a pause"),
    ],
)
def test_an_input_that_was_delivered_puts_the_deadline_off(delivered: float, expected: object) -> None:
    seen = replace(resting(now=delivered), delivered_at=at(delivered))
    assert idle_deadline(seen) == expected
    assert intent(seen) is Intent.RUN


def test_a_finished_task_that_just_got_an_input_is_not_deleted() -> None:
    state = {"state": IDLE | {"state": "Complete"}}
    seen = running(status=state, of={"ttlSecondsAfterFinished": 60}, delivered_at=at(59))
    assert deletion_deadline(seen) == at(119)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(running(status={"state": IDLE}), id="no timeout"),
        pytest.param(resting(idleTimeout="0s"), id="0s is never"),
        pytest.param(resting(state={"build": 2}), id="a report of another build"),
        pytest.param(running(of={"idleTimeout": "1m"}), id="no report yet"),
        pytest.param(running(status={"state": IDLE}, of={"idleTimeout": "1m"}, inputs_queued=1), id="inputs wait"),
        pytest.param(running(status={"state": IDLE, "phase": "Error"}, of={"idleTimeout": "1m"}), id="not active"),
        pytest.param(observed(task(idleTimeout="1m", status={"phase": "Active", "state": IDLE})), id="no build"),
    ],
)
def test_there_is_no_deadline(seen: Observed) -> None:
    assert idle_deadline(seen) is None


@pytest.mark.parametrize(
    ("own", "templates", "expected"),
    [
        pytest.param(None, "2m", at(120), id="the template version's counts"),
        pytest.param("1m", "2m", at(60), id="the Task's own counts more"),
        pytest.param("0s", "2m", None, id="the Task can switch it off"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_whose_timeout_counts(own: str | None, templates: str | None, expected: object) -> None:
    seen = running(
        status={"state": IDLE},
        of={"idleTimeout": own} if own else {},
        template_version=template_version(idleTimeout=templates),
    )
    assert idle_deadline(seen) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(59, Intent.RUN, id="before the deadline"),
        pytest.param(60, Intent.PAUSE_IDLE, id="at the deadline"),
        pytest.param(3600, Intent.PAUSE_IDLE, id="long after it"),
    ],
)
def test_an_idle_task_pauses_at_its_deadline(now: float, expected: Intent) -> None:
    assert intent(resting(now=now)) is expected


def test_a_pause_by_hand_takes_precedence() -> None:
    assert intent(resting(now=3600, paused=True)) is Intent.PAUSE_ASKED
    assert intent(auto_paused(paused=True, resume_requested=True)) is Intent.PAUSE_ASKED


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(None, None, id="no build"),
        pytest.param(reservation(2, "Stop", "AutoPause"), Intent.PAUSE_IDLE, id="an automatic stop, done or not"),
        pytest.param(reservation(2, "Stop", "MaxRuntime"), Intent.PAUSE_RUNTIME, id="one for the longest runtime"),
        pytest.param(reservation(2, "Stop", "ManualPause"), None, id="a stop that was asked for"),
        pytest.param(reservation(2, "Start", "Resume"), None, id="a start"),
    ],
)
def test_the_newest_build_tells_whether_the_pause_was_automatic(
    build: dict[str, Any] | None, expected: Intent | None
) -> None:
    status = {"phase": "Paused"} | ({"build": build} if build else {})
    assert automatic_pause(observed(task(status=status))) is expected


@pytest.mark.parametrize(
    ("seen", "woken"),
    [
        pytest.param(auto_paused(), False, id="nothing asks"),
        pytest.param(auto_paused(resume_requested=True), True, id="an input that resumes"),
        pytest.param(auto_paused(resumed_at="noon"), True, id="the annotation, for the first time"),
        pytest.param(
            auto_paused(resumed_at="noon", status={"observedResumedAt": "morning"}), True, id="a new annotation"
        ),
        pytest.param(
            auto_paused(resumed_at="noon", status={"observedResumedAt": "noon"}), False, id="an annotation acted on"
        ),
        pytest.param(auto_paused(status={"observedResumedAt": "noon"}), False, id="the annotation was removed"),
        pytest.param(auto_paused(status={"pausedReason": "Manual"}), True, id="a pause by hand that was withdrawn"),
        pytest.param(auto_paused(status={"pausedReason": "IdleTimeout"}), False, id="the automatic pause itself"),
    ],
)
def test_what_resumes_an_automatically_paused_task(seen: Observed, woken: bool) -> None:
    assert is_woken(seen) is woken
    assert intent(seen) is (Intent.RUN if woken else Intent.PAUSE_IDLE)


# The longest runtime


def started(phase: str = "Succeeded", *, now: float = 0, **fields: Any) -> Observed:
    """A Task that may run for a minute; its start ended ten seconds after NOW."""
    seen = running(
        of={"maxRuntime": "1m", **fields.pop("spec", {})}, status=fields.pop("status", None), now=at(now), **fields
    )
    newest = build(phase=phase, pod_uid="pod-1", finished_at=at(10) if phase == "Succeeded" else None)
    return replace(seen, builds=(newest,))


@pytest.mark.parametrize(
    ("seen", "deadline"),
    [
        pytest.param(started(), at(70), id="the end of the start plus the longest runtime"),
        pytest.param(started(inputs_queued=1), at(70), id="inputs that wait do not put it off"),
        pytest.param(started(status={"state": IDLE | {"state": "Working"}}), at(70), id="nor does an agent that works"),
        pytest.param(started(status={"phase": "Error"}), at(70), id="nor an agent that does not answer"),
        pytest.param(started(pods=()), at(70), id="nor a Pod that is lost"),
        pytest.param(started(spec={"maxRuntime": None}), None, id="no longest runtime"),
        pytest.param(started(spec={"maxRuntime": "0s"}), None, id="0s is never"),
        pytest.param(started("Pending"), None, id="it has not started yet"),
        pytest.param(started("Failed"), None, id="it could not start"),
        pytest.param(observed(task(maxRuntime="1m")), None, id="no build"),
        pytest.param(
            replace(started(), builds=(build(2, "Stop", "ManualPause", "Succeeded", finished_at=at(10)),)),
            None,
            id="it is stopped",
        ),
    ],
)
def test_when_a_task_has_run_as_long_as_it_may(seen: Observed, deadline: object) -> None:
    assert runtime_deadline(seen) == deadline


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(69, Intent.RUN, id="before the deadline"),
        pytest.param(70, Intent.PAUSE_RUNTIME, id="at the deadline"),
        pytest.param(10**6, Intent.PAUSE_RUNTIME, id="long after it"),
    ],
)
def test_a_task_pauses_when_it_has_run_as_long_as_it_may(now: float, expected: Intent) -> None:
    assert intent(started(now=now)) is expected


def test_a_recovery_restarts_the_whole_time() -> None:
    again = build(2, reason="Recover", phase="Succeeded", finished_at=at(50))
    assert runtime_deadline(replace(started(), builds=(*started().builds, again))) == at(110)


def test_of_two_reasons_to_pause_idleness_is_named() -> None:
    both = started(now=3600, spec={"idleTimeout": "1m"}, status={"state": IDLE})
    assert intent(both) is Intent.PAUSE_IDLE


def test_a_pause_for_the_longest_runtime_lasts_until_something_resumes_it() -> None:
    stopped = {"build": reservation(2, "Stop", "MaxRuntime", "Succeeded"), "pausedReason": "MaxRuntime"}
    assert intent(auto_paused(status=stopped, maxRuntime="1m")) is Intent.PAUSE_RUNTIME
    assert intent(auto_paused(status=stopped, maxRuntime="1m", resumed_at="noon")) is Intent.RUN
    assert intent(auto_paused(status=stopped, maxRuntime="1m", paused=True)) is Intent.PAUSE_ASKED


# The time to live after the end


def ended(state: dict[str, Any] | None, seconds: int | None = 60, **fields: Any) -> Observed:
    status = {"state": IDLE | state} if state is not None else {}
    spec = {} if seconds is None else {"ttlSecondsAfterFinished": seconds}
    return running(status=status | fields.pop("status", {}), of=spec, **fields)


@pytest.mark.parametrize(
    ("seen", "deadline"),
    [
        pytest.param(ended({"state": "Complete"}), at(60), id="complete"),
        pytest.param(ended({"state": "Failed"}), at(60), id="failed"),
        pytest.param(ended({"state": "Complete"}, 0), at(0), id="at once"),
        pytest.param(
            ended({"state": "Complete"}, status={"phase": "Paused"}), at(60), id="whether it is paused or not"
        ),
        pytest.param(ended({"state": "Idle"}), None, id="it rests"),
        pytest.param(ended({"state": "Working"}), None, id="it works"),
        pytest.param(ended(None), None, id="it has said nothing"),
        pytest.param(ended({"state": "Complete"}, None), None, id="it is kept: that is the default"),
        pytest.param(ended({"state": "Complete"}, inputs_queued=1), None, id="inputs wait for it"),
        pytest.param(ended({"state": "Complete"}, 10**30), at(10**9), id="longer than anything lives"),
    ],
)
def test_when_a_finished_task_is_deleted(seen: Observed, deadline: object) -> None:
    assert deletion_deadline(seen) == deadline
    assert deadline is None or timedelta(seconds=10**9) <= MAX_DURATION
