"""What Pods of Tasks are made from, and the stores do not keep: the Pod of a template version, and its parameters and
presets where they are large. A Pod may have any size and any number of parts. They are held here as JSON, or read anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import msgspec

from taskyard.bytebudget import ByteBudget
from taskyard.controller.cache.held_contents import HeldContents
from taskyard.controller.cluster import Cluster
from taskyard.core.api_object import Manifest
from taskyard.core.parameter_views import MAX_KEPT_BYTES, ParameterView, PresetView
from taskyard.core.resources import TEMPLATE_VERSIONS
from taskyard.core.template_version_view import TemplateVersionView

# Of JSON that is held: of all namespaces, and of one.
MAX_BYTES, NAMESPACE_BYTES = 16 << 20, 8 << 20
# Decoded, JSON of many small parts takes some thirty times its bytes. So much of it is decoded at a time, for all
# namespaces and for one, beside versions that are not larger than the last of these.
DECODED_BYTES, NAMESPACE_DECODED_BYTES, LARGE_BYTES = 6 << 20, 3 << 20, 1 << 16
# What etcd takes: the size of a version that is still to be read.
UNKNOWN_BYTES = 3 << 19


class _Choices(msgspec.Struct):
    parameters: list[Manifest] = []
    presets: list[Manifest] = []


class _Content(_Choices, kw_only=True):
    pod: Manifest


_choices = msgspec.json.Decoder(_Choices)
_content = msgspec.json.Decoder(_Content)


class PodTemplates:
    """JSON by the UID of the version, which is immutable; the least recently used goes first."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._held = HeldContents(most=max_bytes, each=min(max_bytes, NAMESPACE_BYTES))
        self._decoded = ByteBudget(most=DECODED_BYTES, each=NAMESPACE_DECODED_BYTES)

    @property
    def bytes(self) -> int:
        """How much is held."""
        return self._held.bytes

    def lean(self, manifest: Manifest) -> TemplateVersionView:
        """The view of a version without its Pod, and without large parameters and presets, which are held here. To be
        called in any thread."""
        whole, spec = TemplateVersionView.of(manifest), manifest["spec"]
        choices = _Choices(spec.get("parameters") or [], spec.get("presets") or [])
        is_large = len(msgspec.json.encode(choices)) > MAX_KEPT_BYTES
        kept = choices if is_large else _Choices()
        content = _Content(pod=whole.pod, parameters=kept.parameters, presets=kept.presets)
        self._held.hold(whole.namespace, whole.uid, msgspec.json.encode(content))
        return whole.without_parameters(pod={}) if is_large else replace(whole, pod={})

    async def choices(self, cluster: Cluster, version: TemplateVersionView) -> TemplateVersionView | None:
        """The version with its parameters and presets; None when it is gone, or was replaced by another of its name.
        Raises ApiError."""
        if not version.has_large_parameters:
            return version
        content = self._held.get(version.uid)
        if content is not None:
            return _with(version, _choices.decode(content))
        async with self.whole(cluster, version) as whole:
            return replace(whole, pod={}) if whole else None

    @asynccontextmanager
    async def whole(self, cluster: Cluster, version: TemplateVersionView) -> AsyncIterator[TemplateVersionView | None]:
        """The version with its Pod, parameters and presets, for the time of the block; None when it is gone, or was
        replaced by another of its name. A namespace that has many large ones waits for itself. Raises ApiError."""
        async with AsyncExitStack() as held:
            content = self._held.get(version.uid)
            size = UNKNOWN_BYTES if content is None else len(content)
            if size > LARGE_BYTES:
                size = min(size, NAMESPACE_DECODED_BYTES)
                held.enter_context(await self._decoded.lease(version.namespace, size))
            if content is None:
                found = await cluster.get(TEMPLATE_VERSIONS, version.namespace, version.name)
                if found is None or found["metadata"]["uid"] != version.uid:
                    yield None
                    return
                self.lean(found)
                read = TemplateVersionView.of(found)
                del found
                yield replace(
                    version,
                    pod=read.pod,
                    parameters=read.parameters,
                    presets=read.presets,
                    has_large_parameters=False,
                )
            else:
                decoded = _content.decode(content)
                yield replace(_with(version, decoded) if version.has_large_parameters else version, pod=decoded.pod)


def _with(version: TemplateVersionView, choices: _Choices) -> TemplateVersionView:
    return replace(
        version,
        parameters=tuple(map(ParameterView.of, choices.parameters)),
        presets=tuple(map(PresetView.of, choices.presets)),
        has_large_parameters=False,
    )
