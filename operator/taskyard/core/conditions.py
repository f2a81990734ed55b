"""The conditions of a Task: Ready, TemplateResolved, Succeeded; kstatus's Reconciling and Stalled while they hold."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.vocabulary import Phase
from taskyard.core import input_required, ready_reason, text_limits, work_end
from taskyard.core.api_object import Manifest
from taskyard.core.observed import Observed
from taskyard.core.template_resolution import Resolution

HOME_RESIZED = "HomeResized"
CONVERSATION_STORED = "ConversationStored"
OWN = ("Ready", "TemplateResolved", work_end.TYPE, "Reconciling", "Stalled", "Valid", "Resolved", HOME_RESIZED)
# The gateway writes these; a change of the spec does not change them.
OF_GATEWAY = (input_required.TYPE, CONVERSATION_STORED)


@dataclass(frozen=True)
class Verdict:
    """A condition without its times. `holds` is None while that cannot be said: its status is Unknown."""

    type: str
    holds: bool | None
    reason: str
    message: str


def verdicts(
    observed: Observed, *, phase: Phase, resolution: Resolution, state: Manifest | None = None
) -> list[Verdict]:
    """All conditions that a Task in `phase` has; `state` is the one that its status is about to show."""
    end = work_end.of(observed, phase=phase, state=state)
    reason, message = ready_reason.of(observed, phase=phase, resolution=resolution)
    ready = phase is Phase.ACTIVE or (phase is Phase.PAUSED and not ready_reason.is_resuming(observed, resolution))
    stalled = phase is Phase.ERROR
    # What prevents that a failed command is stopped is told first.
    if end.stalls and not (observed.obstacle and phase is not Phase.PAUSED):
        ready, stalled, reason, message = False, True, end.reason, end.message
    result = [
        Verdict("Ready", ready, reason, message),
        Verdict("TemplateResolved", resolution.resolved, resolution.reason, resolution.message),
        Verdict(work_end.TYPE, end.succeeded, end.reason, end.message),
    ]
    if stalled:
        result.append(Verdict("Stalled", True, reason, message))
    elif not ready:
        result.append(Verdict("Reconciling", True, reason, message))
    return result


def render(found: list[Verdict], *, former: list[Manifest], generation: int, now: str) -> list[Manifest]:
    """The conditions as stored; a transition time changes only with the status. Those of other writers stay."""
    before = {condition["type"]: condition for condition in former}
    own = [condition(verdict, before.get(verdict.type), generation=generation, now=now) for verdict in found]
    return own + [condition for condition in former if condition["type"] not in OWN]


def of_generation(former: list[Manifest], generation: int) -> list[Manifest]:
    """The conditions, those of the gateway with this generation: `kubectl wait` does not take one of an earlier
    generation for an answer."""
    return [{**known, "observedGeneration": generation} if known["type"] in OF_GATEWAY else known for known in former]


def condition(verdict: Verdict, former: Manifest | None, *, generation: int, now: str) -> Manifest:
    """One condition as it is stored."""
    status = "Unknown" if verdict.holds is None else str(verdict.holds)
    unchanged = former is not None and former["status"] == status
    return {
        "type": verdict.type,
        "status": status,
        "reason": text_limits.reason(verdict.reason),
        "message": text_limits.message(verdict.message),
        "lastTransitionTime": former["lastTransitionTime"] if former and unchanged else now,
        "observedGeneration": generation,
    }
