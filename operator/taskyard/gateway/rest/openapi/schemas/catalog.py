"""What a client asks for first: the service, the caller, and the templates for Tasks."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from taskyard.gateway.rest.openapi.schemas import common
from taskyard.gateway.rest.openapi.schemas.common import ORGANIZATION, OWNER, TEMPLATE, VERSION, Moment, Uuid

_CREATED = "2026-01-01T00:00:00Z"


class BuildInfo(BaseModel):
    """The service and its version."""

    external_url: Annotated[str, Field(examples=[""])]
    version: Annotated[str, Field(examples=["v0.1.0"])]
    dashboard_url: Annotated[str, Field(examples=[""])]
    telemetry: bool
    workspace_proxy: bool
    agent_api_version: Annotated[str, Field(examples=["2.0"])]
    provisioner_api_version: Annotated[str, Field(examples=["1.0"])]
    upgrade_message: Annotated[str, Field(examples=[""])]
    deployment_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]


class User(BaseModel):
    """A namespace, as the owner of Tasks."""

    id: Annotated[Uuid, Field(examples=[OWNER])]
    username: Annotated[str, Field(description="The namespace, as used in paths.", examples=["team"])]
    name: Annotated[
        str, Field(description="The user to whom it belongs; for `me` the caller.", examples=["jane@example.com"])
    ]
    email: Annotated[str, Field(examples=["jane@example.com"])]
    avatar_url: Annotated[str, Field(examples=[""])]
    created_at: Annotated[Moment, Field(examples=[_CREATED])]
    updated_at: Annotated[Moment, Field(examples=[_CREATED])]
    last_seen_at: Annotated[Moment, Field(examples=[_CREATED])]
    status: Annotated[str, Field(examples=["active"])]
    login_type: Annotated[str, Field(examples=["none"])]
    theme_preference: Annotated[str, Field(examples=[""])]
    organization_ids: list[Annotated[Uuid, Field(examples=[ORGANIZATION])]]
    roles: list[Any]


class Organization(BaseModel):
    """The cluster."""

    id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    name: Annotated[str, Field(examples=["default"])]
    display_name: Annotated[str, Field(examples=["Taskyard"])]
    icon: Annotated[str, Field(examples=[""])]
    description: Annotated[str, Field(examples=[""])]
    created_at: Annotated[Moment, Field(examples=[_CREATED])]
    updated_at: Annotated[Moment, Field(examples=[_CREATED])]
    is_default: Annotated[bool, Field(examples=[True])]


class Member(BaseModel):
    """A namespace as a member of the organization."""

    user_id: Annotated[Uuid, Field(examples=[OWNER])]
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    created_at: Annotated[Moment, Field(examples=[_CREATED])]
    updated_at: Annotated[Moment, Field(examples=[_CREATED])]
    roles: list[Any]
    username: Annotated[str, Field(examples=["team"])]
    name: Annotated[str, Field(examples=["jane@example.com"])]
    avatar_url: Annotated[str, Field(examples=[""])]
    email: Annotated[str, Field(examples=["jane@example.com"])]
    global_roles: list[Any]


class Template(BaseModel):
    """A Template, or the template versions that share a name."""

    id: Annotated[Uuid, Field(examples=[TEMPLATE])]
    created_at: Annotated[Moment, Field(examples=[_CREATED])]
    updated_at: Annotated[Moment, Field(examples=[_CREATED])]
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    organization_name: Annotated[str, Field(examples=["default"])]
    organization_display_name: Annotated[str, Field(examples=["Taskyard"])]
    organization_icon: Annotated[str, Field(examples=[""])]
    name: Annotated[str, Field(examples=["claude"])]
    display_name: Annotated[str, Field(examples=["Claude Code"])]
    provisioner: Annotated[str, Field(examples=["terraform"])]
    active_version_id: Annotated[Uuid, Field(examples=[VERSION])]
    active_user_count: Annotated[int, Field(examples=[-1])]
    build_time_stats: dict[str, Any]
    description: Annotated[str, Field(examples=["Claude Code in a Debian container"])]
    icon: Annotated[str, Field(examples=[""])]
    default_ttl_ms: int
    activity_bump_ms: int
    deprecated: bool
    deprecation_message: Annotated[str, Field(examples=[""])]
    created_by_id: Annotated[Uuid, Field(examples=[OWNER])]
    created_by_name: Annotated[str, Field(examples=["team"])]


class Author(BaseModel):
    """The namespace of a template version."""

    id: Annotated[Uuid, Field(examples=[OWNER])]
    username: Annotated[str, Field(examples=["team"])]
    avatar_url: Annotated[str, Field(examples=[""])]


class VersionJob(common.Job):
    """The check of a template version: pending until it is done, or failed with the reason."""

    type: Annotated[str, Field(examples=["template_version_import"])]


class TemplateVersion(BaseModel):
    """A TemplateVersion."""

    id: Annotated[Uuid, Field(examples=[VERSION])]
    template_id: Annotated[Uuid, Field(examples=[TEMPLATE])]
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    created_at: Annotated[Moment, Field(examples=[_CREATED])]
    updated_at: Annotated[Moment, Field(examples=[_CREATED])]
    name: Annotated[str, Field(examples=["claude-v3"])]
    message: Annotated[str, Field(examples=["Claude Code"])]
    job: VersionJob
    readme: Annotated[str, Field(examples=["Claude Code in a Debian container"])]
    created_by: Author
    archived: bool
    has_external_agent: bool
    has_ai_task: Annotated[bool, Field(description="Whether Tasks can be created from it.", examples=[True])]


class Parameter(BaseModel):
    """A parameter that a preset sets."""

    Name: Annotated[str, Field(examples=["size"])]
    Value: Annotated[str, Field(examples=["large"])]


class Preset(BaseModel):
    """A preset of a template version; its fields are capitalized as in the Coder API."""

    ID: Annotated[Uuid, Field(examples=["9b8a7c6d-5e4f-5a3b-8c2d-1e0f9a8b7c6d"])]
    Name: Annotated[str, Field(examples=["large"])]
    Parameters: list[Parameter]
    Default: Annotated[bool, Field(examples=[True])]
    DesiredPrebuildInstances: Annotated[int | None, Field(examples=[None])]
    Description: Annotated[str, Field(examples=[""])]
    Icon: Annotated[str, Field(examples=[""])]
