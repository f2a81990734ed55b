"""WorkspaceBuild: one start or stop of a Task's workspace; the audit trail."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.schema import Model, Time, rules
from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.limits import MAX_END_MESSAGE_CHARACTERS, MAX_END_REASON_CHARACTERS, MAX_TASK_NAME_CHARACTERS


class WorkspaceBuildSpec(Model):
    """What was decided. Immutable."""

    model_config = ConfigDict(json_schema_extra=rules(("self == oldSelf", "A WorkspaceBuild cannot be changed.")))

    task: Annotated[str, Field(max_length=MAX_TASK_NAME_CHARACTERS, description="Name of the Task.")]
    number: Annotated[int, Field(ge=1, description="Consecutive number within the Task, from 1.")]
    transition: Annotated[Transition, Field(description="Start or Stop.")]
    reason: Annotated[BuildReason, Field(description="Why it was created.")]
    template_version: Annotated[str, Field(max_length=63, description="Template version that it uses.")]
    prompt_sha256: Annotated[
        str, Field(alias="promptSHA256", max_length=64, description="SHA-256 of the prompt at that time.")
    ]


class PodEnd(Model):
    """How the Pod of a start ended while its Task was to run on."""

    reason: Annotated[
        str,
        Field(
            max_length=MAX_END_REASON_CHARACTERS,
            description="What ended it. EvictionByEvictionAPI, PreemptionByScheduler, DeletionByTaintManager, "
            "DeletionByPodGC and NodeShutdown are disruptions, which are no failed recoveries. Others are the Pod's "
            "own reason (such as Evicted, by the kubelet), Deleted for a Pod that somebody deleted while it ran, "
            "PodFailed or PodSucceeded for one whose containers ended by themselves, or Unknown for a Pod that was "
            "gone when the operator looked.",
        ),
    ]
    message: Annotated[
        str | None, Field(max_length=MAX_END_MESSAGE_CHARACTERS, description="What Kubernetes says about it.")
    ] = None
    time: Annotated[Time, Field(description="When it began to end.")]
    active_at: Annotated[Time | None, Field(description="When its agent first answered, if it did.")] = None


class WorkspaceBuildStatus(Model):
    """How far the build has come."""

    model_config = ConfigDict(json_schema_extra={"default": {"phase": "Pending"}})

    phase: Annotated[BuildPhase, Field(description="How far it has come.")] = BuildPhase.PENDING
    message: Annotated[str | None, Field(description="Cause and remedy of a failure.")] = None
    pod_uid: Annotated[
        str | None, Field(alias="podUID", description="UID of the Pod that it created; only this Pod may enrol.")
    ] = None
    resize_refusal: Annotated[
        str | None, Field(max_length=1024, description="Why the Task's home was not enlarged at this start.")
    ] = None
    started_at: Annotated[Time | None, Field(description="When work on it began.")] = None
    finished_at: Annotated[Time | None, Field(description="When it ended.")] = None
    pod_end: Annotated[
        PodEnd | None, Field(description="How its Pod ended, if that was lost: the next start recovers the Task.")
    ] = None


class WorkspaceBuild(Model):
    """One start or stop of a Task's workspace. Created by the operator; the newest ten are kept."""

    spec: Annotated[WorkspaceBuildSpec, Field(description="What was decided.")]
    status: Annotated[WorkspaceBuildStatus | None, Field(description="How far the build has come.")] = None
