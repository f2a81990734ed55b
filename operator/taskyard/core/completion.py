"""The end of an agent that is a command: its exit status is the Task's result, and the workspace stops by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.vocabulary import AgentProtocol, BuildPhase, State, Transition
from taskyard.core import recovery, times
from taskyard.core.api_object import Manifest
from taskyard.core.observed import Observed
from taskyard.core.pod_view import PodView

RESULTS = (State.COMPLETE, State.FAILED)
# How long the sidecar's report of the end is waited for, from the end on, while other containers keep the Pod alive. It
# has the end of the output; the exit code alone does without.
REPORT_WAIT = timedelta(seconds=15)


@dataclass(frozen=True)
class Finish:
    """How the command of the newest build ended; `exit_code` is None when only the sidecar's report is left."""

    exit_code: int | None


def finish(observed: Observed) -> Finish | None:
    """How the command ended; None while it runs, when it was cut short, and for every other kind of agent."""
    build = observed.newest
    if build is None or build.transition is Transition.STOP or build.phase is not BuildPhase.SUCCEEDED:
        return None
    pod = observed.pod_of(build)
    if pod is None:
        is_command = (
            observed.template_version is not None and observed.template_version.protocol == AgentProtocol.COMMAND
        )
        was_disrupted = is_command and was_disrupted_before_its_report(observed)
        return Finish(None) if is_command and is_reported(observed) and not was_disrupted else None
    code = exit_code(pod)
    if code is None:
        return None
    # The sidecar ends after the command; until then its report may still be on its way.
    deadline = report_deadline(observed)
    is_lost = deadline is not None and observed.now >= deadline
    return Finish(code) if pod.ended or is_reported(observed) or is_lost else None


def exit_code(pod: PodView) -> int | None:
    """The result of the Pod's command; None while it runs, and when the Pod's end cut it short."""
    code = pod.agent.exit_code if pod.agent else None
    return None if code is None or not pod.runs_once or pod.deleting or was_cut_short(pod, code) else code


def report_deadline(observed: Observed) -> datetime | None:
    """Until when the report of a command that has ended is waited for, while other containers keep its Pod alive (the
    proxy of a service mesh never ends by itself); None when none is waited for."""
    build = observed.newest
    pod = observed.pod_of(build) if build and build.transition is Transition.START else None
    if pod is None or pod.agent is None or exit_code(pod) is None or pod.ended or is_reported(observed):
        return None
    # The node's clock tells the end. Where it is far ahead, or the kubelet does not know the time (reason
    # ContainerStatusUnknown), nothing says how long the report has been waited for: it mostly comes before the end is
    # seen, and is not waited for then.
    deadline = pod.agent.finished_at + REPORT_WAIT if pod.agent.finished_at else observed.now
    return deadline if deadline <= observed.now + 2 * REPORT_WAIT else observed.now


def was_cut_short(pod: PodView, code: int) -> bool:
    """Whether the Pod ended for a reason of its own, such as an eviction, and took the command with it."""
    return code != 0 and pod.reason is not None


def was_disrupted_before_its_report(observed: Observed) -> bool:
    """Whether a disruption took the Pod, and the command's failure was reported after it had begun: the command was
    ended then, as the Pod was."""
    state, build = observed.task.status.get("state"), observed.newest
    # What ended the Pod may be known before its build tells it.
    end = (build.pod_end if build else None) or recovery.end_to_keep(observed)
    if not state or end is None or not end.cause.is_disruption or state["state"] != State.FAILED:
        return False
    return times.parse(state["timestamp"]) >= end.at


def is_reported(observed: Observed) -> bool:
    """Whether the Task's state is a result of the newest build."""
    state, build = observed.task.status.get("state"), observed.newest
    return bool(state and build and state["build"] == build.number and state["state"] in RESULTS)


def derived_state(observed: Observed) -> Manifest | None:
    """`status.state` of a command whose end the sidecar could not report; None when it is not needed."""
    end, build = finish(observed), observed.newest
    if end is None or end.exit_code is None or build is None or is_reported(observed):
        return None
    done = end.exit_code == 0
    return {
        "state": State.COMPLETE if done else State.FAILED,
        "message": "" if done else f"The command ended with exit code {end.exit_code}",
        "uri": "",
        "timestamp": times.micro(observed.now),
        "build": build.number,
    }
