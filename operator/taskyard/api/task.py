"""Task: a prompt for an agent, the template version it runs in, and whether it is paused."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from taskyard.api.parameter import MAP_BY_NAME, MAX_PARAMETERS, TaskParameter
from taskyard.api.schema import DNS_LABEL, DNS_SUBDOMAIN, Conditions, Duration, Model, Time, rules
from taskyard.api.vocabulary import OUTPUT_NAME, PROMPT_LOCKED, PausedReason, Phase, State
from taskyard.limits import (
    MAX_DISPLAY_NAME_CHARACTERS,
    MAX_LINK_CHARACTERS,
    MAX_NOTIFICATION_ID_CHARACTERS,
    MAX_OUTPUT_NAME_CHARACTERS,
    MAX_OUTPUT_VALUE_BYTES,
    MAX_OUTPUTS,
    MAX_PROMPT_CHARACTERS,
    MAX_SINKS,
    MAX_STARTING_CHARACTERS,
    MAX_STATE_MESSAGE_BYTES,
    MAX_TASK_NAME_CHARACTERS,
)

# Status of a new Task. No spec has this generation: without one, kstatus would take the Task for settled.
NEVER_LOOKED_AT: JsonDict = {"phase": "Pending", "observedGeneration": -1}

TEMPLATE_LOCKED = "Unable to update task template version, task must be paused."
PARAMETERS_LOCKED = "Unable to update task preset or parameters, task must be paused."
ONE_TEMPLATE = "exactly one of template (name of a Template) and templateVersion (name of a TemplateVersion) is needed"

# CEL: whether the old object's spec may still change, as it is paused or has no build yet.
_UNLOCKED = "!has(oldSelf.status) || !has(oldSelf.status.build) || oldSelf.status.phase == 'Paused'"


def _same(field: str) -> str:
    """CEL: an optional field of the spec is unchanged. (Optional types would hide its size from the cost estimate.)"""
    new, old = f"self.spec.{field}", f"oldSelf.spec.{field}"
    return f"has({new}) == has({old}) && (!has({new}) || {new} == {old})"


class TaskSpec(Model):
    """What the user asks for. The operator never writes it."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.template) != has(self.templateVersion)", ONE_TEMPLATE))
    )

    prompt: Annotated[
        str,
        Field(
            max_length=MAX_PROMPT_CHARACTERS,
            description="What the agent is to do. May be empty. Can be changed only while the Task is paused "
            "(status.phase Paused) or before its first build.",
            json_schema_extra=rules(("!self.contains('\\u0000')", "must not contain NUL characters")),
        ),
    ]
    template: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=63,
            pattern=DNS_LABEL,
            description="Name of a Template in the same namespace, instead of templateVersion: each start uses its "
            "active version. Can be changed when the prompt can.",
        ),
    ] = None
    template_version: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=63,
            pattern=DNS_SUBDOMAIN,
            description="Name of a TemplateVersion in the same namespace, which may be applied later than the Task: "
            "that then starts by itself. Can be changed when the prompt can.",
        ),
    ] = None
    preset: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=63,
            pattern=DNS_LABEL,
            description="Name of a preset of the template version; without it the default preset, if there is one.",
        ),
    ] = None
    parameters: Annotated[
        list[TaskParameter] | None,
        Field(
            max_length=MAX_PARAMETERS,
            description="Values for parameters that the template version declares; they override the preset's.",
            json_schema_extra=MAP_BY_NAME,
        ),
    ] = None
    paused: Annotated[bool, Field(description="true stops the Pod and keeps the home volume; false resumes.")] = False
    display_name: Annotated[
        str | None,
        Field(
            max_length=MAX_DISPLAY_NAME_CHARACTERS,
            description="Title for people; by default status.displayName is made from the prompt.",
        ),
    ] = None
    idle_timeout: Annotated[
        Duration | None,
        Field(
            description="Pauses the Task after this time without work (0s: never). Overrides the template version's."
        ),
    ] = None
    max_runtime: Annotated[
        Duration | None,
        Field(description="Pauses the Task after it has run for this time without a pause (0s: never)."),
    ] = None
    ttl_seconds_after_finished: Annotated[
        int | None,
        Field(
            ge=0,
            description="Deletes the Task this long after its state became Complete or Failed, with its home and its "
            "inputs. A GitOps tool that has the Task in git then creates it again, and it starts anew, as a Job would: "
            "leave this unset there.",
        ),
    ] = None


