"""Template: the family of template versions, and which of them Tasks get at their next start."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.schema import DNS_SUBDOMAIN, Conditions, Model, rules
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS


class TemplateSpec(Model):
    """Which version is in use. Changing it is a rollout: each Task takes it at its next start."""

    active_version: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            pattern=DNS_SUBDOMAIN,
            description="Name of a TemplateVersion in the same namespace whose spec.template is this Template's name. "
            "Tasks that name this Template get it at their next start; running ones keep their version until then.",
        ),
    ]
    display_name: Annotated[
        str | None, Field(max_length=MAX_DISPLAY_NAME_CHARACTERS, description="Title for people.")
    ] = None
    description: Annotated[str | None, Field(max_length=4096, description="What it is for.")] = None


class TemplateStatus(Model):
    """Whether Tasks can use it."""

    observed_generation: Annotated[
        int | None, Field(description="Generation of the spec that the status is based on.")
    ] = None
    conditions: Annotated[
        Conditions | None, Field(description="Resolved: the active version exists and belongs to this Template.")
    ] = None


class Template(Model):
    """A pointer to the version of a template that Tasks get at their next start. A rollout is one edit of it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must be a DNS label of at most 63 characters: a-z, 0-9 and hyphens",
            )
        )
    )

    spec: Annotated[TemplateSpec, Field(description="Which version is in use.")]
    status: Annotated[TemplateStatus | None, Field(description="Whether Tasks can use it.")] = None
