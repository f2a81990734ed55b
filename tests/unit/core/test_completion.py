from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import status
from taskyard.core.completion import Finish, derived_state, finish
from taskyard.core.decision import Reserve, Rest, decide
from taskyard.core.intent import Intent, intent
from taskyard.core.observed import Observed, PodView
from taskyard.core.times import micro
from unit.core.builders import NOW, at, build, container_status, observed, pod, reservation, task, template_version

COMMAND = template_version(agent={"container": "agent", "protocol": "Command"})


def state(name: str, *, build: int = 1) -> dict[str, Any]:
    return {"state": name, "message": "done", "uri": "", "timestamp": micro(at(1)), "build": build}


def command_pod(code: int | None = 0, *, phase: str = "Succeeded", **fields: Any) -> PodView:
    agent = container_status() if code is None else container_status("agent", "terminated", exit_code=code)
    return pod(phase=phase, agent=agent, **{"runs_once": True, **fields})


def observation(*pods: PodView, reported: dict[str, Any] | None = None, **fields: Any) -> Observed:
    """A Command Task whose start build is done."""
    shown: dict[str, Any] = {
        "phase": "Active",
        "build": reservation(phase="Succeeded"),
        "workspace": {"sidecarVersion": "1"},
    }
    if reported:
        shown["state"] = reported
    start = build(phase="Succeeded", pod_uid="pod-1", finished_at=NOW)
    return observed(task(status=shown), builds=(start,), pods=pods, **{"template_version": COMMAND, **fields})


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(observation(command_pod(None, phase="Running")), None, id="it runs"),
        pytest.param(observation(command_pod(0)), Finish(0), id="it has ended well"),
        pytest.param(observation(command_pod(3, phase="Failed")), Finish(3), id="it has failed"),
        pytest.param(observation(command_pod(137, phase="Failed", reason="Evicted")), None, id="it was evicted"),
        pytest.param(
            observation(command_pod(0, phase="Failed", reason="NodeShutdown")), Finish(0), id="done before the node"
        ),
        pytest.param(observation(command_pod(0, deleting=True)), None, id="its Pod is being deleted"),
        pytest.param(observation(command_pod(0, phase="Running")), None, id="the report may be on its way"),
        pytest.param(
            observation(command_pod(0, phase="Running"), reported=state("Complete")),
            Finish(0),
            id="reported, others run on",
        ),
        pytest.param(
            observation(command_pod(None, phase="Running"), reported=state("Complete")), None, id="only its own report"
        ),
        pytest.param(observation(reported=state("Failed")), Finish(None), id="reported, and the Pod is gone"),
        pytest.param(observation(reported=state("Working")), None, id="lost at work"),
        pytest.param(observation(reported=state("Complete", build=0)), None, id="an older report"),
        pytest.param(
            observation(reported=state("Complete"), template_version=template_version()),
            None,
            id="an agent that is no command",
        ),
        pytest.param(
            observation(command_pod(0, runs_once=False), template_version=template_version()),
            None,
            id="a Pod that restarts",
        ),
    ],
)
def test_end_of_a_command(seen: Observed, expected: Finish | None) -> None:
    assert finish(seen) == expected
    assert (intent(seen) is Intent.PAUSE_FINISHED) is (expected is not None)


def test_workspace_of_a_finished_command_is_stopped() -> None:
    seen = observation(command_pod(0), reported=state("Complete"))
    step = decide(seen)
    assert isinstance(step, Reserve)
    assert (step.number, step.transition, step.reason) == (2, "Stop", "Finished")
    shown = status.document(seen, reserve=step)
    assert (shown["phase"], shown["pausedReason"], shown["state"]) == ("Pausing", "Finished", state("Complete"))


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        pytest.param(0, "Complete", "", id="well"),
        pytest.param(9, "Failed", "The command ended with exit code 9", id="failed"),
    ],
)
def test_result_that_nobody_reported_is_read_off_the_pod(code: int, name: str, message: str) -> None:
    seen = observation(command_pod(code), reported=state("Working"))
    assert derived_state(seen) == {
        "state": name,
        "message": message,
        "uri": "",
        "timestamp": micro(NOW),
        "build": 1,
    }


def test_reported_result_stays_as_it_is() -> None:
    assert derived_state(observation(command_pod(1), reported=state("Failed"))) is None


def paused(**fields: Any) -> Observed:
    shown = {
        "phase": "Paused",
        "build": reservation(2, "Stop", "Finished", "Succeeded"),
        "pausedReason": "Finished",
        "state": state("Complete"),
        **fields.pop("status", {}),
    }
    builds = (build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", "Finished", "Succeeded"))
    of = task(status=shown, **fields.pop("task", {}))
    return observed(of, builds=builds, template_version=COMMAND, **fields)


def test_finished_task_stays_paused() -> None:
    seen = paused()
    assert decide(seen) == Rest()
    assert (status.document(seen)["phase"], status.document(seen)["pausedReason"]) == ("Paused", "Finished")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(paused(resume_requested=True), id="an input that resumes"),
        pytest.param(paused(task={"resumed_at": "now"}), id="the annotation"),
        pytest.param(paused(status={"pausedReason": "Manual"}), id="a pause by hand that was withdrawn"),
    ],
)
def test_finished_task_is_run_again(seen: Observed) -> None:
    step = decide(seen)
    assert isinstance(step, Reserve)
    assert (step.number, step.transition, step.reason) == (3, "Start", "Resume")


def test_command_whose_pod_is_lost_is_run_again() -> None:
    step = decide(observation(reported=state("Working")))
    assert isinstance(step, Reserve)
    assert (step.transition, step.reason) == ("Start", "Recover")


def test_command_that_has_ended_shows_as_active_until_its_pod_ends() -> None:
    seen = observation(command_pod(0, phase="Running", sidecar=container_status("taskyard-sidecar", ready=False)))
    assert status.document(seen)["phase"] == "Active"
