"""What follows when the API server refuses something that Taskyard makes or changes: one table for all of it.

A refusal is waited for while waiting can mend it, fails the build that needs the object where only a person can, or is
told while the work goes on. Kubernetes answers most of them with 403 Forbidden, so often only the text tells them
apart. An answer that the table does not know (no answer at all, an overloaded server, a conflict) is no refusal:
the same is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from taskyard.core.observed import Obstacle
from taskyard.core.text_limits import quoted

# A quota is looked at this often: a Task goes on within five seconds of room for it.
QUOTA_SECONDS = 4.0
PERSON_SECONDS = 30.0
# Kinds without which a start has failed, since a person has to mend them; their build can say so.
PARTS_OF_A_START = ("Pod", "PersistentVolumeClaim")
# Kinds that the work does not depend on.
BESIDE_THE_WORK = ("Event",)

QUOTA_EXCEEDED = "QuotaExceeded"

OPERATOR, GATEWAY = "operator", "gateway"
REMEDY = "Fix the cause or use another template version"
AGAIN = "then pause and resume the Task."


@dataclass(frozen=True)
class Answer:
    """What the API server answered: HTTP status, and reason, message and causes of its `Status`."""

    status: int
    message: str
    reason: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """What was refused: `verb` is create, update or delete, `by` is the process that tried. `is_needed` is False where
    the work goes on without it: what is deleted only because it is no longer needed."""

    verb: str
    kind: str
    name: str
    by: str = OPERATOR
    is_needed: bool = True

    @property
    def what(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Wait:
    """Show the obstacle and try again after so many seconds."""

    obstacle: Obstacle
    seconds: float


@dataclass(frozen=True)
class Fail:
    """The build has failed, for this cause."""

    message: str


@dataclass(frozen=True)
class GoOn:
    """Tell it, and go on without the object."""

    message: str


Verdict = Wait | Fail | GoOn


@dataclass(frozen=True)
class Row:
    """One kind of refusal that waiting can mend. `says` stands before the API server's words, `helps` behind them."""

    reason: str
    says: str
    helps: str
    seconds: float
    statuses: Collection[int]
    pattern: str = ""
    cause: str = ""

    def fits(self, answer: Answer) -> bool:
        """Whether an answer is of this kind."""
        if answer.status not in self.statuses or (self.cause and self.cause not in answer.causes):
            return False
        return re.search(self.pattern, answer.message) is not None


FORBIDDEN = (403,)
FAULTS = range(500, 600)
ERRORS = range(400, 600)
# What the API server refuses whatever else happens; a webhook or a policy chooses its own status.
REFUSALS = (400, 403, 413, 422)
DENIED = r"denied (the )?request"


def _webhook_fails(statuses: Collection[int], pattern: str) -> Row:
    return Row(
        "WebhookFailed",
        "The {kind} waits for an admission webhook of this cluster, which fails",
        "An administrator can mend the webhook, or change its failurePolicy.",
        QUOTA_SECONDS,
        statuses,
        pattern=pattern,
    )