class TaskState(Model):
    """Last report of what the agent is doing."""

    state: Annotated[State, Field(description="What the agent is doing.")]
    message: Annotated[str, Field(max_length=MAX_STATE_MESSAGE_BYTES, description="One line about it.")] = ""
    uri: Annotated[str, Field(max_length=MAX_LINK_CHARACTERS, description="Link that belongs to it.")] = ""
    timestamp: Annotated[Time, Field(description="When it was reported.")]
    build: Annotated[int, Field(ge=0, description="Number of the build in which it was reported.")]


class TaskBuild(Model):
    """The newest build. Its number is reserved here before the WorkspaceBuild is created."""

    name: Annotated[str, Field(description="Name of the WorkspaceBuild.")]
    number: Annotated[int, Field(ge=1, description="Consecutive number, from 1.")]
    transition: Annotated[str, Field(description="Start or Stop.")]
    reason: Annotated[str, Field(description="Why it was created.")]
    phase: Annotated[str, Field(description="Phase of the WorkspaceBuild.")]
    created_at: Annotated[Time, Field(description="When its number was reserved.")]


class WorkspaceStarting(Model):
    """What holds up the start of an agent that runs already."""

    reason: Annotated[
        str, Field(max_length=63, description="NotReading once startTimeoutSeconds have passed; empty before.")
    ]
    message: Annotated[str, Field(max_length=MAX_STARTING_CHARACTERS, description="What it waits for.")]


class TaskWorkspace(Model):
    """The workspace and its Pod, if there is one."""

    status: Annotated[str | None, Field(description="Pending, Starting, Running, Stopping, Stopped or Failed.")] = None
    pod: Annotated[str | None, Field(description="Name of the Pod.")] = None
    agent_lifecycle: Annotated[
        str | None,
        Field(description="Created, Starting, Ready, StartError, StartTimeout, ShuttingDown or Off."),
    ] = None
    app_health: Annotated[str | None, Field(description="Initializing, Healthy or Unhealthy.")] = None
    restarts: Annotated[int | None, Field(description="Restarts of the agent's container in this Pod.")] = None
    active_at: Annotated[
        Time | None, Field(description="When the agent first answered in the newest start; kept until the next start.")
    ] = None
    sidecar_version: Annotated[
        str | None, Field(description="Version of the sidecar, once it has enrolled in this build.")
    ] = None
    starting: Annotated[
        WorkspaceStarting | None,
        Field(description="Why the prompt is not typed yet, as the sidecar reports it; absent once the agent reads."),
    ] = None


class TaskSnapshot(Model):
    """Where the conversation can be read while no Pod exists."""

    config_map: Annotated[str, Field(description="Name of the ConfigMap (keys snapshot.json and log.txt).")]
    taken_at: Annotated[Time, Field(description="When it was stored.")]
    messages: Annotated[int, Field(ge=0, description="Messages in it.")]
    bytes: Annotated[int, Field(ge=0, description="Size of snapshot.json in bytes.")]
    truncated: Annotated[bool, Field(description="Whether older text was left out to fit the limit.")]


