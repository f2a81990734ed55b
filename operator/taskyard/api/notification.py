"""What a notification says to programs: the data of its CloudEvent, as `core/notifications/payload.py` makes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taskyard.api.schema import Model
from taskyard.api.vocabulary import NotificationEvent, State


class NotificationText(Model):
    """What people read."""

    title: Annotated[str, Field(description="One line: the Task's title, and what happened.")]
    body: Annotated[str, Field(description="Lines of plain text; the last one is the link, if there is one.")]


class NotifiedTask(Model):
    """The Task that is told of."""

    namespace: Annotated[str, Field(description="Its namespace.")]
    name: Annotated[str, Field(description="Its name.")]
    uid: Annotated[str, Field(description="Its UID: another Task of that name has another one.")]
    display_name: Annotated[str, Field(description="Its title for people.")]


class NotifiedState(Model):
    """What the agent reported."""

    state: Annotated[State, Field(description="What the agent is doing.")]
    message: Annotated[str, Field(description="One line about it, in the agent's words; may be empty.")]
    uri: Annotated[str, Field(description="Link that belongs to it; may be empty.")]


class NotifiedQuestion(Model):
    """What a person is asked."""

    id: Annotated[
        str,
        Field(description="Id for spec.answers of a TaskInput; a digest where the question takes keystrokes alone."),
    ]
    message: Annotated[str, Field(description="The question, and how to answer it.")]


class NotifiedError(Model):
    """Why the Task is in Error."""

    reason: Annotated[str, Field(description="The cause as one word, for programs.")]
    message: Annotated[str, Field(description="The cause and the remedy, for people.")]


class TaskNotification(Model):
    """What happened to a Task."""

    event: Annotated[
        Literal[
            NotificationEvent.WORKING,
            NotificationEvent.IDLE,
            NotificationEvent.COMPLETE,
            NotificationEvent.FAILED,
            NotificationEvent.PAUSED,
            NotificationEvent.RESUMED,
            NotificationEvent.INPUT_REQUIRED,
            NotificationEvent.ERROR,
        ],
        Field(description="What happened."),
    ]
    task: NotifiedTask
    build: Annotated[
        int, Field(ge=0, description="Number of the build in which it happened; 0 before the first build.")
    ]
    text: NotificationText
    state: Annotated[NotifiedState | None, Field(description="With Working, Idle, Complete and Failed.")] = None
    question: Annotated[NotifiedQuestion | None, Field(description="With InputRequired.")] = None
    pause_reason: Annotated[
        str | None, Field(description="With Paused: why, in words; empty where no reason is known.")
    ] = None
    error: Annotated[NotifiedError | None, Field(description="With Error.")] = None
    link: Annotated[str | None, Field(description="The page that shows the Task, if the sink has spec.links.")] = None


class TestedSink(Model):
    """The sink that a test message was asked for."""

    namespace: Annotated[str, Field(description="Its namespace.")]
    name: Annotated[str, Field(description="Its name.")]
    uid: Annotated[str, Field(description="Its UID.")]


class TestNotification(Model):
    """A test message."""

    event: Annotated[Literal[NotificationEvent.TEST], Field(description="Always Test.")]
    sink: TestedSink
    text: NotificationText
