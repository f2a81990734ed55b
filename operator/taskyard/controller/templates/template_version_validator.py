"""Validates TemplateVersions by a server-side dry run: the work of the template versions' queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, Object
from taskyard.controller.steps.fitting import Fitting
from taskyard.controller.stores import Stores
from taskyard.core import conditions, refusal, status, template_version_dry_run, times
from taskyard.core.installation import Installation
from taskyard.core.refusal import Attempt, Fail, Wait
from taskyard.core.resources import PODS, TEMPLATE_VERSIONS
from taskyard.watchcache.kind import Key

# The cause of a refusal may lie outside the version: a missing RuntimeClass, or the namespace's Pod Security.
INVALID_AGAIN_SECONDS = 300.0
WAIT_SECONDS = 10.0
AGAIN_SECONDS = 0.2


class TemplateVersionValidator:
    """Writes the condition Valid. A valid version is immutable and needs no second check."""

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
        """Validate one version. Raises ApiError."""
        template = self._stores.template_versions.get(key)
        if template is None or template.deleting:
            return
        former = template.status.get("conditions", [])
        if any(condition["type"] == "Valid" and condition["status"] == "True" for condition in former):
            return
        now = times.rfc3339(self._clock())
        problem, remedy = template_version_dry_run.problem(template), None
        if problem is None:
            fitting = Fitting(self._installation.sidecar_resources)

            async def dry_run(resources: dict[str, Any]) -> None:
                installation = replace(self._installation, sidecar_resources=resources)
                probe = template_version_dry_run.probe(
                    template, installation, namespace=key[0], uid=template.uid, now=now
                )
                await self._cluster.create(PODS, probe, dry_run=True)

            try:
                await fitting.create(dry_run, what=f"template version {key[0]}/{key[1]}")
            except ApiError as error:
                if error.is_namespace_terminating:
                    return
                match refusal.of(error.answer, Attempt("create", "Pod", template_version_dry_run.NAME)):
                    case Wait(seconds=seconds):
                        self._again(key, max(seconds, WAIT_SECONDS))
                        return
                    case Fail():
                        problem, remedy = error.message, fitting.remedy(error)
                    case _:
                        raise
        wanted = {
            "observedGeneration": template.generation,
            "conditions": conditions.render(
                [template_version_dry_run.verdict(problem, remedy)],
                former=former,
                generation=template.generation,
                now=now,
            ),
        }
        if problem is not None:
            self._again(key, INVALID_AGAIN_SECONDS)
        patch = status.patch(template.status, wanted)
        if not patch:
            return
        try:
            written: Object | None = await self._cluster.patch_status(
                TEMPLATE_VERSIONS, *key, patch, resource_version=template.resource_version
            )
        except MissingError:
            return
        except ConflictError:
            # Somebody has changed or recreated it meanwhile: store what is there now and try again.
            written = await self._cluster.get(TEMPLATE_VERSIONS, *key)
            self._again(key, AGAIN_SECONDS)
        if written is not None:
            self._stores.template_versions.put(written)
