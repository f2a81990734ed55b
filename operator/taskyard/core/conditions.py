"""The conditions of a Task: Ready, TemplateResolved, and kstatus's Reconciling and Stalled while they hold."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.task import Phase
from taskyard.core import ready_reason
from taskyard.core.observed import Manifest, Observed
from taskyard.core.template_resolution import Resolution

OWN = ("Ready", "TemplateResolved", "Reconciling", "Stalled", "Valid", "Resolved")


@dataclass(frozen=True)
class Verdict:
    """A condition without its times."""

    type: str
    holds: bool
    reason: str
    message: str


def verdicts(observed: Observed, *, phase: Phase, resolution: Resolution) -> list[Verdict]:
    """All conditions that a Task in `phase` has."""
    reason, message = ready_reason.of(observed, phase=phase, resolution=resolution)
    ready = phase is Phase.ACTIVE or (phase is Phase.PAUSED and not ready_reason.is_resuming(observed, resolution))
    result = [
        Verdict("Ready", ready, reason, message),
        Verdict("TemplateResolved", resolution.resolved, resolution.reason, resolution.message),
    ]
    if phase is Phase.ERROR:
        result.append(Verdict("Stalled", True, reason, message))
    elif not ready:
        result.append(Verdict("Reconciling", True, reason, message))
    return result


def render(found: list[Verdict], *, former: list[Manifest], generation: int, now: str) -> list[Manifest]:
    """The conditions as stored; a transition time changes only with the status. Those of other writers stay."""
    before = {condition["type"]: condition for condition in former}
    own = [condition(verdict, before.get(verdict.type), generation=generation, now=now) for verdict in found]
    return own + [condition for condition in former if condition["type"] not in OWN]


def condition(verdict: Verdict, former: Manifest | None, *, generation: int, now: str) -> Manifest:
    """One condition as it is stored."""
    status = "True" if verdict.holds else "False"
    unchanged = former is not None and former["status"] == status
    return {
        "type": verdict.type,
        "status": status,
        "reason": verdict.reason,
        "message": verdict.message,
        "lastTransitionTime": former["lastTransitionTime"] if former and unchanged else now,
        "observedGeneration": generation,
    }
