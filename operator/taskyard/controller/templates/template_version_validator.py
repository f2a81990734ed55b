"""Validates TemplateVersions by a server-side dry run: the work of the template versions' queue."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, Object
from taskyard.controller.steps.fitting import Fitting
from taskyard.controller.turns import Turns
from taskyard.core import conditions, status, template_version_dry_run, template_version_words, times
from taskyard.core.api_object import Manifest
from taskyard.core.conditions import Verdict
from taskyard.core.installation import Installation
from taskyard.core.resources import PODS, TEMPLATE_VERSIONS
from taskyard.core.template_version_dry_run import Outcome, Refused, Taken
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.core.template_version_words import Words
from taskyard.watchcache.kind import Key, key_of

AGAIN_SECONDS = 0.2
# What others use of a quota changes all the time, and a webhook's denial may have a time in it: with the same reason
# such words are written anew this often.
SHOWN_AGAIN = timedelta(minutes=1)


class TemplateVersionValidator:
    """Writes the condition Valid. A valid version is immutable and needs no second check. `again(key, seconds)` checks
    a version again later; `turns` are those of the versions that wait or are refused."""

    def __init__(
        self,
        cluster: Cluster,
        stores: Stores,
        installation: Installation,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        turns: Turns,
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._installation = installation
        self._clock = clock
        self._again = again
        self._turns = turns
        # The versions that are not valid, and when their condition was written.
        self._shown: dict[Key, datetime] = {}

    async def validate(self, key: Key) -> None:
        """Validate one version. Raises ApiError."""
        template = self._stores.template_versions.get(key)
        if template is None or template.deleting or is_valid(template):
            self._forget(key)
            return
        try:
            found = await self._outcome(template, now=times.rfc3339(self._clock()))
        except ApiError as error:
            if not error.is_namespace_terminating:
                raise
            return
        if found is None:
            self._stores.template_versions.remove(key, uid=template.uid)
            return
        await self._show(template, template_version_dry_run.verdict(found))
        if isinstance(found, Taken):
            self._forget(key)
        elif self._turns.ask(key, found.seconds):
            self._again(key, 0.0)

    def _forget(self, key: Key) -> None:
        self._shown.pop(key, None)
        self._turns.leave(key)

    async def _show(self, template: TemplateVersionView, verdict: Verdict) -> None:
        """Write the condition if it says something else."""
        key, moment = key_of(template), self._clock()
        former = template.status.get("conditions", [])
        known = next((condition for condition in former if condition["type"] == verdict.type), None)
        shown_at = self._shown.setdefault(key, moment)
        if template_version_dry_run.is_same(verdict, known) and moment - shown_at < SHOWN_AGAIN:
            return
        self._shown[key] = moment
        wanted = {
            "observedGeneration": template.generation,
            "conditions": conditions.render(
                [verdict], former=former, generation=template.generation, now=times.rfc3339(moment)
            ),
        }
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

    async def _outcome(self, known: TemplateVersionView, *, now: str) -> Outcome | None:
        """What the version's Pod comes to; None when the version is gone. Raises ApiError for an answer that says
        nothing about it."""
        fitting, warnings = Fitting(self._installation.sidecar_resources), list[str]()

        def probe(version: TemplateVersionView, resources: dict[str, Any]) -> Manifest:
            installation = replace(self._installation, sidecar_resources=resources)
            return template_version_dry_run.probe(
                version, installation, namespace=version.namespace, uid=version.uid, now=now
            )

        def told(version: TemplateVersionView, words: Words) -> tuple[str, ...]:
            return (*template_version_words.unsent(version.pod), *filter(None, map(words.warning, warnings)))

        async def dry_run(resources: dict[str, Any]) -> Outcome | None:
            warnings.clear()
            # In this order: of all namespaces few have a large Pod in memory at a time.
            async with self._cluster.turn(PODS, known.namespace), self._whole(known) as version:
                if version is None:
                    return None
                problem = template_version_dry_run.problem(version)
                if problem is not None:
                    return Refused(problem, tuple(template_version_words.unsent(version.pod)))
                manifest = probe(version, resources)
                await self._cluster.dry_run(PODS, manifest, warned=warnings.append)
                return Taken(told(version, Words(version.pod, manifest)))

        try:
            return await fitting.create(dry_run, what=f"template version {known.namespace}/{known.name}")
        except ApiError as error:
            if error.is_namespace_terminating:
                raise
            refused = error
        async with self._whole(known) as version:
            if version is None:
                return None
            words, remedy = Words(version.pod, probe(version, fitting.resources)), fitting.remedy(refused)
            found = template_version_dry_run.refusal_of(refused.answer, words, told(version, words), sidecar=remedy)
        if found is None:
            raise refused
        return found

    def _whole(self, known: TemplateVersionView) -> AbstractAsyncContextManager[TemplateVersionView | None]:
        return self._stores.pod_templates.whole(self._cluster, known)


def is_valid(version: TemplateVersionView) -> bool:
    """Whether the version was found valid, be it by an earlier Taskyard."""
    return any(known["type"] == "Valid" and known["status"] == "True" for known in version.status.get("conditions", ()))
