"""A Template, its versions, and their presets."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from taskyard.core.api_object import packed
from taskyard.core.parameter_views import MAX_KEPT_BYTES
from taskyard.core.resources import TEMPLATE_VERSIONS, TEMPLATES
from taskyard.gateway.rest.cache.objects.kept import Kept, Metadata, Object, identity, shared
from taskyard.watchcache.kind import Kind


class TemplateView(Kept, frozen=True, gc=False, kw_only=True):
    """A Template."""

    active_version: str
    display_name: str
    description: str


class PresetView(msgspec.Struct, frozen=True, gc=False):
    """A preset of a template version; `parameters` are names and packed values. Of large presets only the name and
    whether it is the default are kept."""

    name: str
    description: str
    is_default: bool
    parameters: tuple[tuple[str, str | bytes], ...]


class TemplateVersionView(Kept, frozen=True, gc=False, kw_only=True):
    """A TemplateVersion. `valid` is the status of the operator's check, empty before it, and `fault` its message. What
    is missing of its `presets` is read when somebody asks for them (`cache/presets.py`)."""

    template: str
    display_name: str
    description: str
    icon: str
    has_agent: bool
    presets: tuple[PresetView, ...]
    has_large_presets: bool
    valid: str
    fault: str


class _TemplateSpec(TypedDict, total=False):
    activeVersion: str
    displayName: str | None
    description: str | None


class _Template(TypedDict, total=False):
    metadata: Metadata
    spec: _TemplateSpec


class _Given(TypedDict):
    name: str
    value: str


class _Preset(TypedDict, total=False):
    name: str
    description: str | None
    default: bool | None
    parameters: list[_Given] | None


class _Condition(TypedDict, total=False):
    type: str
    status: str
    message: str


class _Nothing(TypedDict, total=False):
    pass


class _VersionSpec(TypedDict, total=False):
    template: str
    displayName: str | None
    description: str | None
    icon: str | None
    agent: _Nothing | None
    presets: list[_Preset] | None


class _VersionStatus(TypedDict, total=False):
    conditions: list[_Condition] | None


class _Version(TypedDict, total=False):
    metadata: Metadata
    spec: _VersionSpec
    status: _VersionStatus | None


class _Versions(TypedDict, total=False):
    items: list[_Version] | None


_versions: msgspec.json.Decoder[Object] = msgspec.json.Decoder(_Versions)


def parse_versions(raw: bytes) -> Object:
    """A list of template versions in JSON, without their Pods. Raises ValueError for what is none."""
    return _versions.decode(raw)


def _template(manifest: Object) -> TemplateView:
    spec = manifest["spec"]
    return TemplateView(
        **identity(manifest["metadata"]),
        active_version=shared(spec["activeVersion"]),
        display_name=spec.get("displayName") or "",
        description=spec.get("description") or "",
    )


def presets_of(manifest: Object) -> tuple[PresetView, ...]:
    """The presets of a template version, whole."""
    return tuple(
        PresetView(
            name=preset["name"],
            description=preset.get("description") or "",
            is_default=bool(preset.get("default")),
            parameters=tuple((given["name"], packed(given["value"])) for given in preset.get("parameters") or ()),
        )
        for preset in manifest["spec"].get("presets") or ()
    )


def _named(presets: tuple[PresetView, ...]) -> tuple[PresetView, ...]:
    return tuple(PresetView(preset.name, "", preset.is_default, ()) for preset in presets)


def _version(manifest: Object) -> TemplateVersionView:
    presets, is_large = presets_of(manifest), len(msgspec.json.encode(manifest["spec"].get("presets"))) > MAX_KEPT_BYTES
    spec, status = manifest["spec"], manifest.get("status") or {}
    valid: Object = next((entry for entry in status.get("conditions") or () if entry.get("type") == "Valid"), {})
    return TemplateVersionView(
        **identity(manifest["metadata"]),
        template=shared(spec["template"]),
        display_name=spec.get("displayName") or "",
        description=spec.get("description") or "",
        icon=spec.get("icon") or "",
        has_agent=spec.get("agent") is not None,
        presets=_named(presets) if is_large else presets,
        has_large_presets=is_large,
        valid=shared(valid.get("status")),
        fault=valid.get("message", "") if valid.get("status") == "False" else "",
    )


TEMPLATE = Kind(TEMPLATES, _Template, _template)
TEMPLATE_VERSION = Kind(TEMPLATE_VERSIONS, _Version, _version)
