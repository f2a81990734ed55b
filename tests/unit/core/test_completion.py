from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.core import status
from taskyard.core.completion import Finish, derived_state, finish, report_deadline
from taskyard.core.decision import KeepPodEnd, Reserve, Rest, decide
from taskyard.core.intent import Intent, intent
from taskyard.core.observed import Observed
from taskyard.core.pod_end import EndCause
from taskyard.core.pod_view import PodView
from taskyard.core.times import micro
from unit.core.builders import (
    NOW,
    at,
    build,
    container_status,
    observed,
    pod,
    pod_end,
    reservation,
    task,
    template_version,
)

COMMAND = template_version(agent={"container": "agent", "protocol": "Command"})


def state(name: str, *, build: int = 1) -> dict[str, Any]:
    return {"state": name, "message": "done", "uri": "", "timestamp": micro(at(1)), "build": build}


def command_pod(code: int | None = 0, *, phase: str = "Succeeded", **fields: Any) -> PodView:
    ended = None if code is None else container_status("agent", "terminated", exit_code=code, finished_at=NOW)
    agent = ended or container_status()
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


def test_the_stop_of_a_finished_command_says_so_though_somebody_pauses_it_too() -> None:
    seen = observation(command_pod(3, phase="Failed"), reported=state("Failed"))
    seen = replace(seen, task=replace(seen.task, paused=True))
    step = decide(seen)
    assert isinstance(step, Reserve)
    assert (step.transition, step.reason) == ("Stop", "Finished")
    assert status.document(seen, reserve=step)["pausedReason"] == "Manual"


def test_a_pause_that_is_taken_back_while_the_workspace_stops_resumes_the_task() -> None:
    seen = paused(status={"pausedReason": "Manual", "phase": "Pausing"})
    stopping = replace(seen, builds=(seen.builds[0], build(2, "Stop", "Finished")), pods=(pod(deleting=True),))
    assert status.document(stopping)["pausedReason"] == "Manual"
    assert intent(stopping) is Intent.RUN


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


def lost(reason: str, *, began_at: float = 0, **fields: Any) -> Observed:
    """A Command Task whose Pod is gone, for a reason that its build tells."""
    seen = observation(**fields)
    kept = build(phase="Succeeded", pod_uid="pod-1", finished_at=NOW, pod_end=pod_end(reason, at=at(began_at)))
    return replace(seen, builds=(kept,))


@pytest.mark.parametrize("reason", ["Unknown", "Evicted", "EvictionByEvictionAPI"])
def test_command_whose_pod_is_lost_is_run_again(reason: str) -> None:
    step = decide(lost(reason, reported=state("Working")))
    assert isinstance(step, Reserve)
    assert (step.transition, step.reason) == ("Start", "Recover")


def test_command_that_has_ended_shows_as_active_until_its_pod_ends() -> None:
    seen = observation(command_pod(0, phase="Running", sidecar=container_status("taskyard-sidecar", ready=False)))
    assert status.document(seen)["phase"] == "Active"


# A disruption that ends the command.


@pytest.mark.parametrize("reason", ["EvictionByEvictionAPI", "DeletionByTaintManager", "NodeShutdown"])
def test_failure_that_a_disruption_caused_is_no_result(reason: str) -> None:
    """K11: the command ended by SIGTERM, and its sidecar reported that before it learned of the Pod's end."""
    seen = lost(reason, began_at=1, reported=state("Failed"))
    assert finish(seen) is None
    assert isinstance(step := decide(seen), Reserve) and step.reason == "Recover"


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(EndCause("EvictionByEvictionAPI", since=at(1)), id="drained"),
        pytest.param(EndCause("DeletionByTaintManager", since=at(-20)), id="a grace period before the report"),
        pytest.param(EndCause("NodeShutdown", since=at(0)), id="its node shut down"),
    ],
)
def test_failure_that_a_disruption_caused_is_no_result_before_the_build_tells_it(cause: EndCause) -> None:
    """K11: the Pod's end and its absence are seen at once, by an operator that has just begun to lead, say."""
    seen = observation(reported=state("Failed"), lost_to=cause, now=at(5))
    assert finish(seen) is None
    step = decide(seen)
    assert isinstance(step, KeepPodEnd) and step.end.cause == cause
    assert step.end.at == cause.since
    told = replace(seen.builds[0], pod_end=step.end)
    step = decide(replace(seen, builds=(told,)))
    assert isinstance(step, Reserve) and step.reason == "Recover"