class TaskOutput(Model):
    """A value that the agent has published."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_OUTPUT_NAME_CHARACTERS,
            pattern=OUTPUT_NAME,
            description="Name of the value.",
        ),
    ]
    value: Annotated[
        str,
        Field(max_length=MAX_OUTPUT_VALUE_BYTES, description=f"Text, at most {MAX_OUTPUT_VALUE_BYTES:,} bytes."),
    ]


class TaskInputs(Model):
    """Count of the TaskInputs of this Task."""

    queued: Annotated[int, Field(ge=0, description="Waiting for the agent.")] = 0
    delivered: Annotated[int, Field(ge=0, description="Delivered and not yet removed.")] = 0


class SentNotification(Model):
    """A notification, and when it was taken by the receiver or given up."""

    id: Annotated[str, Field(max_length=MAX_NOTIFICATION_ID_CHARACTERS, description="The receiver has the same id.")]
    event: Annotated[str, Field(max_length=63, description="What it told: Idle, Paused, InputRequired, …")]
    time: Annotated[Time, Field(description="When.")]


class FailingNotification(SentNotification):
    """A notification that was not taken. `time` is since when it waits; it is repeated until that was a day ago."""

    message: Annotated[str, Field(description="What prevented it.")]


class TaskNotifications(Model):
    """What one NotificationSink was told of this Task. The notifier goes on from here after a restart."""

    sink: Annotated[str, Field(max_length=63, description="Name of the NotificationSink.")]
    sink_uid: Annotated[
        str, Field(alias="sinkUID", max_length=64, description="Its UID: another sink of that name begins anew.")
    ]
    since: Annotated[
        Time | None,
        Field(description="When the Task's labels changed so that the sink selects it: nothing is told of before."),
    ] = None
    build: Annotated[
        int, Field(ge=0, description="Number of the newest build whose pause or resume was told, or needed no telling.")
    ] = 0
    state: Annotated[State | None, Field(description="The agent's state that was told last, or passed over.")] = None
    state_build: Annotated[int | None, Field(ge=0, description="Number of the build in which it was reported.")] = None
    state_time: Annotated[Time | None, Field(description="Its time.")] = None
    question: Annotated[
        str | None, Field(max_length=64, description="Id of the question that was told last, or a digest of its text.")
    ] = None
    error: Annotated[Time | None, Field(description="Since when the Task was in Error, as it was told last.")] = None
    sent: Annotated[SentNotification | None, Field(description="The last one that was taken.")] = None
    failing: Annotated[FailingNotification | None, Field(description="The one that is being repeated.")] = None
    given_up: Annotated[SentNotification | None, Field(description="The last one that was given up after a day.")] = (
        None
    )


class TaskStatus(Model):
    """State of the Task, as the operator and the sidecar see it."""

    model_config = ConfigDict(json_schema_extra={"default": NEVER_LOOKED_AT})

    observed_generation: Annotated[
        int | None, Field(description="Generation of the spec that the status is based on.")
    ] = None
    observed_uid: Annotated[
        str | None,
        Field(
            alias="observedUID",
            max_length=64,
            description="UID of the Task that this status is about; the status of another, restored with a Task, is "
            "dropped.",
        ),
    ] = None
    phase: Annotated[Phase, Field(description="Derived from the newest build, the Pod and the agent.")] = Phase.PENDING
    display_name: Annotated[str | None, Field(description="Title for people.")] = None
    state: Annotated[TaskState | None, Field(description="Last report of what the agent is doing.")] = None
    template: Annotated[str | None, Field(description="Template that the version in use belongs to.")] = None
    template_version: Annotated[str | None, Field(description="Template version in use.")] = None
    build: Annotated[TaskBuild | None, Field(description="The newest build.")] = None
    workspace: Annotated[TaskWorkspace | None, Field(description="The workspace and its Pod, if there is one.")] = None
    paused_reason: Annotated[PausedReason | None, Field(description="Why the Task is paused.")] = None
    idle_deadline: Annotated[Time | None, Field(description="When the Task pauses by itself if nothing happens.")] = (
        None
    )
    observed_resumed_at: Annotated[
        str | None, Field(description="Last value of the annotation taskyard.dev/resumed-at that was acted on.")
    ] = None
    prompt_sha256: Annotated[
        str | None, Field(alias="promptSHA256", description="SHA-256 of the prompt that the agent received last.")
    ] = None
    snapshot: Annotated[TaskSnapshot | None, Field(description="Newest snapshot of the conversation.")] = None
    inputs: Annotated[TaskInputs | None, Field(description="Count of the TaskInputs.")] = None
    outputs: Annotated[
        list[TaskOutput] | None,
        Field(
            max_length=MAX_OUTPUTS,
            description="Values that the agent has published (set_output, taskyard-report output), oldest first.",
            json_schema_extra=MAP_BY_NAME,
        ),
    ] = None
    notifications: Annotated[
        list[TaskNotifications] | None,
        Field(
            max_length=MAX_SINKS,
            description="What each NotificationSink was told of this Task. The notifier writes it.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["sink"]},
        ),
    ] = None
    conditions: Annotated[
        Conditions | None,
        Field(
            description="Ready, TemplateResolved; Succeeded, Unknown until the work has ended; InputRequired, once "
            "something was asked; ConversationStored, once the conversation could not be stored; HomeResized, once the "
            "home was to be resized; Reconciling and Stalled while they hold."
        ),
    ] = None


class Task(Model):
    """A prompt for an AI coding agent that works on it in a Pod with a home volume of its own."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"self.metadata.name.size() <= {MAX_TASK_NAME_CHARACTERS} && "
                "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                f"metadata.name must be a DNS label of at most {MAX_TASK_NAME_CHARACTERS} characters: "
                "a-z, 0-9 and hyphens",
            ),
            (f"self.spec.prompt == oldSelf.spec.prompt || {_UNLOCKED}", PROMPT_LOCKED),
            (f"({_same('templateVersion')} && {_same('template')}) || {_UNLOCKED}", TEMPLATE_LOCKED),
            (f"({_same('preset')} && {_same('parameters')}) || {_UNLOCKED}", PARAMETERS_LOCKED),
        )
    )

    spec: Annotated[TaskSpec, Field(description="What the user asks for.")]
    status: Annotated[TaskStatus | None, Field(description="State of the Task.")] = None
