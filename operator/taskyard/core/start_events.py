"""When the Events of a Pod that does not start are read, and what its Task then says.

Events are read of a Pod that has a node and has not run yet, and of no other: first half a minute after it got its
node, when most Pods run; once more at the start time-out; in between and afterwards ever more rarely.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from taskyard.api.vocabulary import BuildPhase, Phase, Transition
from taskyard.core import kubectl, start_remedy, text_limits
from taskyard.core.lifecycle import CANNOT_START, AppHealth, app_health, is_hopeless, start_fault
from taskyard.core.observed import Observed
from taskyard.core.pod_view import ContainerView, PodView
from taskyard.core.start_cause import FAILED_PULL, Reading, StartCause
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.core.text_sanitizer import one_line

FIRST_AFTER = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
# At the time-out the Events are read before the Task gives up, so that it says at once why; not longer than this.
READING_TIME = timedelta(seconds=10)

TIMED_OUT = "StartTimeout"
# Between two tries a container is shown with the second of these, whose message may be without the registry's answer.
_PULL_FAULTS = ("ErrImagePull", "ImagePullBackOff")
# The kubelet names the registry's answer beside each try, and between two of them in newer versions only.
_NO_CAUSE = re.compile(r'^Back-off pulling image "[^"]*"\.?$')


def starting_pod(observed: Observed) -> PodView | None:
    """The Pod of the newest start if it has a node and its agent has not answered yet."""
    build = observed.newest
    if build is None or build.transition is Transition.STOP or build.phase is not BuildPhase.SUCCEEDED:
        return None
    pod = observed.pod_of(build)
    if observed.pending_reservation or pod is None or pod.deleting or pod.ended:
        return None
    former = (observed.task.status.get("workspace") or {}).get("appHealth")
    return pod if app_health(pod=pod, former=former) is AppHealth.INITIALIZING else None


def deadline(observed: Observed, pod: PodView) -> datetime | None:
    """When a Pod counts as late; None when its template version is gone."""
    version = observed.template_version
    return pod.created_at + version.start_timeout if version else None


def given_up_at(observed: Observed) -> datetime | None:
    """When a start counts as failed whose agent has never answered: at its deadline, and if the Pod says nothing, once
    its Events were read, be it by another process."""
    pod = starting_pod(observed)
    at = deadline(observed, pod) if pod else None
    if pod is None or at is None:
        return None
    reading = reading_of(observed, pod)
    is_read = observed.task.status.get("phase") == Phase.ERROR or (reading is not None and reading.at >= at)
    return at if is_read or not waits_silently(pod) else at + READING_TIME


def is_late(observed: Observed) -> bool:
    """Whether the newest start has taken longer than its template version allows and the agent has never answered."""
    at = given_up_at(observed)
    return at is not None and observed.now >= at


def is_given_up(observed: Observed) -> bool:
    """Whether a start counts as failed, though it may come good by itself: it is late, or waiting cannot mend it."""
    pod = starting_pod(observed)
    return pod is not None and (is_hopeless(pod) or is_late(observed))


def waits_silently(pod: PodView) -> bool:
    """Whether containers wait and the Pod does not say why."""
    fault = start_fault(pod)
    if fault is not None:
        return lacks_cause(fault)
    if pod.agent and (pod.agent.running or pod.agent.restarts):
        return False
    if any(container.running for container in own_init_containers(pod)):
        return False  # it works, however long
    return not pod.containers or any(not container.running for container in (*pod.init_containers, *pod.containers))


def own_init_containers(pod: PodView) -> list[ContainerView]:
    """The template's init containers."""
    return [container for container in pod.init_containers if container is not pod.sidecar]


def lacks_cause(fault: ContainerView) -> bool:
    """Whether a container that cannot start does not say why."""
    if fault.waiting_reason not in CANNOT_START:
        return False
    return not fault.waiting_message or bool(_NO_CAUSE.match(fault.waiting_message))


def next_reading(observed: Observed) -> datetime | None:
    """When the Events of the Pod are to be read the next time; None when they are not."""
    pod, build = starting_pod(observed), observed.newest
    if pod is None or build is None or not waits_silently(pod):
        return None
    late_at = deadline(observed, pod)
    reading = reading_of(observed, pod)
    if reading is None:
        first = (build.finished_at or pod.created_at) + FIRST_AFTER
        return min(first, late_at) if late_at else first
    due = reading.at + next_pause(reading)
    return min(due, late_at) if late_at and reading.at < late_at else due


def next_pause(reading: Reading) -> timedelta:
    """The pause after a reading, which grows."""
    return min(FIRST_AFTER * (1 << min(reading.number, 8)), LONGEST_PAUSE)


def reading_of(observed: Observed, pod: PodView) -> Reading | None:
    """The last reading of this Pod's Events."""
    reading = observed.reading
    return reading if reading and reading.uid == pod.uid else None


