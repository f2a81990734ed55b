"""Validates TemplateVersions by a server-side dry run: the work of the template versions' queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, Object
from taskyard.controller.steps.fitting import Fitting
from taskyard.core import conditions, refusal, status, template_version_dry_run, times
from taskyard.core.installation import Installation
from taskyard.core.refusal import Attempt, Fail, Wait
from taskyard.core.resources import PODS, TEMPLATE_VERSIONS
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.watchcache.kind import Key

# The cause of a refusal may lie outside the version: a missing RuntimeClass, or the namespace's Pod Security.
INVALID_AGAIN_SECONDS = 300.0
WAIT_SECONDS = 10.0
AGAIN_SECONDS = 0.2


class NotDecided(Exception):  # noqa: N818 - a verdict, not an error
    """The API server does not say now whether it would take the Pod. Try again after `seconds`; None: not at all."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.seconds = seconds


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
        try:
            async with self._stores.pod_templates.whole(self._cluster, template) as whole:
                if whole is None:
                    self._stores.template_versions.remove(key, uid=template.uid)
                    return
                problem, remedy = await self._problem(whole, now=now)
        except NotDecided as error:
            if error.seconds is not None:
                self._again(key, error.seconds)
            return
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

    async def _problem(self, version: TemplateVersionView, *, now: str) -> tuple[str | None, str | None]:
        """What is wrong with the version, and what helps, if anything. Raises NotDecided, ApiError."""
        problem = template_version_dry_run.problem(version)
        if problem is not None:
            return problem, None
        fitting = Fitting(self._installation.sidecar_resources)

        async def dry_run(resources: dict[str, Any]) -> None:
            installation = replace(self._installation, sidecar_resources=resources)
            probe = template_version_dry_run.probe(
                version, installation, namespace=version.namespace, uid=version.uid, now=now
            )
            await self._cluster.create(PODS, probe, dry_run=True)

        try:
            await fitting.create(dry_run, what=f"template version {version.namespace}/{version.name}")
        except ApiError as error:
            if error.is_namespace_terminating:
                raise NotDecided from error
            match refusal.of(error.answer, Attempt("create", "Pod", template_version_dry_run.NAME)):
                case Wait(seconds=seconds):
                    raise NotDecided(max(seconds, WAIT_SECONDS)) from error
                case Fail():
                    return error.message, fitting.remedy(error)
                case _:
                    raise
        return None, None
