"""Tasks, their conversations, and their queued inputs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from taskyard.gateway.rest.openapi.schemas.common import (
    ORGANIZATION,
    OWNER,
    TASK,
    TEMPLATE,
    VERSION,
    Health,
    Moment,
    Uuid,
)

Status = Literal["pending", "initializing", "active", "paused", "unknown", "error"]

_AGENT = "2d1c9a7e-43b8-5f0a-8f6c-9a1b2c3d4e5f"
_APP = "7a6b5c4d-3e2f-5a1b-9c8d-7e6f5a4b3c2d"


class CurrentState(BaseModel):
    """The last reported state of the agent."""

    timestamp: Annotated[Moment, Field(examples=["2026-01-31T12:03:20Z"])]
    state: Annotated[Literal["working", "idle", "complete", "failed"], Field(examples=["working"])]
    message: Annotated[str, Field(examples=["Running the tests"])]
    uri: Annotated[str, Field(examples=[""])]


class Task(BaseModel):
    """A Task, with its workspace, its template and the state of its agent."""

    id: Annotated[Uuid, Field(description="The UID of the Kubernetes object.", examples=[TASK])]
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    owner_id: Annotated[Uuid, Field(examples=[OWNER])]
    owner_name: Annotated[str, Field(description="The namespace.", examples=["team"])]
    owner_avatar_url: Annotated[str, Field(examples=[""])]
    name: Annotated[str, Field(examples=["fix-the-build-1a2b"])]
    display_name: Annotated[str, Field(examples=["Fix the build"])]
    template_id: Annotated[Uuid, Field(examples=[TEMPLATE])]
    template_version_id: Annotated[Uuid, Field(examples=[VERSION])]
    template_name: Annotated[str, Field(examples=["claude"])]
    template_display_name: Annotated[str, Field(examples=["Claude Code"])]
    template_icon: Annotated[str, Field(examples=[""])]
    workspace_id: Annotated[Uuid | None, Field(examples=[TASK])]
    workspace_name: Annotated[str, Field(examples=["fix-the-build-1a2b"])]
    workspace_status: Annotated[str, Field(examples=["running"])]
    workspace_build_number: Annotated[int, Field(examples=[1])]
    workspace_agent_id: Annotated[Uuid | None, Field(examples=[_AGENT])]
    workspace_agent_lifecycle: Annotated[str | None, Field(examples=["ready"])]
    workspace_agent_health: Health | None
    workspace_app_id: Annotated[Uuid | None, Field(examples=[_APP])]
    initial_prompt: Annotated[str, Field(examples=["Fix the build"])]
    status: Annotated[Status, Field(examples=["active"])]
    current_state: CurrentState | None
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00Z"])]
    updated_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00.000000Z"])]


class TaskList(BaseModel):
    """All Tasks that a query finds."""

    tasks: list[Task]
    count: Annotated[int, Field(examples=[1])]


Continue = Annotated[
    str,
    Field(
        default="",
        alias="continue",
        description="The parameter for the next page; absent on the last one.",
        examples=["Wy0yMDI2MDEzMTEyMDAwMCwiZml4Il0"],
    ),
]


class TaskPage(TaskList):
    """Some of the Tasks that a query finds, newest first."""

    next: Continue


class Entry(BaseModel):
    """A message of the conversation."""

    id: Annotated[int, Field(examples=[1])]
    content: Annotated[str, Field(examples=["Fix the build"])]
    type: Annotated[Literal["input", "output"], Field(description="Whether the message is to the agent or from it.")]
    time: Annotated[str, Field(examples=["2026-01-31T12:01:07Z"])]


class Gone(BaseModel):
    """A Task that was deleted, or that the caller may no longer see."""

    id: Annotated[Uuid, Field(examples=[TASK])]
    owner_name: Annotated[str, Field(examples=["team"])]
    name: Annotated[str, Field(examples=["fix-the-build-1a2b"])]


class Synced(BaseModel):
    """All existing Tasks have been sent."""

    count: Annotated[int, Field(examples=[1])]


class Log(BaseModel):
    """The conversation: live, or as it was last stored."""

    logs: list[Entry]
    snapshot: Annotated[bool, Field(default=False, description="Whether it is the stored one.", examples=[True])]
    snapshot_at: Annotated[
        Moment,
        Field(default="", description="When it was stored; absent if none was.", examples=["2026-01-31T13:00:00Z"]),
    ]


class QueuedInput(BaseModel):
    """A message that waits for the agent, or has waited for it."""

    id: Annotated[Uuid, Field(examples=["f3a1d0c2-7b64-4e9a-8c15-6d2e9b0a4f78"])]
    name: Annotated[
        str, Field(description="The name of the TaskInput.", examples=["fix-the-build-1a2b-0f3c9d1e2b4a5c6d"])
    ]
    content: Annotated[str, Field(examples=["and now the tests"])]
    type: Literal["user", "control", "raw"]
    resume: Annotated[bool, Field(description="Whether it also resumes a paused Task.", examples=[True])]
    answers: Annotated[str | None, Field(description="Id of the question that it answers.", examples=[None])]
    phase: Literal["queued", "delivered", "rejected"]
    message: Annotated[str, Field(description="Why it waits, was rejected or is in doubt.", examples=[""])]
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:05:00Z"])]
    delivered_at: Annotated[Moment | None, Field(examples=[None])]
    rejected_at: Annotated[Moment | None, Field(examples=[None])]


class InputPage(BaseModel):
    """Some inputs of a Task, in the order of their delivery."""

    inputs: list[QueuedInput]
    count: Annotated[int, Field(examples=[1])]
    next: Continue
