"""The end of the work, as the condition Succeeded has it. Which states it has is in test_ends.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.core import status
from taskyard.core.decision import Reserve, decide
from taskyard.core.observed import Observed
from taskyard.core.times import rfc3339
from unit.core.builders import at, merge, running
from unit.core.ends import QUOTA, command, finished, reports, state
from unit.core.situations import failed

HOUR_AGO = rfc3339(at(-3600))


def conditions(seen: Observed, **fields: Any) -> dict[str, dict[str, Any]]:
    """The conditions of the status document, by type."""
    return {condition["type"]: condition for condition in status.document(seen, **fields)["conditions"]}


def succeeded(seen: Observed, **fields: Any) -> tuple[str, str, str]:
    """Status, reason and message of Succeeded."""
    found = conditions(seen, **fields)["Succeeded"]
    return found["status"], found["reason"], found["message"]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(running(), ("Unknown", "NotFinished", "The work has not ended."), id="it works"),
        pytest.param(reports("Complete"), ("True", "Complete", "it said so"), id="done"),
        pytest.param(reports("Failed"), ("False", "Failed", "it said so"), id="given up"),
        pytest.param(
            running(status={"state": state("Complete", message="")}),
            ("True", "Complete", "The work is done."),
            id="done, without a word",
        ),
        pytest.param(
            failed(message="no node took it."),
            ("False", "BuildFailed", "Build web-1 failed: no node took it."),
            id="a start that failed",
        ),
    ],
)
def test_what_the_condition_says(seen: Observed, expected: tuple[str, str, str]) -> None:
    """K8"""
    assert succeeded(seen) == expected


def test_a_failed_command_says_how_it_ended_and_how_to_run_it_again() -> None:
    """K8"""
    seen = finished("Failed", status={"state": state("Failed", message="Exit status 3: no such file")})
    found = conditions(seen)
    told = (
        "The command failed: Exit status 3: no such file. To run it again, resume the Task: set the annotation "
        "taskyard.dev/resumed-at to a new value, or send a TaskInput that has resume: true."
    )
    for kind, holds in (("Succeeded", "False"), ("Ready", "False"), ("Stalled", "True")):
        condition = found[kind]
        assert (condition["status"], condition["reason"], condition["message"]) == (holds, "CommandFailed", told)
    assert "Reconciling" not in found


def test_a_failed_command_that_somebody_paused_as_well_is_resumed_by_its_spec() -> None:
    found = conditions(finished("Failed", spec={"paused": True}))
    assert "resume the Task: set spec.paused to false." in found["Stalled"]["message"]


def test_what_keeps_the_stop_of_a_failed_command_is_told_first() -> None:
    found = conditions(finished("Failed", phase="Pending", obstacle=QUOTA))
    assert found["Ready"]["reason"] == found["Reconciling"]["reason"] == "QuotaExceeded"
    assert (found["Succeeded"]["status"], found["Succeeded"]["reason"]) == ("False", "CommandFailed")


@pytest.mark.parametrize("name", ["Complete", "Failed"])
def test_an_interactive_agents_end_leaves_ready_and_stalled_as_they_were(name: str) -> None:
    """K8"""
    before, after = conditions(reports("Working")), conditions(reports(name))
    assert after["Ready"] == before["Ready"]
    assert "Stalled" not in after


def after(former: Observed, **changes: Any) -> dict[str, Any]:
    """Succeeded in the next status document, an hour after the former one; `changes` are made to the status."""
    written = merge(former.task.status, status.patch(former.task.status, status.document(former)))
    written["conditions"] = [{**c, "lastTransitionTime": HOUR_AGO} for c in written["conditions"]]
    task = replace(former.task, status=merge(written, changes))
    return conditions(replace(former, task=task))["Succeeded"]


def test_new_work_returns_it_to_unknown() -> None:
    """K8"""
    ended = after(reports("Failed"), state=state("Working"))
    assert (ended["status"], ended["lastTransitionTime"]) == ("Unknown", rfc3339(at(0)))


def test_another_word_about_the_same_end_keeps_the_time() -> None:
    ended = after(reports("Failed"), state=state("Failed", message="it is hopeless"))
    assert (ended["status"], ended["message"], ended["lastTransitionTime"]) == ("False", "it is hopeless", HOUR_AGO)


def test_reports_of_work_change_nothing_about_it() -> None:
    """So that they cause no write of the operator's."""
    assert after(reports("Working"), state=state("Idle", message="and now?")) == after(reports("Working"))


@pytest.mark.parametrize(
    ("said", "code", "holds"),
    [pytest.param("Complete", 0, "True", id="well"), pytest.param("Failed", 3, "False", id="ill")],
)
def test_an_end_counts_from_the_reservation_of_its_stop_on(said: str, code: int, holds: str) -> None:
    seen = command(said, code=code)
    step = decide(seen)
    assert isinstance(step, Reserve)
    found = conditions(seen, reserve=step)
    assert (found["Succeeded"]["status"], "Stalled" in found) == (holds, holds == "False")


def test_a_resume_ends_it_with_the_reservation_of_the_start() -> None:
    """K8"""
    seen = finished("Failed", resume_requested=True)
    step = decide(seen)
    assert isinstance(step, Reserve)
    found = conditions(seen, reserve=step)
    assert (found["Succeeded"]["status"], found["Ready"]["reason"], "Stalled" in found) == ("Unknown", "Pending", False)
    assert "Reconciling" in found
