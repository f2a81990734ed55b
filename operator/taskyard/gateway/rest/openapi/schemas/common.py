"""The parts that several shapes share."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

TASK = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"
OWNER = "3b2f7f0c-52a1-4a7f-8d1c-1f6a9f2b7e20"
ORGANIZATION = "d4f6a3be-0b7c-4c58-8f19-5d0e3f9ab7c2"
VERSION = "c19c1a0e-7d44-4b1e-9c6f-2a8e5b0d9f31"
TEMPLATE = "5e8b2d44-91c7-4f3a-b6de-7c0f1a2b3d4e"


class Validation(BaseModel):
    """What is wrong with one field of a request."""

    field: Annotated[str, Field(examples=["name"])]
    detail: Annotated[str, Field(examples=["This value is already in use and should be unique."])]


class Error(BaseModel):
    """An error response."""

    message: Annotated[
        str,
        Field(description="What went wrong.", examples=["Validation failed."]),
    ]
    detail: Annotated[str, Field(default="", description="What may help to fix it.")]
    validations: Annotated[list[Validation], Field(default=[], description="What is wrong with which field.")]


class Job(BaseModel):
    """The work on a build, or on a template version."""

    id: Annotated[Uuid, Field(examples=["0c8b6a4e-1f35-5d8a-9b5f-6b4b6c1d2e3f"])]
    created_at: Annotated[Moment, Field(examples=["2026-01-31T12:00:00.000000Z"])]
    status: Annotated[str, Field(examples=["succeeded"], description="pending, running, succeeded, failed or canceled")]
    error: Annotated[str, Field(examples=[""])]
    file_id: Uuid
    tags: dict[str, Any]
    queue_position: int
    queue_size: int
    organization_id: Annotated[Uuid, Field(examples=[ORGANIZATION])]
    initiator_id: Annotated[Uuid, Field(examples=[OWNER])]
    type: Annotated[str, Field(examples=["workspace_build"])]


class Health(BaseModel):
    """Whether an agent is healthy."""

    healthy: Annotated[bool, Field(examples=[True])]
    reason: Annotated[str, Field(default="", description="Why it is not healthy.")]
