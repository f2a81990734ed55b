"""Whether a Task is to run or to be paused, and why."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.intent import Intent, automatic_pause, idle_deadline, intent, is_woken
from taskyard.core.observed import Observed
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, at, observed, reservation, running, task, template

IDLE = {"state": "Idle", "message": "", "uri": "", "timestamp": rfc3339(NOW), "build": 1}


def resting(*, state: dict[str, Any] | None = None, now: float = 0, **spec: Any) -> Observed:
    """An active Task that rested at NOW and has an idle timeout of a minute."""
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
        template=template(idleTimeout=templates),
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


def test_the_persons_word_comes_first() -> None:
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
        pytest.param(auto_paused(status={"pausedReason": "Manual"}), True, id="a pause by hand that was taken back"),
        pytest.param(auto_paused(status={"pausedReason": "IdleTimeout"}), False, id="the automatic pause itself"),
    ],
)
def test_what_wakes_an_automatically_paused_task(seen: Observed, woken: bool) -> None:
    assert is_woken(seen) is woken
    assert intent(seen) is (Intent.RUN if woken else Intent.PAUSE_IDLE)