TABLE = (
    Row(
        "NamespaceTerminating",
        "The namespace is being deleted",
        "Use another namespace, or create this one again when it is gone.",
        PERSON_SECONDS,
        FORBIDDEN,
        cause="NamespaceTerminating",
    ),
    Row(
        QUOTA_EXCEEDED,
        "The {kind} waits for room in the namespace's quota",
        "Raise the quota, or make room in it.",
        QUOTA_SECONDS,
        FORBIDDEN,
        # The last is said until a new quota has been counted for the first time.
        pattern="exceeded quota|insufficient quota|status unknown for quota",
    ),
    Row(
        # A namespace's service accounts are created a moment after it.
        "ServiceAccountMissing",
        "The {kind} waits for its service account",
        "Create the service account.",
        QUOTA_SECONDS,
        FORBIDDEN,
        pattern="error looking up service account",
    ),
    Row(
        "{By}Forbidden",
        "The {by} may not {verb} a {kind} here",
        "Grant it the right, as the chart's ClusterRole does.",
        QUOTA_SECONDS,
        FORBIDDEN,
        pattern=r'User "[^"]*" cannot \w+ resource',
    ),
    Row(
        "APIServerNotReady",
        "The {kind} waits for the API server",
        "It goes on by itself; if it does not, see the API server's log.",
        QUOTA_SECONDS,
        FORBIDDEN,
        pattern="not yet ready to handle request|at this time because there was an error enforcing limit ranges",
    ),
    # Whatever status it comes with, a webhook that is not reached says nothing about the object. The API server answers
    # with 500; where another webhook, or a program in between, passes that on as its own denial, with 403 or any other.
    _webhook_fails(ERRORS, r"fail(ed|ure) (calling|to call) webhook|error calling webhook"),
    # A denial is a webhook's word, unless its status says that it could not decide.
    _webhook_fails((408, 429, *FAULTS), r"admission webhook .* denied the request"),
)


def of(answer: Answer, attempt: Attempt, *, remedy: str | None = None) -> Verdict | None:
    """What follows; None for an answer that is no refusal. `remedy` is what helps, where that is known better than
    here: a sentence without its end."""
    row = next((row for row in TABLE if row.fits(answer)), None)
    if row is None and not is_refusal(answer):
        return None
    if attempt.kind in BESIDE_THE_WORK or not attempt.is_needed:
        done = "deleted" if attempt.verb == "delete" else "written"
        return GoOn(f"{attempt.what} is not {done}: {quoted(answer.message)}")
    if row is not None:
        return Wait(Obstacle(_filled(row.reason, attempt), _told(row, answer, attempt)), row.seconds)
    if attempt.verb == "create" and attempt.kind in PARTS_OF_A_START:
        return Fail(f"the API server refuses {attempt.what}: {answer_text(answer)} {remedy or REMEDY}; {AGAIN}")
    return Wait(
        Obstacle(
            f"{attempt.kind}Refused",
            f"The API server refuses to {attempt.verb} {attempt.what}: {answer_text(answer)} Change the rule that "
            "refuses it; it is tried again by itself.",
        ),
        PERSON_SECONDS,
    )


def is_refusal(answer: Answer) -> bool:
    """Whether the object itself was refused, rather than not looked at: only another object, or another rule, helps."""
    return answer.status in REFUSALS or (400 <= answer.status < 500 and is_denied(answer))


def is_denied(answer: Answer) -> bool:
    """Whether a policy or a webhook says no. Each chooses its own status: a policy's is mostly that of an invalid
    object."""
    return re.search(DENIED, answer.message) is not None


def answer_text(answer: Answer) -> str:
    """The API server's words, as a sentence of a message."""
    return f"{quoted(answer.message)}."


def is_news(found: Obstacle, known: Obstacle | None) -> bool:
    """Whether an obstacle says more than other numbers: a quota's use changes with all that others do, and a webhook's
    denial may have a port, a time or an id in it. Showing each of them would be a write each time."""
    return known is None or (found.reason, without_numbers(found.message)) != (
        known.reason,
        without_numbers(known.message),
    )


def without_numbers(message: str) -> str:
    """A message in which each word with a digit is the same."""
    return re.sub(r"[\w.:+-]*\d[\w.:+-]*", "#", message)


def _told(row: Row, answer: Answer, attempt: Attempt) -> str:
    says = row.says
    told = says if attempt.verb == "create" or "{verb}" in says else f"{attempt.what} cannot be {attempt.verb}d. {says}"
    return f"{_filled(told, attempt)}: {answer_text(answer)} {row.helps}"


def _filled(text: str, attempt: Attempt) -> str:
    return text.format(By=attempt.by.capitalize(), by=attempt.by, kind=attempt.kind, verb=attempt.verb)
