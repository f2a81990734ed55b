"""Writes one step. Every write is idempotent or guarded; its result goes into the stores at once."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any

from taskyard.api.vocabulary import BuildPhase, BuildReason
from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, NotLeadingError, Object
from taskyard.controller.steps.blocked import Blocked, blocked_by
from taskyard.controller.steps.builds import BuildWriter
from taskyard.controller.steps.children import LABEL_SECONDS, Children
from taskyard.controller.steps.choices import ChoiceReader
from taskyard.controller.steps.claims import ClaimKeeper
from taskyard.controller.steps.fitting import Fitting
from taskyard.controller.steps.network_policies import NetworkPolicyKeeper
from taskyard.controller.steps.task_reader import NotDue, TaskReader
from taskyard.core import leftovers, names, refusal, status, template_resolution, text_limits, times
from taskyard.core.decision import (
    AdoptClaim,
    CreateBuild,
    CreateClaim,
    CreatePod,
    DeleteBuild,
    DeletePod,
    DeleteTask,
    EndBuild,
    GrowClaim,
    KeepPodEnd,
    RemoveLeftBehind,
    Reserve,
    Rest,
    Step,
)
from taskyard.core.installation import Installation
from taskyard.core.manifests import build, claim, pod
from taskyard.core.observed import Observed
from taskyard.core.parameters import Violation
from taskyard.core.refusal import Attempt, Fail, GoOn
from taskyard.core.resources import CLAIMS, NAMESPACES, PODS, TASKS, WORKSPACE_BUILDS

logger = logging.getLogger(__name__)


class Applier:
    """Writes steps. All methods raise ApiError; `apply` only those that are no refusals (core/refusal.py)."""

    def __init__(
        self, cluster: Cluster, stores: Stores, installation: Installation, network: NetworkPolicyKeeper
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._installation = installation
        self._network = network
        self._reader = TaskReader(cluster, stores)
        self._choices = ChoiceReader(cluster, stores, self._reader)
        self._builds = BuildWriter(cluster, stores)
        self._claims = ClaimKeeper(cluster, stores, self._builds)
        self._children = Children(cluster, stores, self._reader, self._claims)

    async def apply(self, observed: Observed, step: Step, *, is_live: bool = False) -> Blocked | None:
        """Write a step. Returns None when it is done or, according to the stores, no longer applies. `is_live` says
        that the Task was written or read a moment ago: it is not read again before its build is created."""
        attempt = attempt_of(observed, step)
        try:
            return await self._apply(observed, step, is_live=is_live)
        except NotLeadingError:
            raise
        except ApiError as error:
            verdict = refusal.of(error.answer, attempt) if attempt else None
            if isinstance(verdict, GoOn) and isinstance(step, DeleteBuild):
                self._keep_builds(observed, verdict)
                return None
            blocked = blocked_by(verdict)
            if blocked is None:
                raise
            return blocked

    def _keep_builds(self, observed: Observed, verdict: GoOn) -> None:
        """Go on with builds that the API server refuses to delete: nobody waits for that."""
        task = observed.task
        logger.warning("task %s/%s: %s", task.namespace, task.name, verdict.message)
        self._stores.held_builds.hold((task.namespace, task.name), now=observed.now)

    async def _apply(self, observed: Observed, step: Step, *, is_live: bool) -> Blocked | None:
        match step:
            case Reserve():
                return await self._reserve(observed, step)
            case CreateBuild():
                return await self._create_build(observed, step, is_live=is_live)
            case CreateClaim():
                return await self._create_claim(observed, step)
            case AdoptClaim():
                return await self._children.adopt_offered_claim(observed)
            case GrowClaim():
                await self._claims.grow(observed, step)
                return None
            case CreatePod():
                return await self._create_pod(observed, step)
            case DeletePod():
                return await self._delete_pod(observed, step)
            case EndBuild():
                return await self._end_build(observed, step)
            case KeepPodEnd():
                return await self._keep_pod_end(observed, step)
            case DeleteBuild():
                await self._delete_build(observed, step)
                return None
            case RemoveLeftBehind():
                await self._remove_left_behind(observed, step)
                return None
            case DeleteTask():
                await self._delete_task(observed)
                return None
            case Rest():
                return None

    async def examine(self, observed: Observed) -> None:
        """Find out whether the Task's choices are right, where they are too large to be known."""
        await self._choices.examine(observed)

    async def keep_network(self, namespace: str) -> Blocked | None:
        """Bring the namespace's NetworkPolicy up to date; writes only what differs."""
        return blocked_by(await self._network.refusal(namespace))

    async def write_status(self, observed: Observed, *, patch: Object) -> bool:
        """Merge `patch` into the Task's status. Returns whether the store has changed."""
        task = observed.task
        try:
            written = await self._cluster.patch_status(
                TASKS, task.namespace, task.name, patch, resource_version=task.resource_version
            )
        except (ConflictError, MissingError):
            await self._reader.look_again(observed)
            return True
        # An answer that is known changes nothing: the API server has dropped what its CRDs do not know, or the watch
        # has told it sooner.
        view = self._stores.tasks.kind.of(written)
        is_news = self._stores.tasks.keep(view)
        if is_news:
            self._stores.own_writes.add(view)
        return is_news

    async def _reserve(self, observed: Observed, step: Reserve) -> Blocked | None:
        task = observed.task
        if step.reason is BuildReason.RECOVER:
            due = await self._is_recovery_due(observed)
            if due is not True:
                return due or None
        logger.info("task %s/%s: build %d is reserved: %s, %s", task.namespace, task.name, step.number, *reason(step))
        await self.write_status(observed, patch=status_patch(observed, reserve=step))
        return None

    async def _is_recovery_due(self, observed: Observed) -> bool | Blocked:
        """Whether Task and namespace still exist and the Pod is really gone, by live reads: the deletion of a namespace
        removes Pods before their owners. Blocked while the Pod is there and cannot be watched. Raises NotDue when Task
        or namespace is being deleted."""
        task, newest = observed.task, observed.newest
        namespace = await self._cluster.get(NAMESPACES, None, task.namespace)
        live = await self._reader.live(observed)
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            raise NotDue
        if live["metadata"]["resourceVersion"] != task.resource_version:
            return False
        found = await self._cluster.get(PODS, task.namespace, newest.name) if newest else None
        pod = self._stores.pods.kind.of(found) if found else None
        if pod is not None and pod.owner == task.uid and not pod.ended:
            self._stores.pods.keep(pod)
            lost = leftovers.lost_label(pod, kind="Pod", task=task.name)
            return Blocked(lost, LABEL_SECONDS) if lost else False
        return True

    async def _create_build(self, observed: Observed, step: CreateBuild, *, is_live: bool) -> Blocked | None:
        # A build that was created and is gone was deleted with its Task; the store may not know that yet.
        if not is_live:
            await self._reader.live(observed)
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
        return await self._children.create(observed, WORKSPACE_BUILDS, manifest)

    async def _create_claim(self, observed: Observed, step: CreateClaim) -> Blocked | None:
        if observed.template_version is None:
            return None
        manifest = claim.manifest(observed.task, observed.template_version)
        try:
            return await self._children.create(observed, CLAIMS, manifest)
        except ApiError as error:
            if not error.is_refusal:
                raise
            # Where a claim of this name uses up the namespace's quota, that is found out before its name is looked at.
            found = await self._cluster.get(CLAIMS, manifest["metadata"]["namespace"], manifest["metadata"]["name"])
            if found is not None:
                return await self._children.take_or_remove(observed, CLAIMS, found)
            return await self._start_is_refused(observed, step, error)

    async def _create_pod(self, observed: Observed, step: CreatePod) -> Blocked | None:
        if observed.template_version is None:
            return None
        chosen = await self._choices.chosen(observed)
        if chosen is None or isinstance(chosen, Violation):
            return None
        blocked = await self.keep_network(observed.task.namespace)
        if blocked:
            return blocked
        installation = replace(self._installation, hook_key=secrets.token_hex(16))
        known, fitting = observed.template_version, Fitting(installation.sidecar_resources)

        async def create(resources: dict[str, Any]) -> Blocked | None:
            # In this order: of all namespaces few have a large Pod in memory at a time.
            async with (
                self._cluster.turn(PODS, known.namespace),
                self._stores.pod_templates.whole(self._cluster, known) as version,
            ):
                if version is None:
                    self._stores.template_versions.remove((known.namespace, known.name), uid=known.uid)
                    return None
                fitted = replace(installation, sidecar_resources=resources)
                manifest = pod.manifest(observed.task, step.build, version, fitted, chosen=chosen)
                if await self._children.make(PODS, manifest):
                    return None
            return await self._children.see_taken(observed, PODS, known.namespace, step.build.name)

        try:
            return await fitting.create(create, what=f"pod {observed.task.namespace}/{step.build.name}")
        except ApiError as error:
            return await self._start_is_refused(observed, step, error, remedy=fitting.remedy(error))

    async def _start_is_refused(
        self, observed: Observed, step: CreateClaim | CreatePod, error: ApiError, *, remedy: str | None = None
    ) -> Blocked | None:
        """Fail the start build whose claim or Pod is refused for good. Raises `error` again if it is not."""
        attempt = attempt_of(observed, step)
        verdict = refusal.of(error.answer, attempt, remedy=remedy) if attempt else None
        if observed.newest is None or not isinstance(verdict, Fail):
            raise error
        return await self._end_build(observed, EndBuild(observed.newest, BuildPhase.FAILED, verdict.message))

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
            patch["message"] = text_limits.message(step.message)
        if step.pod_uid:
            patch["podUID"] = step.pod_uid
        await self._builds.write(observed.task.namespace, step.build, patch)
        return None

    async def _delete_build(self, observed: Observed, step: DeleteBuild) -> None:
        task = observed.task
        if step.makes_room:
            told = "task %s/%s: deleting build %s, since a quota has no room for the next one"
            logger.info(told, task.namespace, task.name, step.build.name)
        await self._builds.delete(task.namespace, step.build)
        if step.makes_room:
            self._stores.freed_builds.hold((task.namespace, task.name), now=observed.now)

    async def _keep_pod_end(self, observed: Observed, step: KeepPodEnd) -> Blocked | None:
        task, cause = observed.task, step.end.cause
        # The store may have lost sight of a Pod that is there, and what is kept here is final.
        if not observed.pod_of(step.build):
            due = await self._is_recovery_due(observed)
            if due is not True:
                return due or None
        logger.info("task %s/%s: the Pod of build %s ends: %s", task.namespace, task.name, step.build.name, cause.told)
        await self._builds.write(observed.task.namespace, step.build, {"podEnd": step.end.manifest()})
        return None

    async def _remove_left_behind(self, observed: Observed, step: RemoveLeftBehind) -> None:
        # While a Task is being deleted without its children, these look as if they were left behind.
        await self._reader.live(observed)
        namespace, task = observed.task.namespace, observed.task.name
        for old in step.builds:
            logger.info("task %s/%s: deleting build %s of an earlier Task", namespace, task, old.name)
            await self._builds.delete_left_behind(namespace, old)

    async def _delete_task(self, observed: Observed) -> None:
        task = observed.task
        logger.info("task %s/%s: deleting it: it has finished and its time to live is over", task.namespace, task.name)
        await self._cluster.delete(
            TASKS, task.namespace, task.name, uid=task.uid, resource_version=task.resource_version
        )
        await self._reader.look_again(observed)


