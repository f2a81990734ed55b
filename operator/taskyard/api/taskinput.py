"""TaskInput: one message to the agent of a Task, queued until the agent takes it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.schema import DNS_LABEL, Model, Time, rules
from taskyard.limits import MAX_CONTENT_CHARACTERS, MAX_QUESTION_ID_CHARACTERS, MAX_TASK_NAME_CHARACTERS


class InputType(StrEnum):
    """User is a message in the conversation; Raw is keystrokes."""

    USER = "User"
    RAW = "Raw"


class InputPhase(StrEnum):
    """How far an input has come."""

    QUEUED = "Queued"
    DELIVERED = "Delivered"
    REJECTED = "Rejected"


class TaskInputSpec(Model):
    """The message, and the Task that it is for. Immutable."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "A TaskInput cannot be changed; create another one."),
            ("self.type == 'Raw' || self.content.trim() != ''", "content must not be blank"),
            ("self.type == 'User' || !has(self.answers)", "keystrokes (type Raw) answer no question"),
        )
    )

    task: Annotated[
        str,
        Field(min_length=1, max_length=MAX_TASK_NAME_CHARACTERS, pattern=DNS_LABEL, description="Name of the Task."),
    ]
    content: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_CONTENT_CHARACTERS,
            description="The message, or for type Raw the keystrokes as they are.",
            json_schema_extra=rules(("!self.contains('\\u0000')", "must not contain NUL characters")),
        ),
    ]
    type: Annotated[
        InputType,
        Field(description="User: waits until the agent is ready for input. Raw: typed at once and not recorded."),
    ] = InputType.USER
    resume: Annotated[bool, Field(description="Also resumes the Task when it is paused.")] = False
    answers: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_QUESTION_ID_CHARACTERS,
            pattern="^[a-z0-9-]+$",
            description="Id of the question that the content answers, from the condition InputRequired. The content "
            "is the name or id of an option, yes or no. Such an input skips the queue; it is rejected when the "
            "question is no longer asked.",
        ),
    ] = None


class TaskInputStatus(Model):
    """How far the input has come."""

    model_config = ConfigDict(json_schema_extra={"default": {"phase": "Queued"}})

    phase: Annotated[InputPhase, Field(description="Queued, Delivered or Rejected.")] = InputPhase.QUEUED
    order: Annotated[int | None, Field(description="Place among inputs created in the same second.")] = None
    attempts: Annotated[int | None, Field(description="Number of failed deliveries.")] = None
    message: Annotated[str | None, Field(description="Why it waits, was rejected or is in doubt.")] = None
    delivered_at: Annotated[Time | None, Field(description="When it was delivered to the agent.")] = None
    rejected_at: Annotated[Time | None, Field(description="When it was rejected.")] = None


class TaskInput(Model):
    """A message to the agent of a Task. Inputs are delivered once, one at a time, in order of creation."""

    spec: Annotated[TaskInputSpec, Field(description="The message, and the Task that it is for.")]
    status: Annotated[TaskInputStatus | None, Field(description="How far the input has come.")] = None
