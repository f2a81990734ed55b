"""Views of parameters and presets: what a template version declares, and what a Task chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taskyard.api.vocabulary import ParameterType
from taskyard.core.api_object import packed

USABLE_LABEL = "taskyard.dev/usable-by"
USABLE_VALUE = "tasks"
# Of the parameters of a Task, or the parameters and presets of a template version, as JSON: more is no part of a view
# that a cache keeps. A policy allows them 64 KiB, and thousands of objects may have as much.
MAX_KEPT_BYTES = 2048


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A parameter as a template version declares it; `env` is its variable in the agent's container. Values are packed
    here and in the other views."""

    name: str
    type: ParameterType
    required: bool
    default: str | bytes | None
    pattern: str | None
    env: str

    @classmethod
    def of(cls, declared: dict[str, Any]) -> ParameterView:
        name: str = declared["name"]
        return cls(
            name=name,
            type=ParameterType(declared["type"]),
            required=declared.get("required", False),
            default=packed(declared["default"]) if "default" in declared else None,
            pattern=declared.get("pattern"),
            env=declared.get("env") or name.upper().replace("-", "_"),
        )


@dataclass(frozen=True, slots=True)
class PresetView:
    """A preset: values by name of parameter, and the agent's resources (a ResourceRequirements) or None."""

    name: str
    default: bool
    values: tuple[tuple[str, str | bytes], ...]
    resources: dict[str, Any] | None

    @classmethod
    def of(cls, preset: dict[str, Any]) -> PresetView:
        return cls(
            name=preset["name"],
            default=preset.get("default", False),
            values=tuple((entry["name"], packed(entry["value"])) for entry in preset.get("parameters") or ()),
            resources=preset.get("resources"),
        )


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret in the Task's namespace."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class GivenView:
    """A Task's choice for one parameter."""

    name: str
    chosen: str | bytes | SecretKey

    @classmethod
    def of(cls, given: dict[str, Any]) -> GivenView:
        reference = given.get("secretRef")
        chosen = SecretKey(reference["name"], reference["key"]) if reference else packed(given["value"])
        return cls(given["name"], chosen)


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A Template: which version is active. `status` is the document as it is stored."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    deleting: bool
    active_version: str
    status: dict[str, Any]

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @classmethod
    def of(cls, template: dict[str, Any]) -> TemplateView:
        metadata = template["metadata"]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            version=int(metadata["resourceVersion"]),
            generation=metadata["generation"],
            deleting="deletionTimestamp" in metadata,
            active_version=template["spec"]["activeVersion"],
            status=template.get("status") or {},
        )