def pull_error(observed: Observed, fault: ContainerView) -> str:
    """What the registry answered, in the words of an Event, for a container whose status does not say it."""
    pod = starting_pod(observed)
    if pod is None or not lacks_cause(fault):
        return ""
    reading = reading_of(observed, pod)
    if reading is None:
        return known_pull_error(observed, fault)
    return reading.cause.note if reading.cause and reading.cause.reason == FAILED_PULL else ""


def known_pull_error(observed: Observed, fault: ContainerView) -> str:
    """What the Task says already that the registry answered."""
    reason, message = former_ready(observed)
    are_pulls = reason in _PULL_FAULTS and fault.waiting_reason in _PULL_FAULTS
    if not are_pulls or not fault.waiting_message or not message.startswith(cannot_start(fault)):
        return ""
    known = message.removeprefix(cannot_start(fault)).partition(f". {start_remedy.PULLED_AGAIN}")[0]
    if known.startswith(said(fault)):
        repeated = f"{said(fault)}: "
        return known.removeprefix(repeated) if known.startswith(repeated) else ""
    return "" if _NO_CAUSE.match(known) else known


def explanation(observed: Observed) -> tuple[str, str] | None:
    """Reason and message of the condition Ready of a Pod that does not start; None while there is nothing to tell."""
    pod = starting_pod(observed)
    if pod is None:
        return None
    reading = reading_of(observed, pod) if waits_silently(pod) else None
    if reading and reading.cause:
        return reading.cause.reason, f"{does_not_start(pod)}{told(reading.cause, pod)}"
    known = known_explanation(observed, pod)
    if known:
        return known
    version = observed.template_version
    if version is None or not is_late(observed):
        return None
    return TIMED_OUT, f"{has_not_answered(version)}{state(observed, pod)}"


def known_explanation(observed: Observed, pod: PodView) -> tuple[str, str] | None:
    """What the Task says already if it is from the Events, and this process has read none yet: it is told until they
    are read, which is due by then, so that a restart changes nothing."""
    if reading_of(observed, pod) or not waits_silently(pod):
        return None
    reason, message = former_ready(observed)
    if message.startswith(does_not_start(pod)):
        return reason, message
    version = observed.template_version
    if version is None or reason != TIMED_OUT or not is_late(observed):
        return None
    return (reason, message) if message.startswith(f"{has_not_answered(version)}{waits(pod)}") else None


def former_ready(observed: Observed) -> tuple[str, str]:
    """Reason and message of the condition Ready so far; empty when there is none."""
    found = next((c for c in observed.task.status.get("conditions") or () if c["type"] == "Ready"), None)
    return (found["reason"], found["message"]) if found else ("", "")


def does_not_start(pod: PodView) -> str:
    """How a cause from the Events begins."""
    return f"Pod {pod.name} does not start: "


def cannot_start(fault: ContainerView) -> str:
    """How the cause of a container that cannot start begins."""
    return f"Container {fault.name} cannot start: "


def has_not_answered(version: TemplateVersionView) -> str:
    """How the time-out's message begins."""
    seconds = int(version.start_timeout.total_seconds())
    return f"The agent has not answered within {seconds} s of its Pod's creation: "


def waits(pod: PodView) -> str:
    """How the state of a Pod that says nothing begins."""
    return f"containers wait on node {pod.node}"


def told(cause: StartCause, pod: PodView) -> str:
    """A cause with its remedy."""
    return f"{cause.note.rstrip('. ')}. {start_remedy.of_cause(cause, pod)}"


def said(fault: ContainerView) -> str:
    """The kubelet's words about a container that waits, in one line; empty if there are none."""
    return text_limits.quoted(one_line(fault.waiting_message or ""))


def state(observed: Observed, pod: PodView) -> str:
    """Where a late start stands, and where to look."""
    describe = kubectl.describe_pod(pod)
    agent, sidecar = pod.agent, pod.sidecar
    at_work = next((container for container in own_init_containers(pod) if container.running), None)
    if at_work:
        return f"init container {at_work.name} still runs. Its output: {kubectl.logs(pod, at_work.name)}"
    if waits_silently(pod):
        reading = reading_of(observed, pod)
        refusal = f". The operator cannot read them: {reading.refusal}" if reading and reading.refusal else ""
        stage = f" ({reading.progress.rstrip('. ')})" if reading and reading.progress else ""
        return f"{waits(pod)}{stage}. The Pod's Events say more: {describe}{refusal}"
    if agent and agent.running and sidecar and sidecar.running:
        if "sidecarVersion" not in (observed.task.status.get("workspace") or {}):
            return (
                "the sidecar has not reached the gateway; check that, and the network between them. The sidecar's log: "
                f"{kubectl.logs(pod, sidecar.name)}"
            )
        return f"the agent runs. Its output: {kubectl.logs(pod, agent.name)}"
    return f"see {describe}."