@pytest.mark.parametrize(
    ("reported", "cause"),
    [
        pytest.param("Failed", EndCause("EvictionByEvictionAPI", since=at(2)), id="failed before that"),
        pytest.param("Failed", EndCause("Deleted", since=at(0)), id="no disruption"),
        pytest.param("Failed", None, id="nobody saw its end"),
        pytest.param("Complete", EndCause("EvictionByEvictionAPI", since=at(0)), id="done all the same"),
    ],
)
def test_result_counts_before_the_build_tells_how_its_pod_ended(reported: str, cause: EndCause | None) -> None:
    """K11"""
    seen = observation(reported=state(reported), lost_to=cause, now=at(5))
    assert finish(seen) == Finish(None)
    step = decide(seen)
    assert isinstance(step, Reserve) and step.reason == "Finished"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(lost("EvictionByEvictionAPI", began_at=2, reported=state("Failed")), id="failed before that"),
        pytest.param(lost("EvictionByEvictionAPI", reported=state("Complete")), id="done all the same"),
        pytest.param(lost("Unknown", reported=state("Failed")), id="no disruption"),
    ],
)
def test_result_that_a_disruption_did_not_cause_counts(seen: Observed) -> None:
    """K11"""
    assert finish(seen) == Finish(None)


# A container that never ends beside the command.


def ended_beside_a_proxy(code: int = 0, **fields: Any) -> Observed:
    """The command has ended NOW, and its Pod goes on."""
    agent = container_status("agent", "terminated", exit_code=code, finished_at=NOW)
    return observation(pod(phase="Running", agent=agent, runs_once=True), **fields)


@pytest.mark.parametrize("code", [0, 7])
def test_report_is_waited_for_a_while_and_then_the_exit_code_is_the_result(code: int) -> None:
    """K17"""
    seen = ended_beside_a_proxy(code)
    assert (finish(seen), decide(seen)) == (None, Rest(until=at(15)))
    late = replace(seen, now=at(15))
    assert finish(late) == Finish(code)
    step = decide(late)
    assert isinstance(step, Reserve) and (step.transition, step.reason) == ("Stop", "Finished")
    shown = status.document(late, reserve=step)["state"]
    assert (shown["state"], shown["build"]) == ("Failed" if code else "Complete", 1)


@pytest.mark.parametrize("ahead", [3600, 16, 10 * 365 * 86_400])
def test_a_nodes_clock_that_is_ahead_does_not_delay_the_end(ahead: float) -> None:
    """K17: `finishedAt` is the node's time, and the operator's clock may take an hour until then."""
    assert finish(replace(ended_beside_a_proxy(7), now=at(-ahead))) == Finish(7)


def test_the_report_of_an_end_at_an_unknown_time_is_not_waited_for() -> None:
    """K17: the kubelet tells no times of a container that it cannot find any more."""
    agent = container_status("agent", "terminated", exit_code=137)
    assert finish(observation(pod(phase="Running", agent=agent, runs_once=True))) == Finish(137)


def test_the_report_is_waited_for_half_a_minute_at_most() -> None:
    """K17: clocks that differ by less than the wait lengthen it."""
    seen = replace(ended_beside_a_proxy(), now=at(-15))
    assert (finish(seen), decide(seen)) == (None, Rest(until=at(15)))
    assert finish(replace(seen, now=at(15))) == Finish(0)


def test_report_that_has_arrived_is_not_waited_for() -> None:
    """K17"""
    seen = ended_beside_a_proxy(reported=state("Complete"))
    assert finish(seen) == Finish(0)
    assert report_deadline(seen) is None


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(observation(command_pod(None, phase="Running")), id="it runs"),
        pytest.param(observation(command_pod(0)), id="the Pod has ended"),
        pytest.param(observation(command_pod(0, deleting=True)), id="the Pod is being deleted"),
        pytest.param(observation(), id="the Pod is gone"),
        pytest.param(observation(command_pod(0, runs_once=False)), id="the Pod restarts it"),
        pytest.param(paused(), id="stopped"),
    ],
)
def test_no_report_is_waited_for(seen: Observed) -> None:
    """K17"""
    assert report_deadline(seen) is None
