"""Writes one step. Every write is idempotent or guarded; its result goes into the stores at once."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace

from taskyard.api.workspacebuild import BuildPhase, BuildReason
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, Object
from taskyard.controller.network_policies import NetworkPolicyKeeper
from taskyard.controller.stores import Stores
from taskyard.core import ownership, status, template_resolution, times
from taskyard.core.decision import (
    CreateBuild,
    CreateClaim,
    CreatePod,
    DeleteBuild,
    DeletePod,
    DeleteTask,
    EndBuild,
    Reserve,
    Rest,
    Step,
)
from taskyard.core.installation import Installation
from taskyard.core.manifests import build, claim, pod
from taskyard.core.observed import BuildView, Observed, Obstacle, PodView
from taskyard.core.ownership import Ownership
from taskyard.core.parameters import Violation
from taskyard.core.pod_admission import pod_obstacle
from taskyard.core.resources import CLAIMS, NAMESPACES, PODS, TASKS, WORKSPACE_BUILDS, Resource
from taskyard.watchcache.store import Store, key_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Blocked:
    """The step cannot be done now; try again after `seconds`."""

    obstacle: Obstacle
    seconds: float


class Applier:
    """Writes steps. All methods raise ApiError."""

    def __init__(
        self, cluster: Cluster, stores: Stores, installation: Installation, network: NetworkPolicyKeeper
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._installation = installation
        self._network = network

    async def apply(self, observed: Observed, step: Step) -> Blocked | None:
        """Write a step. Returns None when it is done or, according to the stores, no longer applies."""
        match step:
            case Reserve():
                return await self._reserve(observed, step)
            case CreateBuild():
                return await self._create_build(observed, step)
            case CreateClaim():
                return await self._create_claim(observed)
            case CreatePod():
                return await self._create_pod(observed, step)
            case DeletePod():
                return await self._delete_pod(observed, step)
            case EndBuild():
                return await self._end_build(observed, step)
            case DeleteBuild(old):
                await self._delete_build(observed, old)
                return None
            case DeleteTask():
                await self._delete_task(observed)
                return None
            case Rest():
                return None

    async def keep_network(self, namespace: str) -> None:
        """Bring the namespace's NetworkPolicy up to date; writes only what differs."""
        await self._network.keep(namespace)

    async def write_status(self, observed: Observed, *, reserve: Reserve | None = None) -> bool:
        """Write what was observed into the Task's status if it differs. Returns whether the store has changed."""
        task = observed.task
        patch = status.patch(task.status, status.document(observed, reserve=reserve))
        if not patch:
            return False
        try:
            written = await self._cluster.patch_status(
                TASKS, task.namespace, task.name, patch, resource_version=task.resource_version
            )
        except (ConflictError, MissingError):
            await self._look_again(observed)
            return True
        self._stores.tasks.put(written)
        return True

    async def _look_again(self, observed: Observed) -> Object | None:
        """A live read of the Task, after which the store shows it."""
        task = observed.task
        live = await self._cluster.get(TASKS, task.namespace, task.name)
        if live is None or live["metadata"]["uid"] != task.uid:
            self._stores.tasks.remove((task.namespace, task.name), uid=task.uid)
        if live is not None:
            self._stores.tasks.put(live)
        return live

    async def _reserve(self, observed: Observed, step: Reserve) -> Blocked | None:
        task = observed.task
        if step.reason is BuildReason.RECOVER and not await self._is_recovery_due(observed):
            return None
        logger.info("task %s/%s: build %d is reserved: %s, %s", task.namespace, task.name, step.number, *reason(step))
        await self.write_status(observed, reserve=step)
        return None

    async def _is_recovery_due(self, observed: Observed) -> bool:
        """Whether Task and namespace still exist and the Pod is really gone, by live reads: the deletion of a namespace
        removes Pods before their owners. Raises NotDue when Task or namespace is being deleted."""
        task, newest = observed.task, observed.newest
        namespace = await self._cluster.get(NAMESPACES, None, task.namespace)
        live = await self._live(observed)
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            raise NotDue
        if live["metadata"]["resourceVersion"] != task.resource_version:
            return False
        found = await self._cluster.get(PODS, task.namespace, newest.name) if newest else None
        if found is not None and ownership.is_owned_by(found, task.uid) and not PodView.of(found).ended:
            self._stores.pods.put(found)
            return False
        return True

    async def _live(self, observed: Observed) -> Object:
        """The Task by a live read. Raises NotDue when it is deleted or being deleted."""
        live = await self._look_again(observed)
        if live is None or live["metadata"]["uid"] != observed.task.uid or "deletionTimestamp" in live["metadata"]:
            raise NotDue
        return live

    async def _create_build(self, observed: Observed, step: CreateBuild) -> Blocked | None:
        # A build that was created and is gone was deleted with its Task; the store may not know that yet.
        await self._live(observed)
        template = observed.template_version.template if observed.template_version else None
        version = template_resolution.version_for(observed, step.transition)
        manifest = build.manifest(
            observed.task,
            number=step.number,
            transition=step.transition,
            reason=step.reason,
            template=template,
            version=version,
        )
        return await self._create(observed, WORKSPACE_BUILDS, self._stores.builds, manifest)

    async def _create_claim(self, observed: Observed) -> Blocked | None:
        if observed.template_version is None:
            return None
        manifest = claim.manifest(observed.task, observed.template_version)
        return await self._create(observed, CLAIMS, self._stores.claims, manifest)

    async def _create_pod(self, observed: Observed, step: CreatePod) -> Blocked | None:
        if observed.template_version is None:
            return None
        chosen = template_resolution.chosen(observed)
        if isinstance(chosen, Violation):
            return None
        obstacle = await self._network.obstacle(observed.task.namespace)
        if obstacle:
            return Blocked(obstacle, 10.0)
        installation = replace(self._installation, hook_key=secrets.token_hex(16))
        manifest = pod.manifest(observed.task, step.build, observed.template_version, installation, chosen=chosen)
        try:
            return await self._create(observed, PODS, self._stores.pods, manifest)
        except ApiError as error:
            if not error.is_refusal:
                raise
            obstacle = pod_obstacle(error.message)
            if obstacle:
                return Blocked(obstacle, 5.0)
            message = (
                f"the API server refuses Pod {step.build.name}: {error.message}. "
                "Fix the cause or use another template version, then pause and resume the Task."
            )
            return await self._end_build(observed, EndBuild(step.build, BuildPhase.FAILED, message))

    async def _create(self, observed: Observed, resource: Resource, store: Store, manifest: Object) -> Blocked | None:
        """Create a child. If an object of that name exists, it is kept when it is the Task's own (the store was
        behind), deleted when it belongs to an earlier Task of the same name, and an obstacle otherwise."""
        namespace, name = key_of(manifest)
        try:
            store.put(await self._cluster.create(resource, manifest))
            return None
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        found = await self._cluster.get(resource, namespace, name)
        if found is None:
            return Blocked(Obstacle("Waiting", f"{manifest['kind']} {name} of an earlier Task is being deleted."), 0.2)
        match ownership.ownership_of(found, name=observed.task.name, uid=observed.task.uid):
            case Ownership.OWN:
                store.put(found)
                return None
            case Ownership.FORMER:
                await self._remove_former(observed, resource, found)
                message = f"{manifest['kind']} {name} of an earlier Task of this name is being deleted."
                return Blocked(Obstacle("FormerTask", message), 1.0)
            case Ownership.FOREIGN:
                message = (
                    f"{manifest['kind']} {name} exists and is not this Task's; "
                    "delete it, or delete this Task and use another name."
                )
                return Blocked(Obstacle("NameConflict", message), 30.0)

    async def _remove_former(self, observed: Observed, resource: Resource, found: Object) -> None:
        """Delete a child of an earlier Task, as garbage collection would; that can lose track of a Task that was
        deleted and created again. Also delete that Task's Pods, which may hold its claim."""
        task = observed.task
        going = {(PODS, key_of(other)): other for other in self._stores.pods.grouped((task.namespace, task.name))}
        going = {
            key: other
            for key, other in going.items()
            if ownership.ownership_of(other, name=task.name, uid=task.uid) is Ownership.FORMER
        }
        going[resource, key_of(found)] = found
        # Only after the children were read: the Task that has the name now had it then, so their owner is gone.
        await self._live(observed)
        for (kind, (namespace, name)), child in going.items():
            metadata = child["metadata"]
            if "deletionTimestamp" in metadata:
                continue
            logger.info("task %s/%s: deleting %s %s of an earlier Task", namespace, task.name, kind.plural, name)
            await self._cluster.delete(
                kind, namespace, name, uid=metadata["uid"], resource_version=metadata["resourceVersion"]
            )

    async def _delete_pod(self, observed: Observed, step: DeletePod) -> Blocked | None:
        task = observed.task
        logger.info("task %s/%s: deleting Pod %s: %s", task.namespace, task.name, step.pod.name, step.why)
        await self._cluster.delete(PODS, task.namespace, step.pod.name, uid=step.pod.uid)
        # The object shows how far its deletion is: terminating or gone.
        found = await self._cluster.get(PODS, task.namespace, step.pod.name)
        if found is None or found["metadata"]["uid"] != step.pod.uid:
            self._stores.pods.remove((task.namespace, step.pod.name), uid=step.pod.uid)
        else:
            self._stores.pods.put(found)
        return None

    async def _end_build(self, observed: Observed, step: EndBuild) -> Blocked | None:
        task, now = observed.task, times.rfc3339(observed.now)
        logger.info(
            "task %s/%s: build %s: %s%s",
            task.namespace,
            task.name,
            step.build.name,
            step.phase,
            f": {step.message}" if step.message else "",
        )
        patch: Object = {
            "phase": step.phase,
            "startedAt": times.rfc3339(step.build.created_at),
            "finishedAt": now,
        }
        if step.message:
            patch["message"] = step.message
        if step.pod_uid:
            patch["podUID"] = step.pod_uid
        key = (task.namespace, step.build.name)
        known = self._stores.builds.get(key)
        if known is None:
            return None
        try:
            found: Object | None = await self._cluster.patch_status(
                WORKSPACE_BUILDS, *key, patch, resource_version=known["metadata"]["resourceVersion"]
            )
        except (ConflictError, MissingError):
            found = await self._cluster.get(WORKSPACE_BUILDS, *key)
        if found is None:
            self._stores.builds.remove(key, uid=known["metadata"]["uid"])
        else:
            self._stores.builds.put(found)
        return None

    async def _delete_build(self, observed: Observed, old: BuildView) -> None:
        key = (observed.task.namespace, old.name)
        found = self._stores.builds.get(key)
        if found is not None:
            await self._cluster.delete(WORKSPACE_BUILDS, *key, uid=found["metadata"]["uid"])
            self._stores.builds.remove(key, uid=found["metadata"]["uid"])

    async def _delete_task(self, observed: Observed) -> None:
        task = observed.task
        logger.info("task %s/%s: deleting it: it has finished and its time to live is over", task.namespace, task.name)
        await self._cluster.delete(
            TASKS, task.namespace, task.name, uid=task.uid, resource_version=task.resource_version
        )
        await self._look_again(observed)


class NotDue(Exception):  # noqa: N818 - a verdict, not an error
    """The Task is being deleted: there is nothing to do for it."""


def reason(step: Reserve) -> tuple[str, str]:
    """Transition and reason, for the log."""
    return step.transition, step.reason
