"""Homes that exist: takes one over that an annotation allows to, and enlarges one for a start."""

from __future__ import annotations

import logging

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError
from taskyard.controller.steps.builds import BuildWriter
from taskyard.core import text_limits
from taskyard.core.claim_view import ClaimView
from taskyard.core.decision import GrowClaim
from taskyard.core.manifests import claim
from taskyard.core.names import ADOPTABLE_BY
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.resources import CLAIMS
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)


class ClaimKeeper:
    """Writes claims that exist. All methods raise ApiError."""

    def __init__(self, cluster: Cluster, stores: Stores, builds: BuildWriter) -> None:
        self._cluster = cluster
        self._stores = stores
        self._builds = builds

    async def adopt(self, observed: Observed, found: ClaimView) -> Obstacle | None:
        """Make the Task the owner of the claim `found`, unless that has changed since. The annotation is used up, so
        that it allows nothing to a later Task of this name. Returns what prevents it."""
        task, version = observed.task, observed.template_version
        assert version is not None
        made = claim.manifest(task, version)["metadata"]
        patch = {
            "metadata": {
                "uid": found.uid,
                "resourceVersion": found.resource_version,
                "annotations": {ADOPTABLE_BY: None},
                "labels": made["labels"],
                "ownerReferences": made["ownerReferences"],
            }
        }
        logger.info("task %s/%s: taking over claim %s", task.namespace, task.name, found.name)
        try:
            self._stores.claims.put(await self._cluster.patch(CLAIMS, task.namespace, found.name, patch))
        except (ConflictError, MissingError):
            return None
        except ApiError as error:
            if not error.is_refusal:
                raise
            message = (
                f"The API server does not let this Task take over PersistentVolumeClaim {found.name}: {error.message}"
            )
            return Obstacle("AdoptionRefused", message)
        return None

    async def grow(self, observed: Observed, step: GrowClaim) -> None:
        """Ask for a larger home. A refusal goes into the build, and the start goes on."""
        task, claim = observed.task, step.claim
        key = (task.namespace, claim.name)
        patch = {
            "metadata": {"uid": claim.uid, "resourceVersion": claim.resource_version},
            "spec": {"resources": {"requests": {"storage": step.size}}},
        }
        logger.info("task %s/%s: claim %s: %s, was %s", *key[:1], task.name, claim.name, step.size, claim.requested)
        try:
            self._stores.claims.put(await self._cluster.patch(CLAIMS, *key, patch))
        except (ConflictError, MissingError):
            await self._look_at_claim(key, uid=claim.uid)
        except ApiError as error:
            if not error.is_refusal:
                raise
            logger.warning("task %s/%s: claim %s stays as it is: %s", *key[:1], task.name, claim.name, error.message)
            why = text_limits.quoted(error.message)
            await self._builds.write(task.namespace, step.build, {"resizeRefusal": why})

    async def _look_at_claim(self, key: Key, *, uid: str) -> None:
        """A live read of a claim, after which the store shows it."""
        found = await self._cluster.get(CLAIMS, *key)
        if found is None or found["metadata"]["uid"] != uid:
            self._stores.claims.remove(key, uid=uid)
        if found is not None:
            self._stores.claims.put(found)
