"""TaskInput: one message to the agent of a Task, queued until the agent takes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.schema import DNS_LABEL, Model, Time, rules
from taskyard.api.vocabulary import InputPhase, InputType
from taskyard.limits import (
    MAX_CONTENT_CHARACTERS,
    MAX_CONTROL_CHARACTERS,
    MAX_QUESTION_ID_CHARACTERS,
    MAX_TASK_NAME_CHARACTERS,
)


class TaskInputSpec(Model):
    """The message, and the Task that it is for. Immutable."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "A TaskInput cannot be changed; create another one."),
            ("self.type == 'Raw' || self.content.trim() != ''", "content must not be blank"),
            (
                "self.type == 'User' || !has(self.answers)",
                "only a message (type User) answers a question; remove answers, or the type",
            ),
            (
                f"self.type != 'Control' || (self.content.size() <= {MAX_CONTROL_CHARACTERS} && "
                "!self.content.matches(r'[\\p{Cc}\\x{2028}\\x{2029}]'))",
                f"content of type Control must be one line of at most {MAX_CONTROL_CHARACTERS} characters, without "
                "control characters",
            ),
        )
    )

    task: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_TASK_NAME_CHARACTERS,
            pattern=DNS_LABEL,
            description="Name of the Task, which may follow within ten minutes.",
        ),
    ]
    content: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_CONTENT_CHARACTERS,
            description="The message; for type Control one line, such as /compact; for type Raw the keystrokes as they "
            "are.",
            json_schema_extra=rules(("!self.contains('\\u0000')", "must not contain NUL characters")),
        ),
    ]
    type: Annotated[
        InputType,
        Field(
            description="User: a message, which is said to the agent whatever it begins with, once the agent is ready "
            "for input; a program that Taskyard does not know, such as a shell, gets it as it is and may run it. "
            "Control: a command of the agent's program, such as /compact or !ls, typed at its prompt as a "
            "person would, once it is ready for input; it may run programs and end sessions (not for protocol Command; "
            "over ACP and AgentAPI it is sent like a message). Raw: keystrokes, typed at once and not recorded; they "
            "answer what is on the agent's screen, and are rejected while there is none, as when the Task is paused. A "
            "policy can forbid Control and Raw."
        ),
    ] = InputType.USER
    resume: Annotated[
        bool,
        Field(
            description="Also resumes a Task that paused by itself. One that a person paused stays paused, and the "
            "input waits. Keystrokes (type Raw) resume nothing."
        ),
    ] = False
    answers: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_QUESTION_ID_CHARACTERS,
            pattern="^[a-z0-9-]+$",
            description="Id of the question that the content answers, from the condition InputRequired. The content "
            "is the name or id of an option (for a menu in a terminal: the text or the number of its line), yes "
            "or no, or any text where the question has no options. Such an input skips the queue; it is "
            "rejected when the question is no longer asked.",
        ),
    ] = None


class TaskInputStatus(Model):
    """How far the input has come."""

    model_config = ConfigDict(json_schema_extra={"default": {"phase": "Queued"}})

    phase: Annotated[InputPhase, Field(description="Queued, Delivered or Rejected.")] = InputPhase.QUEUED
    order: Annotated[int | None, Field(description="Place among inputs created in the same second.")] = None
    task_uid: Annotated[
        str | None,
        Field(
            alias="taskUID",
            description="UID of the Task that it is for: the one that had the name when the input was created, or else "
            "the next one, which has to follow within ten minutes.",
        ),
    ] = None
    attempts: Annotated[int | None, Field(description="Number of failed deliveries.")] = None
    message: Annotated[
        str | None, Field(description="Why it waits, was rejected, is in doubt, or was not repeated.")
    ] = None
    reason: Annotated[
        str | None,
        Field(
            description="QueueFull or NamespaceQueueFull: so many inputs wait for the Task, or in the namespace, that "
            "this one was rejected; it is removed after a minute, and may then be created again."
        ),
    ] = None
    delivered_at: Annotated[Time | None, Field(description="When it was delivered to the agent.")] = None
    rejected_at: Annotated[Time | None, Field(description="When it was rejected.")] = None


class TaskInput(Model):
    """A message to the agent of a Task. Inputs are delivered once, one at a time, in order of creation. One that has
    ended stays with its Task, so that applying it again does nothing; one with a generated name is removed after an
    hour, or what operator.inputRetention of the chart says. One that finds the queue full is rejected, and removed
    after a minute."""

    spec: Annotated[TaskInputSpec, Field(description="The message, and the Task that it is for.")]
    status: Annotated[TaskInputStatus | None, Field(description="How far the input has come.")] = None
