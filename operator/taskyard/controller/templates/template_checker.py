"""The condition Resolved of Templates: the work of the Templates' queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import Cluster, ConflictError, MissingError
from taskyard.core import status, template_status, times
from taskyard.core.resources import TEMPLATES
from taskyard.watchcache.kind import Key


class TemplateChecker:
    """Writes into each Template whether its active version exists and belongs to it."""

    def __init__(self, cluster: Cluster, stores: Stores, *, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock

    async def check(self, key: Key) -> None:
        """Check one Template. Raises ApiError."""
        template = self._stores.templates.get(key)
        if template is None or template.deleting:
            return
        version = self._stores.template_versions.get((key[0], template.active_version))
        wanted = template_status.document(template, version, now=times.rfc3339(self._clock()))
        patch = status.patch(template.status, wanted)
        if not patch:
            return
        try:
            written = await self._cluster.patch_status(
                TEMPLATES, *key, patch, resource_version=template.resource_version
            )
        except MissingError:
            return
        except ConflictError:
            live = await self._cluster.get(TEMPLATES, *key)
            if live is not None:
                self._stores.templates.put(live)
            raise
        self._stores.templates.put(written)
