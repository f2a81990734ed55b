"""The PodTemplateSpec in a TemplateVersion, as far as Taskyard reads it; all other fields of a Pod stay as they are.

The API server checks these shapes when an object is applied, so that the builders of manifests can rely on them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from taskyard.api.schema import DNS_LABEL, Model

KEEP: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}

Text = Annotated[str, Field(max_length=32_768)]
Anything = Annotated[dict[str, Any], Field(json_schema_extra=KEEP)]


class Open(Model):
    """A part of a Pod with fields beyond those named here."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True, json_schema_extra=KEEP
    )


class Capabilities(Open):
    """Linux capabilities of a container."""

    add: Annotated[list[Text] | None, Field(max_length=64, description="Added; NET_RAW never is.")] = None
    drop: Annotated[list[Text] | None, Field(max_length=64, description="Dropped; ALL unless stated.")] = None


class ContainerSecurity(Open):
    """A container's securityContext."""

    capabilities: Annotated[Capabilities | None, Field(description="Linux capabilities.")] = None


class Named(Open):
    """Anything with a name."""

    name: Annotated[str, Field(min_length=1, max_length=253, description="Name.")]


class Container(Open):
    """One container."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL, description="Name in the Pod.")]
    command: Annotated[
        list[Text] | None, Field(max_length=256, description="Program and arguments; the agent's container needs one.")
    ] = None
    env: Annotated[list[Named] | None, Field(max_length=256, description="Environment variables.")] = None
    volume_mounts: Annotated[list[Named] | None, Field(max_length=64, description="Mounted volumes.")] = None
    security_context: Annotated[ContainerSecurity | None, Field(description="The container's securityContext.")] = None


class PodSpec(Open):
    """The Pod's spec."""

    containers: Annotated[list[Container], Field(min_length=1, max_length=32, description="The containers.")]
    init_containers: Annotated[
        list[Container] | None, Field(max_length=32, description="Containers that run first.")
    ] = None
    volumes: Annotated[list[Named] | None, Field(max_length=64, description="The Pod's volumes.")] = None
    image_pull_secrets: Annotated[
        list[Named] | None, Field(max_length=16, description="Secrets for the images' registries.")
    ] = None
    security_context: Annotated[Anything | None, Field(description="The Pod's securityContext.")] = None


class PodMetadata(Open):
    """Labels and annotations of the Pods."""

    labels: Annotated[dict[str, Text] | None, Field(max_length=64, description="Labels.")] = None
    annotations: Annotated[dict[str, Text] | None, Field(max_length=64, description="Annotations.")] = None


class PodTemplate(Open):
    """A PodTemplateSpec."""

    metadata: Annotated[PodMetadata | None, Field(description="Labels and annotations of the Pods.")] = None
    spec: Annotated[PodSpec, Field(description="The Pod's spec.")]
