"""Validating TemplateVersions by a server-side dry run: the work of the template versions' queue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from taskyard.controller.cluster import PODS, TEMPLATE_VERSIONS, ApiError, Cluster, MissingError
from taskyard.controller.store import Key
from taskyard.controller.stores import Stores
from taskyard.core import conditions, status, times, validity
from taskyard.core.installation import Installation
from taskyard.core.observed import TemplateView
from taskyard.core.refusals import pod_obstacle


class Validator:
    """Writes the condition Valid, once for each version: what is immutable needs no second look."""

    def __init__(
        self,
        cluster: Cluster,
        stores: Stores,
        installation: Installation,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._installation = installation
        self._clock = clock
        self._again = again

    async def validate(self, key: Key) -> None:
        """Raises ApiError."""
        manifest = self._stores.template_versions.get(key)
        if (
            manifest is None
            or "deletionTimestamp" in manifest["metadata"]
            or manifest.get("status", {}).get("conditions")
        ):
            return
        template, now = TemplateView.of(manifest), times.rfc3339(self._clock())
        refusal = validity.problem(template)
        if refusal is None:
            try:
                probe = validity.probe(
                    template, self._installation, namespace=key[0], uid=manifest["metadata"]["uid"], now=now
                )
                await self._cluster.create(PODS, probe, dry_run=True)
            except ApiError as error:
                if error.is_namespace_terminating:
                    return
                if not error.is_refusal:
                    raise
                if pod_obstacle(error.message):
                    self._again(key, 10.0)
                    return
                refusal = error.message
        generation = manifest["metadata"]["generation"]
        wanted = {
            "observedGeneration": generation,
            "conditions": conditions.render([validity.verdict(refusal)], former=[], generation=generation, now=now),
        }
        patch = status.patch(manifest.get("status", {}), wanted)
        with contextlib.suppress(MissingError):
            self._stores.template_versions.put(await self._cluster.patch_status(TEMPLATE_VERSIONS, *key, patch))
