"""The condition Valid of a TemplateVersion: whether the API server would accept its Pod."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import ready_pattern, refusal, times
from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.conditions import Verdict
from taskyard.core.installation import Installation
from taskyard.core.manifests import pod
from taskyard.core.observed import Obstacle
from taskyard.core.parameters import Chosen, default_resources, preset_problem
from taskyard.core.refusal import Attempt, Fail, Wait
from taskyard.core.security.keys import prompt_sha256
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.core.template_version_words import NAME, UNKNOWN, Words
from taskyard.core.text_limits import quoted

PASSED, UNKNOWN_FIELD, WARNED, REFUSED = "DryRunPassed", "UnknownField", "DryRunWarned", "PodRefused"
# Of a version that is valid all the same.
WARNINGS = (UNKNOWN_FIELD, WARNED)
ACCEPTED = "The API server would accept the Pod."

# What is wrong with an object stays so: a version is immutable, and only another API server may know more.
INVALID = (400, 422)
INVALID_AGAIN_SECONDS = 300.0
# A rule of the namespace or the cluster refuses it, which somebody may change: a LimitRange, Pod Security, a policy.
OUTSIDE_AGAIN_SECONDS = refusal.PERSON_SECONDS
WAIT_SECONDS = 10.0


def probe(version: TemplateVersionView, installation: Installation, *, namespace: str, uid: str, now: str) -> Manifest:
    """The Pod of a Task that uses the version, to be created in a dry run."""
    task = TaskView(
        namespace=namespace,
        name=NAME,
        uid=uid,
        generation=1,
        version=0,
        created_at=times.parse(now),
        deleting=False,
        prompt_sha256=prompt_sha256(""),
        title=NAME,
        template_version=version.name,
        paused=False,
        idle_timeout=None,
        max_runtime=None,
        ttl_seconds_after_finished=None,
        resumed_at=None,
        status={},
    )
    build = BuildView(
        namespace=namespace,
        name=NAME,
        uid=uid,
        version=0,
        owners=(),
        task=NAME,
        deleting=False,
        number=1,
        transition=Transition.START,
        reason=BuildReason.INITIAL,
        template_version=version.name,
        prompt_sha256=prompt_sha256(""),
        phase=BuildPhase.PENDING,
        pod_uid=None,
        message=None,
        created_at=times.parse(now),
        finished_at=None,
    )
    chosen = Chosen(resources=default_resources(version))
    return pod.manifest(task, build, version, installation, chosen=chosen)


def problem(version: TemplateVersionView) -> str | None:
    """What is wrong with the version, as far as that shows without the API server."""
    agent = version.agent_problem
    return agent or ready_pattern.problem(version.agent_ready) or preset_problem(version)


@dataclass(frozen=True)
class Taken:
    """The API server would accept the Pod; `warnings` are what it says all the same."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """The Pod, or the version, has a fault. `seconds` later it is looked at again; `remedy` is what helps, where it is
    known better than here."""

    message: str
    warnings: tuple[str, ...] = ()
    seconds: float = INVALID_AGAIN_SECONDS
    remedy: str | None = None


@dataclass(frozen=True)
class Undecided:
    """The API server does not say now whether it would accept the Pod; `seconds` later it is asked again."""

    obstacle: Obstacle
    seconds: float


Outcome = Taken | Refused | Undecided


def verdict(found: Outcome) -> Verdict:
    """The condition."""
    match found:
        case Taken(warnings):
            return taken(warnings)
        case Refused():
            return refused(found)
        case Undecided(obstacle, seconds):
            return Verdict(
                "Valid",
                None,
                obstacle.reason,
                f"It cannot be told yet whether the API server would accept the Pod. {obstacle.message.rstrip('. ')}. "
                f"It is asked again every {seconds:.0f} s.",
            )


def taken(warnings: Iterable[str]) -> Verdict:
    """The condition of a version whose Pod is accepted. It is True with warnings too: Tasks run with such a Pod, as any
    Pod does whose unknown fields the API server has dropped."""
    unknown, others = sorted_out(warnings)
    if not (unknown or others):
        return Verdict("Valid", True, PASSED, ACCEPTED)
    told = []
    if unknown:
        told.append(
            f"The API server would accept the Pod, and drop what it does not know: {listed(unknown)}. Correct the "
            "spelling or the place of the field in a new version."
        )
    if others:
        who = "It also" if unknown else "The API server would accept the Pod, and"
        told.append(f"{who} warns: {listed(others)}. Change that in a new version, unless it is meant.")
    return Verdict("Valid", True, UNKNOWN_FIELD if unknown else WARNED, " ".join(told))


def refused(found: Refused) -> Verdict:
    """The condition of a version with a fault. A misspelled field is often the cause, so it is told with it."""
    unknown, _ = sorted_out(found.warnings)
    told = f" The API server also drops what it does not know: {listed(unknown)}." if unknown else ""
    remedy = found.remedy or "Create a version without this fault."
    message = re.sub(r"^the Pod is ", "The Pod is ", quoted(found.message))
    return Verdict("Valid", False, REFUSED, f"{message}.{told} {remedy}")


def sorted_out(warnings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Warnings of unknown fields, and others, each once."""
    once = list(dict.fromkeys(warnings))
    return [text for text in once if text.startswith(UNKNOWN)], [text for text in once if not text.startswith(UNKNOWN)]


def listed(warnings: Iterable[str]) -> str:
    """Warnings as a part of a sentence."""
    return quoted("; ".join(text.rstrip(". ") for text in warnings))


def refusal_of(answer: refusal.Answer, words: Words, warnings: Iterable[str], *, sidecar: str | None) -> Outcome | None:
    """What an API server's refusal of the Pod says about the version; None for an answer that is no refusal. `sidecar`
    is what helps when the sidecar breaks a rule of the namespace."""
    told = replace(answer, message=words.text(answer.message))
    match refusal.of(told, Attempt("create", "Pod", NAME)):
        case Wait(obstacle, seconds):
            return Undecided(obstacle, max(seconds, WAIT_SECONDS))
        case Fail():
            pass
        case _:
            return None
    if answer.status in INVALID and not refusal.is_denied(answer):
        return Refused(told.message, tuple(warnings), remedy=f"{sidecar}." if sidecar else None)
    help_ = sidecar or "Create a version without this fault, or change the rule that refuses it"
    remedy = f"{help_}; it is checked again every {OUTSIDE_AGAIN_SECONDS:.0f} s."
    return Refused(told.message, tuple(warnings), OUTSIDE_AGAIN_SECONDS, remedy)


def is_same(found: Verdict, former: Manifest | None) -> bool:
    """Whether a condition says the same but for numbers, which change with what others do."""
    status = "Unknown" if found.holds is None else str(found.holds)
    if former is None or (former["status"], former["reason"]) != (status, found.reason):
        return False
    return not refusal.is_news(Obstacle(found.reason, found.message), Obstacle(former["reason"], former["message"]))
