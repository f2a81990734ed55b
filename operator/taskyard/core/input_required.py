"""The condition InputRequired: what an agent asks, and how to answer. The gateway writes it; the operator makes it
False with the end of the Pod in which the question was asked. Once it was True it is False, not absent, while nothing
is asked: `kubectl wait` takes an absent condition for one that is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from taskyard.core import text_limits, times

TYPE = "InputRequired"
ASKED = "PermissionRequested"
WAITS = "WaitsForInput"
NOT_ASKED = "NothingAsked"
ANSWERS = "spec.answers: "

Conditions = Sequence[Mapping[str, Any]]


def message(*, question: str | None, text: str, options: Sequence[str]) -> str:
    """The question, for people; its id is at the end. Without options it takes any text, and `text` says who waits for
    it; without an id it takes keystrokes alone."""
    if question is None:
        return f"{text.rstrip('.')}. Answer with keystrokes: a TaskInput of type Raw"
    if not options:
        return (
            f"{text.rstrip('.')}. Answer with keystrokes (a TaskInput of type Raw), or with a text in a TaskInput that "
            f"has this id in {ANSWERS}{question}"
        )
    choices = ", ".join(f'"{option}"' for option in options)
    return (
        f"The agent asks: {text.rstrip(' ?.:')}? Possible answers: {choices}, yes or no. "
        f"Answer with a TaskInput that has this id in {ANSWERS}{question}"
    )


def question_id(text: str) -> str:
    """The id of the question in that message; empty for one without."""
    return text.rpartition(ANSWERS)[2] if ANSWERS in text else ""


def asked_at(conditions: Conditions) -> datetime | None:
    """Since when a person is asked; None when nobody is."""
    known = _open(conditions)
    return times.parse(known["lastTransitionTime"]) if known else None


def open_question(conditions: Conditions) -> str | None:
    """What a person is asked, with the id of the question; None when nobody is."""
    known = _open(conditions)
    return known["message"] if known else None


def _open(conditions: Conditions) -> Mapping[str, Any] | None:
    known = next((condition for condition in conditions if condition["type"] == TYPE), None)
    return known if known and known["status"] == "True" else None


def with_question(
    former: Conditions, *, asked: str | None, generation: int, now: str, reason: str = ASKED
) -> list[dict[str, Any]] | None:
    """The conditions with the message `asked`, None when nothing is asked; returns None when they already say so."""
    known = next((condition for condition in former if condition["type"] == TYPE), None)
    if asked is None and known is None:
        return None
    status = "False" if asked is None else "True"
    text = text_limits.message(asked or "The agent asks nothing.")
    if known and (known["status"], known["message"]) == (status, text):
        return None
    unchanged = known is not None and known["status"] == status
    written = {
        "type": TYPE,
        "status": status,
        "reason": reason if asked else NOT_ASKED,
        "message": text,
        "lastTransitionTime": known["lastTransitionTime"] if known and unchanged else now,
        "observedGeneration": generation,
    }
    return [*(dict(condition) for condition in former if condition["type"] != TYPE), written]
