"""What a person would say of a Task in every phase, state and end: the table, and its rows' Tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taskyard.core.observed import Observed, Obstacle
from taskyard.core.pod_view import SIDECAR, PodView
from taskyard.core.times import micro
from unit.core.builders import (
    at,
    build,
    container_status,
    observed,
    pod,
    reservation,
    running,
    task,
    template_version,
)
from unit.core.kstatus import CURRENT, FAILED, IN_PROGRESS
from unit.core.situations import failed, starting

HEALTHY, SUSPENDED, PROGRESSING, DEGRADED = "Healthy", "Suspended", "Progressing", "Degraded"
COMMAND = template_version(agent={"container": "agent", "protocol": "Command"})
UNREADY = container_status(SIDECAR, ready=False)
QUOTA = Obstacle("QuotaExceeded", "The build waits for room.")
ENDS_AGAIN = {"agent": container_status(state="waiting", reason="CrashLoopBackOff", restarts=4, last_exit_code=3)}


@dataclass(frozen=True)
class Row:
    """A Task, and what is said of it: its phase, the condition Succeeded, kstatus, and Argo CD's health."""

    id: str
    seen: Observed
    phase: str
    succeeded: str
    kstatus: str
    health: str


def state(name: str, *, build: int = 1, message: str = "it said so") -> dict[str, Any]:
    """`status.state`: a report of a minute ago."""
    return {"state": name, "message": message, "uri": "", "timestamp": micro(at(-60)), "build": build}


def reports(name: str, **fields: Any) -> Observed:
    """A Task whose agent runs and has reported that state."""
    return running(status={"state": state(name), **fields.pop("status", {})}, **fields)


