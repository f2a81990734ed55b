"""Workspaces and their builds."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from taskyard.gateway.rest.openapi.schemas import common
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
from taskyard.gateway.rest.openapi.schemas.task import Continue

_BUILD = "b7e0c3a1-2f4d-5c6b-9a8e-1d2c3b4a5f60"


class App(BaseModel):
    """The agent's endpoint in the Pod."""

    id: Uuid
    slug: Annotated[str, Field(examples=["taskyard"])]
    display_name: Annotated[str, Field(examples=["Taskyard"])]
    health: Annotated[str, Field(examples=["healthy"], description="initializing, healthy or unhealthy")]
    external: Annotated[bool, Field(examples=[False])]
    hidden: Annotated[bool, Field(examples=[True])]


class Agent(BaseModel):
    """The agent in the Pod."""

    id: Uuid
    created_at: Moment
    updated_at: Moment
    status: Annotated[str, Field(examples=["connected"])]
    lifecycle_state: Annotated[str, Field(examples=["ready"])]
    name: Annotated[str, Field(examples=["agent"])]
    resource_id: Uuid
    architecture: Annotated[str, Field(examples=[""])]
    operating_system: Annotated[str, Field(examples=["linux"])]
    health: Health
    apps: list[App]


class Resource(BaseModel):
    """The Pod."""

    id: Uuid
    created_at: Moment
    job_id: Uuid
    workspace_transition: Annotated[str, Field(examples=["start"])]
    type: Annotated[str, Field(examples=["kubernetes_pod"])]
    name: Annotated[str, Field(examples=["fix-the-build-1a2b-1"])]
    hide: bool
    icon: Annotated[str, Field(examples=[""])]
    agents: list[Agent]
    metadata: list[Any]
    daily_cost: int


class BuildJob(common.Job):
    """The work on a build."""

    started_at: Annotated[Moment | None, Field(examples=["2026-01-31T12:00:01Z"])]
    completed_at: Annotated[Moment | None, Field(examples=["2026-01-31T12:00:04Z"])]
    worker_id: Annotated[Uuid | None, Field(examples=[None])]


class WorkspaceBuild(BaseModel):
    """A start or a stop of a workspace."""

    id: Annotated[
        Uuid,
        Field(
            description="Derived from the Task's UID and the number; known before the object exists.", examples=[_BUILD]
        ),
    ]
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00.000000Z"])]
    updated_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:04Z"])]
    workspace_id: Annotated[Uuid, Field(examples=[TASK])]
    workspace_name: Annotated[str, Field(examples=["fix-the-build-1a2b"])]
    workspace_owner_id: Annotated[Uuid, Field(examples=[OWNER])]
    workspace_owner_name: Annotated[str, Field(examples=["team"])]
    template_version_id: Annotated[Uuid, Field(examples=[VERSION])]
    template_version_name: Annotated[str, Field(examples=["claude-v3"])]
    build_number: Annotated[int, Field(examples=[1])]
    transition: Literal["start", "stop"]
    initiator_id: Annotated[Uuid, Field(examples=[OWNER])]
    initiator_name: Annotated[str, Field(examples=["team"])]
    job: BuildJob
    reason: Literal["initiator", "task_manual_pause", "task_auto_pause", "task_resume"]
    resources: list[Resource]
    deadline: Annotated[
        Moment | None, Field(description="When the Task pauses unless something happens.", examples=[None])
    ]
    max_deadline: Annotated[Moment | None, Field(examples=[None])]
    status: Annotated[str, Field(examples=["running"])]
    daily_cost: int
    has_ai_task: Annotated[bool, Field(examples=[True])]


class BuildLogEntry(BaseModel):
    """A step of a build."""

    id: Annotated[int, Field(examples=[1])]
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:01Z"])]
    log_source: Annotated[str, Field(examples=["provisioner"])]
    log_level: Literal["info", "error"]
    stage: Annotated[str, Field(examples=["Starting the workspace"])]
    output: Annotated[str, Field(examples=[""])]


class BuildStarted(BaseModel):
    """The build that pauses or resumes a Task."""

    workspace_build: WorkspaceBuild


class BuildPage(BaseModel):
    """Some builds of a Task, newest first."""

    builds: list[WorkspaceBuild]
    count: Annotated[int, Field(examples=[1])]
    next: Continue


class WorkspaceHealth(BaseModel):
    """Healthy unless the newest build has failed."""

    healthy: Annotated[bool, Field(examples=[True])]
    failing_agents: list[Any]


class Workspace(BaseModel):
    """A Task's Pod, claim and builds."""

    id: Annotated[Uuid, Field(examples=[TASK])]
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00Z"])]
    updated_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00.000000Z"])]
    owner_id: Annotated[Uuid, Field(examples=[OWNER])]
    owner_name: Annotated[str, Field(examples=["team"])]
    owner_avatar_url: Annotated[str, Field(examples=[""])]
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    organization_name: Annotated[str, Field(examples=["default"])]
    template_id: Annotated[Uuid, Field(examples=[TEMPLATE])]
    template_name: Annotated[str, Field(examples=["claude"])]
    template_display_name: Annotated[str, Field(examples=["Claude Code"])]
    template_icon: Annotated[str, Field(examples=[""])]
    template_active_version_id: Annotated[Uuid, Field(examples=[VERSION])]
    latest_build: WorkspaceBuild
    outdated: bool
    name: Annotated[str, Field(examples=["fix-the-build-1a2b"])]
    last_used_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00.000000Z"])]
    deleting_at: Annotated[Moment | None, Field(examples=[None])]
    dormant_at: Annotated[Moment | None, Field(examples=[None])]
    health: WorkspaceHealth
    automatic_updates: Annotated[str, Field(examples=["never"])]
    favorite: bool
    task_id: Annotated[Uuid, Field(examples=[TASK])]


class WorkspaceList(BaseModel):
    """Workspaces, and how many there are on all pages."""

    workspaces: list[Workspace]
    count: Annotated[int, Field(examples=[1])]
