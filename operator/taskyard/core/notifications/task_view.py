"""A Task as the notifier sees it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import Phase, State
from taskyard.core import input_required, task_state, times
from taskyard.core.api_object import Manifest, shared, version_of
from taskyard.core.notifications.record import Record
from taskyard.limits import MAX_QUESTION_ID_CHARACTERS

_QUESTION_ID = re.compile(rf"[a-z0-9-]{{1,{MAX_QUESTION_ID_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class ReportedState:
    """What the agent reported last, and in which build."""

    state: State
    message: str
    uri: str
    at: datetime
    build: int


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. `id` is that of the question, or a digest of its text and time where it has none: the
    same words may be asked again."""

    id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a Task is in Error, and since when."""

    reason: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotifiedTask:
    """What is told of a Task, and what its status says was told. `build` is the number of the newest build;
    `was_active` says whether the agent has answered in the newest start."""

    namespace: str
    name: str
    uid: str
    version: int
    created_at: datetime
    deleting: bool
    labels: Mapping[str, str]
    title: str
    phase: Phase
    build: int
    lifecycle: str
    was_active: bool
    state: ReportedState | None
    question: Question | None
    fault: Fault | None
    records: tuple[Record, ...]

    @classmethod
    def of(cls, task: Manifest) -> NotifiedTask:
        metadata, status = task["metadata"], task.get("status") or {}
        if status.get("observedUID", metadata["uid"]) != metadata["uid"]:
            status = {}  # of another Task, with which this one was restored
        workspace, build = status.get("workspace") or {}, status.get("build")
        phase, conditions = Phase(status.get("phase", Phase.PENDING)), status.get("conditions") or []
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(task),
            created_at=times.parse(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            labels=shared(metadata.get("labels") or {}),
            title=status.get("displayName") or metadata["name"],
            phase=phase,
            build=int(build["number"]) if build else 0,
            lifecycle=shared(workspace.get("agentLifecycle") or ""),
            was_active="activeAt" in workspace,
            state=_state(status.get("state"), build),
            question=_question(conditions),
            fault=_fault(conditions) if phase is Phase.ERROR else None,
            records=tuple(map(Record.of, status.get("notifications") or ())),
        )


def _state(state: Manifest | None, build: Manifest | None) -> ReportedState | None:
    if state is None or task_state.is_made_up(state, build):
        return None
    return ReportedState(
        state=State(state["state"]),
        message=state.get("message") or "",
        uri=state.get("uri") or "",
        at=times.parse(state["timestamp"]),
        build=int(state["build"]),
    )


def _question(conditions: list[Manifest]) -> Question | None:
    text, at = input_required.open_question(conditions), input_required.asked_at(conditions)
    if text is None or at is None:
        return None
    id_ = input_required.question_id(text)
    if not _QUESTION_ID.fullmatch(id_):  # an agent's own words may look like the place where an id stands
        id_ = hashlib.sha256(f"{at.isoformat()} {text}".encode(errors="replace")).hexdigest()[:32]
    return Question(id_, text, at)


def _fault(conditions: list[Manifest]) -> Fault | None:
    found = {condition["type"]: condition for condition in conditions if condition["status"] == "True"}.get("Stalled")
    if found is None:
        return None
    return Fault(found["reason"], found["message"], times.parse(found["lastTransitionTime"]))
