"""Why a step cannot be done now."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Verdict, Wait


@dataclass(frozen=True)
class Blocked:
    """The step cannot be done now, for a cause that the Task's status names; try again after `seconds`."""

    obstacle: Obstacle
    seconds: float


def blocked_by(verdict: Verdict | None) -> Blocked | None:
    """What a refusal makes of a step; None when it does not make it wait."""
    return Blocked(verdict.obstacle, verdict.seconds) if isinstance(verdict, Wait) else None