def status_patch(observed: Observed, *, reserve: Reserve | None = None) -> Object:
    """What is to be written into the Task's status now, or with a reservation; empty for nothing."""
    task = observed.task
    # Another Task's status goes first, and everything is decided again.
    return dict.fromkeys(task.stale_status) or status.patch(task.status, status.document(observed, reserve=reserve))


def attempt_of(observed: Observed, step: Step) -> Attempt | None:
    """What a step writes first, for the message of a refusal; None for what is told nowhere else than in the log."""
    task = observed.task
    match step:
        case CreateBuild(number):
            return Attempt("create", "WorkspaceBuild", names.build_name(task.name, number))
        case CreateClaim():
            return Attempt("create", "PersistentVolumeClaim", names.claim_name(task.name))
        case AdoptClaim() | GrowClaim():
            return Attempt("update", "PersistentVolumeClaim", names.claim_name(task.name))
        case CreatePod(made):
            return Attempt("create", "Pod", made.name)
        case DeletePod(gone):
            return Attempt("delete", "Pod", gone.name)
        case EndBuild(ended):
            return Attempt("update", "WorkspaceBuild", ended.name)
        case DeleteBuild(old):
            return Attempt("delete", "WorkspaceBuild", old.name, is_needed=False)
        case RemoveLeftBehind(builds):
            return Attempt("delete", "WorkspaceBuild", builds[0].name)
        case KeepPodEnd(lost):
            return Attempt("update", "WorkspaceBuild", lost.name)
        case DeleteTask():
            return Attempt("delete", "Task", task.name)
        case Reserve() | Rest():
            return None


def reason(step: Reserve) -> tuple[str, str]:
    """Transition and reason, for the log."""
    return step.transition, step.reason
