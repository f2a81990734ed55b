"""Makes the objects that a Task owns, or does what is due where one of their names is taken."""

from __future__ import annotations

import logging
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, Object
from taskyard.controller.steps.blocked import Blocked, blocked_by
from taskyard.controller.steps.claims import ClaimKeeper
from taskyard.controller.steps.task_reader import TaskReader
from taskyard.core import leftovers, names, refusal
from taskyard.core.child_view import ChildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.leftovers import Standing
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.pod_view import PodView
from taskyard.core.refusal import Attempt
from taskyard.core.resources import CLAIMS, PODS, WORKSPACE_BUILDS, Resource
from taskyard.watchcache.kind import Key, key_of
from taskyard.watchcache.store import Store

logger = logging.getLogger(__name__)

# How soon to look again for the label of an object: the watch tells when it is back.
LABEL_SECONDS = 30.0
KINDS = {PODS: "Pod", CLAIMS: "PersistentVolumeClaim", WORKSPACE_BUILDS: "WorkspaceBuild"}


class Children:
    """All methods raise ApiError, and NotDue where the Task is being deleted."""

    def __init__(self, cluster: Cluster, stores: Stores, reader: TaskReader, claims: ClaimKeeper) -> None:
        self._cluster = cluster
        self._stores = stores
        self._reader = reader
        self._claims = claims
        self._store_of: dict[Resource, Store[Any]] = {
            PODS: stores.pods,
            CLAIMS: stores.claims,
            WORKSPACE_BUILDS: stores.builds,
        }

    async def create(self, observed: Observed, resource: Resource, manifest: Object) -> Blocked | None:
        """Create a child, or do what is due if an object of that name exists."""
        if await self.make(resource, manifest):
            return None
        metadata = manifest["metadata"]
        return await self.see_taken(observed, resource, metadata["namespace"], metadata["name"])

    async def make(self, resource: Resource, manifest: Object) -> bool:
        """Create a child; False when an object of that name exists."""
        try:
            self._store_of[resource].put(await self._cluster.create(resource, manifest))
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            return False
        return True

    async def see_taken(self, observed: Observed, resource: Resource, namespace: str, name: str) -> Blocked | None:
        """Do what is due where an object has a child's name."""
        found = await self._cluster.get(resource, namespace, name)
        if found is None:
            message = f"{KINDS[resource]} {name} of an earlier Task is being deleted."
            return Blocked(Obstacle("Waiting", message), 0.2)
        return await self.take_or_remove(observed, resource, found)

    async def take_or_remove(self, observed: Observed, resource: Resource, found: Object) -> Blocked | None:
        """An object that has a child's name is kept when it is the Task's own (the store was behind), deleted when an
        earlier Task of the same name owns it or left it behind, adopted when it is a home that allows that, and an
        obstacle otherwise."""
        task, kind, store = observed.task, KINDS[resource], self._store_of[resource]
        child = store.kind.of(found)
        match leftovers.standing(child, name=task.name, uid=task.uid):
            case Standing.OWN:
                store.keep(child)
                lost = leftovers.lost_label(child, kind=kind, task=task.name)
                return Blocked(lost, LABEL_SECONDS) if lost else None
            case Standing.FORMER | Standing.LEFT_BEHIND:
                blocked = await self._remove_former(observed, resource, child)
                if blocked:
                    return blocked
                message = f"{kind} {child.name} of an earlier Task of this name is being deleted."
                return Blocked(Obstacle("FormerTask", message), 1.0)
            case Standing.ADOPTABLE:
                return await self._adopt_claim(observed, child)
            case Standing.FOREIGN:
                conflict = leftovers.conflict(child, kind=kind, task=task.name)
                return Blocked(conflict, 10.0 if resource is CLAIMS else 30.0)

    async def adopt_offered_claim(self, observed: Observed) -> Blocked | None:
        task = observed.task
        key = (task.namespace, names.claim_name(task.name))
        found = await self._cluster.get(CLAIMS, *key)
        if found is None:
            self._stores.claims.remove(key)
            return None
        self._stores.claims.put(found)
        claim = self._stores.claims.kind.of(found)
        return await self._adopt_claim(observed, claim) if claim.offered_to == task.name else None

    async def _adopt_claim(self, observed: Observed, claim: ClaimView) -> Blocked | None:
        """Take over a claim, once no Pod that an earlier Task left behind can use it any more."""
        task = observed.task
        pods = self._stores.pods.grouped((task.namespace, task.name))
        pods = [pod for pod in pods if self._is_going(observed, pod)]
        if pods:
            blocked = await self._remove_former(observed, PODS, pods[0])
            if blocked:
                return blocked
            message = f"Pod {pods[0].name} of an earlier Task of this name is being deleted."
            return Blocked(Obstacle("FormerTask", message), 1.0)
        await self._reader.live(observed)
        obstacle = await self._claims.adopt(observed, claim)
        return Blocked(obstacle, 10.0) if obstacle else None

    def _is_going(self, observed: Observed, pod: PodView, *, left_behind: bool = True) -> bool:
        """Whether a Pod is of an earlier Task of this name, or, if `left_behind`, lost its owner with one."""
        standing = leftovers.standing(pod, name=observed.task.name, uid=observed.task.uid)
        return standing is Standing.FORMER or (left_behind and standing is Standing.LEFT_BEHIND)

    async def _remove_former(self, observed: Observed, resource: Resource, found: ChildView) -> Blocked | None:
        """Delete a child of an earlier Task, as garbage collection would; that can lose track of a Task that was
        deleted and created again. Also delete that Task's Pods, which may hold its claim. Returns why one cannot be
        deleted."""
        task = observed.task
        # While a backup is restored, a Pod without an owner may be filling the home: no build's name is worth its end.
        ends_all = resource is not WORKSPACE_BUILDS
        pods = self._stores.pods.grouped((task.namespace, task.name))
        going: dict[tuple[Resource, Key], ChildView] = {
            (PODS, key_of(pod)): pod for pod in pods if self._is_going(observed, pod, left_behind=ends_all)
        }
        going[resource, (found.namespace, found.name)] = found
        # Only after the children were read: the Task that has the name now had it then, so their owner is gone.
        await self._reader.live(observed)
        for (kind, (namespace, name)), child in going.items():
            if child.deleting:
                continue
            logger.info("task %s/%s: deleting %s %s of an earlier Task", namespace, task.name, kind.plural, name)
            try:
                await self._cluster.delete(
                    kind, namespace, name, uid=child.uid, resource_version=child.resource_version
                )
            except ApiError as error:
                blocked = blocked_by(refusal.of(error.answer, Attempt("delete", KINDS[kind], name)))
                if blocked is None:
                    raise
                return blocked
        return None
