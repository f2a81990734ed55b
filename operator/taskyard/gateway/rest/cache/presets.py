"""The presets of template versions. Small ones are part of what the cache keeps of a version; large ones, which may be
64 KiB and more of each, are read from the API server when somebody asks for them.
"""

import asyncio

from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest.cache.objects.template import (
    PresetView,
    TemplateVersionView,
    parse_versions,
    presets_of,
)

# A version may have a Pod of a MiB and more, which arrives with it.
_READ_AT_ONCE = 4


class Presets:
    """The presets of the template versions that the cache knows."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._turn = asyncio.Semaphore(_READ_AT_ONCE)

    async def of(self, version: TemplateVersionView) -> tuple[PresetView, ...]:
        """The presets of a version, none where it is gone. Raises ApiError."""
        if not version.has_large_presets:
            return version.presets
        async with self._turn:
            manifest = await self._cluster.template_version(version.namespace, version.name, parse=parse_versions)
        if manifest is None or manifest["metadata"]["uid"] != version.uid:
            return ()
        return presets_of(manifest)
