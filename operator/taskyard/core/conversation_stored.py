"""The condition ConversationStored: whether the conversation is stored where it can be read without a Pod.

The gateway writes it. It is absent until a snapshot is refused, False while it is, and True once one is stored again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskyard.core import conditions, refusal
from taskyard.core.conditions import Verdict
from taskyard.core.observed import Obstacle

TYPE = conditions.CONVERSATION_STORED
STORED = "SnapshotStored"


def after_refusal(
    former: Sequence[Mapping[str, Any]], obstacle: Obstacle, *, generation: int, now: str
) -> list[dict[str, Any]] | None:
    """The conditions once a snapshot was refused; None when they already say so. A sidecar tries again every few
    seconds, and what others use of a quota changes: that alone is no reason to write."""
    message = (
        "The conversation is not stored: it can be read only while the Task's Pod runs. Each change of it is tried "
        f"again. {obstacle.message}"
    )
    known = find(former)
    if known is not None and known["status"] == "False":
        told = Obstacle(known["reason"], known["message"])
        if not refusal.is_news(Obstacle(obstacle.reason, message), told):
            return None
    return _with(Verdict(TYPE, False, obstacle.reason, message), former, generation=generation, now=now)


def after_success(former: Sequence[Mapping[str, Any]], *, generation: int, now: str) -> list[dict[str, Any]] | None:
    """The conditions once a snapshot was stored; None when they do not deny it."""
    known = find(former)
    if known is None or known["status"] == "True":
        return None
    verdict = Verdict(TYPE, True, STORED, "The conversation is stored again.")
    return _with(verdict, former, generation=generation, now=now)


def find(former: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The condition among those of a Task."""
    return next((condition for condition in former if condition["type"] == TYPE), None)


def _with(verdict: Verdict, former: Sequence[Mapping[str, Any]], *, generation: int, now: str) -> list[dict[str, Any]]:
    known = find(former)
    written = conditions.condition(verdict, dict(known) if known else None, generation=generation, now=now)
    return [*(dict(condition) for condition in former if condition["type"] != TYPE), written]