def stopped(phase: str = "Succeeded", *, reason: str = "ManualPause", said: str | None = None, **fields: Any) -> Any:
    """A Task with a stop after its first start; `said` is the last state that was reported."""
    spec = fields.pop("spec", {"paused": reason == "ManualPause"})
    shown = {"phase": "Active", "build": reservation(2, "Stop", reason)} | ({"state": state(said)} if said else {})
    builds = (build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", reason, phase))
    return observed(task(status=shown | fields.pop("status", {}), **spec), builds=builds, **fields)


def command(name: str = "Working", *, code: int | None = None, phase: str = "Running", **fields: Any) -> Observed:
    """A Task whose command runs or, with a `code`, has ended in its Pod, which is in that phase."""
    return reports(name, pods=(command_pod(code, phase),), template_version=COMMAND, **fields)


def command_pod(code: int | None, phase: str = "Running") -> PodView:
    agent = container_status() if code is None else container_status("agent", "terminated", exit_code=code)
    return pod(phase=phase, agent=agent, runs_once=True)


def finished(said: str, *, phase: str = "Succeeded", reason: str = "Finished", **fields: Any) -> Observed:
    """A Task whose command was stopped, by default since it has ended."""
    found: Observed = stopped(phase, reason=reason, said=said, **{"template_version": COMMAND, "spec": {}, **fields})
    return found


def again(phase: str, *, pods: tuple[PodView, ...] = ()) -> Observed:
    """A Task whose command has failed and is started again; its old report is still in the status."""
    shown = {"phase": "Paused", "build": reservation(3, "Start", "Resume", phase), "state": state("Failed")}
    stop = build(2, "Stop", "Finished", "Succeeded")
    builds = (stop, build(3, "Start", "Resume", phase, pod_uid="pod-3" if pods else None))
    workspace = {"workspace": {"sidecarVersion": "0.1.0", "appHealth": "Healthy"}} if pods else {}
    return observed(task(status=shown | workspace), builds=builds, pods=pods, template_version=COMMAND)


NEW_PROMPT, PAUSED_TOO = {"prompt": "mend the roof"}, {"paused": True}
UNBOUND = pod(node=None, phase="Pending", unschedulable="0/1 nodes are available")

BEGINNING = [
    Row("new", observed(), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("no version", observed(template_version=None), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("quota", starting(obstacle=QUOTA), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("reserved", observed(task(status={"build": reservation()})), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("unschedulable", starting(pods=(UNBOUND,)), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row(
        "initializing",
        running(status={"workspace": {}}, pods=(pod(sidecar=UNREADY),)),
        "Initializing",
        "Unknown",
        IN_PROGRESS,
        PROGRESSING,
    ),
    Row("created paused", observed(task(paused=True)), "Paused", "Unknown", CURRENT, SUSPENDED),
]
RUNNING = [
    Row("active, silent", running(), "Active", "Unknown", CURRENT, HEALTHY),
    Row("works", reports("Working"), "Active", "Unknown", CURRENT, HEALTHY),
    Row("idle", reports("Idle"), "Active", "Unknown", CURRENT, HEALTHY),
    Row("is done", reports("Complete"), "Active", "True", CURRENT, HEALTHY),
    Row("gave up", reports("Failed"), "Active", "False", CURRENT, HEALTHY),
    Row(
        "done, then a message", reports("Complete", message_delivered_at=at(-50)), "Active", "Unknown", CURRENT, HEALTHY
    ),
    Row(
        "gave up, then a message",
        reports("Failed", message_delivered_at=at(-50)),
        "Active",
        "Unknown",
        CURRENT,
        HEALTHY,
    ),
    Row("a message, then done", reports("Complete", message_delivered_at=at(-70)), "Active", "True", CURRENT, HEALTHY),
    Row("done, then a key", reports("Complete", delivered_at=at(-50)), "Active", "True", CURRENT, HEALTHY),
    Row("gave up, version gone", reports("Failed", template_version=None), "Active", "False", CURRENT, HEALTHY),
]
STOPPED = [
    Row("pausing", stopped("Pending", pods=(pod(deleting=True),)), "Pausing", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("done, pausing", stopped("Pending", said="Complete"), "Pausing", "True", IN_PROGRESS, PROGRESSING),
    Row("paused", stopped(), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row("paused at work", stopped(said="Working"), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row("paused, no version", stopped(template_version=None), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row("paused for idleness", stopped(reason="AutoPause", said="Idle"), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row(
        "paused for its runtime", stopped(reason="MaxRuntime", said="Working"), "Paused", "Unknown", CURRENT, SUSPENDED
    ),
    Row("done, paused", stopped(said="Complete"), "Paused", "True", CURRENT, HEALTHY),
    Row("done, paused for idleness", stopped(reason="AutoPause", said="Complete"), "Paused", "True", CURRENT, HEALTHY),
    Row(
        "done, paused for its runtime",
        stopped(reason="MaxRuntime", said="Complete"),
        "Paused",
        "True",
        CURRENT,
        HEALTHY,
    ),
    Row("gave up, paused", stopped(said="Failed"), "Paused", "False", CURRENT, SUSPENDED),
    Row(
        "gave up, paused for idleness",
        stopped(reason="AutoPause", said="Failed"),
        "Paused",
        "False",
        CURRENT,
        SUSPENDED,
    ),
    Row(
        "done, a message, paused",
        stopped(said="Complete", message_delivered_at=at(-50)),
        "Paused",
        "Unknown",
        CURRENT,
        SUSPENDED,
    ),
    Row(
        "done, paused, a new prompt",
        stopped(said="Complete", spec=PAUSED_TOO | NEW_PROMPT),
        "Paused",
        "Unknown",
        CURRENT,
        SUSPENDED,
    ),
    Row(
        "done, paused, resumed, no version",
        stopped(said="Complete", spec={}, status={"pausedReason": "Manual"}, template_version=None),
        "Paused",
        "Unknown",
        IN_PROGRESS,
        PROGRESSING,
    ),
]
COMMANDS = [
    Row("command runs", command(), "Active", "Unknown", CURRENT, HEALTHY),
    Row("command says done, runs", command("Complete"), "Active", "Unknown", CURRENT, HEALTHY),
    Row("command says failed, runs", command("Failed"), "Active", "Unknown", CURRENT, HEALTHY),
    Row("command done, Pod not yet", command("Complete", code=0), "Active", "True", CURRENT, HEALTHY),
    Row("command failed, Pod not yet", command("Failed", code=3), "Active", "False", FAILED, DEGRADED),
    Row(
        "command done, untold",
        command(code=0, phase="Succeeded", now=at(9)),
        "Unknown",
        "True",
        IN_PROGRESS,
        PROGRESSING,
    ),
    Row("command failed, untold", command(code=3, phase="Failed", now=at(9)), "Unknown", "False", FAILED, DEGRADED),
    Row("command done, stopping", finished("Complete", phase="Pending"), "Pausing", "True", IN_PROGRESS, PROGRESSING),
    Row("command failed, stopping", finished("Failed", phase="Pending"), "Pausing", "False", FAILED, DEGRADED),
    Row(
        "command failed, its stop waits",
        finished("Failed", phase="Pending", obstacle=QUOTA),
        "Pausing",
        "False",
        IN_PROGRESS,
        PROGRESSING,
    ),
    Row(
        "command failed, stopping, resumed",
        finished("Failed", phase="Pending", resume_requested=True),
        "Pausing",
        "Unknown",
        IN_PROGRESS,
        PROGRESSING,
    ),
    Row("command done", finished("Complete"), "Paused", "True", CURRENT, HEALTHY),
    Row("command failed", finished("Failed"), "Paused", "False", FAILED, DEGRADED),
    Row("command failed, not deleted", finished("Failed", obstacle=QUOTA), "Paused", "False", FAILED, DEGRADED),
    Row("command done, then paused", finished("Complete", spec=PAUSED_TOO), "Paused", "True", CURRENT, HEALTHY),
    Row("command failed, then paused", finished("Failed", spec=PAUSED_TOO), "Paused", "False", FAILED, DEGRADED),
    Row("command failed, version gone", finished("Failed", template_version=None), "Paused", "False", FAILED, DEGRADED),
    Row(
        "command paused",
        finished("Working", reason="ManualPause", spec=PAUSED_TOO),
        "Paused",
        "Unknown",
        CURRENT,
        SUSPENDED,
    ),
    Row("command out of time", finished("Working", reason="MaxRuntime"), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row(
        "command done while it was paused",
        finished("Complete", reason="ManualPause", spec=PAUSED_TOO),
        "Paused",
        "True",
        CURRENT,
        HEALTHY,
    ),
    Row(
        "command said failed, was paused",
        finished("Failed", reason="ManualPause", spec=PAUSED_TOO),
        "Paused",
        "False",
        CURRENT,
        SUSPENDED,
    ),
    Row("command failed, a new prompt", finished("Failed", spec=NEW_PROMPT), "Paused", "Unknown", CURRENT, SUSPENDED),
    Row(
        "command failed, a new version",
        finished("Failed", spec={"templateVersion": "shell-v2"}),
        "Paused",
        "Unknown",
        CURRENT,
        SUSPENDED,
    ),
    Row(
        "command failed, resumed, no version",
        finished("Failed", template_version=None, resume_requested=True),
        "Paused",
        "Unknown",
        IN_PROGRESS,
        PROGRESSING,
    ),
    Row("command failed, starts again", again("Pending"), "Pending", "Unknown", IN_PROGRESS, PROGRESSING),
    Row(
        "command failed, runs again",
        again("Succeeded", pods=(pod(3, runs_once=True),)),
        "Active",
        "Unknown",
        CURRENT,
        HEALTHY,
    ),
]
TROUBLE = [
    Row("Pod lost", running(pods=()), "Unknown", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("Pod deleted", running(pods=(pod(deleting=True),)), "Unknown", "Unknown", IN_PROGRESS, PROGRESSING),
    Row("done, Pod lost", reports("Complete", pods=()), "Unknown", "True", IN_PROGRESS, PROGRESSING),
    Row("unhealthy", running(pods=(pod(sidecar=UNREADY),)), "Error", "Unknown", FAILED, DEGRADED),
    Row("agent ends", running(pods=(pod(sidecar=UNREADY, **ENDS_AGAIN),)), "Error", "Unknown", FAILED, DEGRADED),
    Row("done, unhealthy", reports("Complete", pods=(pod(sidecar=UNREADY),)), "Error", "True", FAILED, DEGRADED),
    Row("gave up, unhealthy", reports("Failed", pods=(pod(sidecar=UNREADY),)), "Error", "False", FAILED, DEGRADED),
    Row("start failed", failed(message="no room"), "Error", "False", FAILED, DEGRADED),
    Row("start canceled", failed("Canceled"), "Error", "Unknown", FAILED, DEGRADED),
]
ROWS = [*BEGINNING, *RUNNING, *STOPPED, *COMMANDS, *TROUBLE]
