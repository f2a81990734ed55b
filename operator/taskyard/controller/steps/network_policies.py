"""Applies the NetworkPolicies, and nothing else does: one in each namespace with Tasks, kept as the rules say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from weakref import WeakValueDictionary

from taskyard.controller.cache.stores import Stores, of_namespace
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, NotLeadingError, Object
from taskyard.core import refusal
from taskyard.core.manifests import network
from taskyard.core.manifests.network import Action, NetworkRules
from taskyard.core.names import NETWORK_POLICY
from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Attempt, Wait
from taskyard.core.resources import ENDPOINT_SLICES, NETWORK_POLICIES
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)

LEARN_EVERY_SECONDS = 600.0
LEARN_AGAIN_SECONDS = 10.0
AGAIN_SECONDS = 10.0
# Every cluster publishes the addresses of its API server in this Service's EndpointSlice.
API_SERVER = ("default", "kubernetes")
TRIES = 3


class NetworkPolicyKeeper:
    """Keeps the policies; without `rules` it does nothing.

    A policy exists before the first Pod of a Task, and is removed when neither Task nor Pod is left: it also applies to
    a Pod that is being stopped.
    """

    def __init__(self, cluster: Cluster, stores: Stores, rules: NetworkRules | None) -> None:
        self._cluster = cluster
        self._stores = stores
        self._rules = rules
        self._wanted: Object = network.spec(rules) if rules else {}
        self._digest = network.digest(self._wanted)
        self._stored: bytes | None = None
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._is_refused = False

    async def learn(self) -> bool:
        """Read the addresses of the API server, which Tasks may not reach. Returns whether that changes the policies.
        Raises ApiError."""
        if self._rules is None:
            return False
        try:
            found = await self._cluster.get(ENDPOINT_SLICES, *API_SERVER)
            self._is_refused = False
        except ApiError as error:
            if not error.is_refusal:
                raise
            if not self._is_refused:
                logger.warning(
                    "cannot read the API server's addresses; Tasks are kept from it only if they are private: %s", error
                )
            self._is_refused, found = True, None
        wanted = network.spec(self._rules, network.addresses(found))
        if wanted == self._wanted:
            return False
        self._wanted, self._digest, self._stored = wanted, network.digest(wanted), None
        return True

    async def keep_learning(self, look: Callable[[Key], None]) -> None:
        """Repeat `learn` from time to time, until cancelled; after a change `look` is called for each namespace with a
        policy."""
        delay = LEARN_EVERY_SECONDS
        while True:
            await asyncio.sleep(delay)
            try:
                has_changed = await self.learn()
                delay = LEARN_EVERY_SECONDS
            except ApiError as error:
                logger.warning(
                    "cannot read the API server's addresses: %s; retrying in %.0f s", error, LEARN_AGAIN_SECONDS
                )
                has_changed, delay = False, LEARN_AGAIN_SECONDS
            if has_changed:
                for policy in list(self._stores.network_policies):
                    look((policy.namespace, ""))

    async def refusal(self, namespace: str) -> Wait | None:
        """Bring the namespace's policy up to date. Returns why it is refused, if it is; no Pod is created then. Raises
        ApiError."""
        try:
            await self.keep(namespace)
        except NotLeadingError:
            raise
        except ApiError as error:
            verb = "create" if self._stores.network_policies.get((namespace, NETWORK_POLICY)) is None else "update"
            verdict = refusal.of(error.answer, Attempt(verb, "NetworkPolicy", NETWORK_POLICY))
            if not isinstance(verdict, Wait):
                raise
            found = verdict.obstacle
            message = f"No Pod is created without NetworkPolicy {NETWORK_POLICY}, which is refused. {found.message}"
            return Wait(Obstacle(found.reason, message), min(verdict.seconds, AGAIN_SECONDS))
        return None

    async def keep(self, namespace: str) -> None:
        """Bring the namespace's policy up to date; writes only what differs. Raises ApiError."""
        if self._rules is None or self._action(namespace) is Action.NOTHING:
            return
        async with self._writing.setdefault(namespace, asyncio.Lock()):
            for _ in range(TRIES):
                action = self._action(namespace)
                if action is Action.NOTHING:
                    return
                await self._apply(namespace, action)
        raise ApiError(f"NetworkPolicy {namespace}/{NETWORK_POLICY}", "another client keeps changing it")

    def _action(self, namespace: str) -> Action:
        group = of_namespace(namespace)
        found = self._stores.network_policies.get((namespace, NETWORK_POLICY))
        return network.decide(
            found.found if found else None,
            self._digest,
            needed=self._stores.tasks.has(group) or self._stores.pods.has(group),
            stored=self._stored,
        )

    async def _apply(self, namespace: str, action: Action) -> None:
        store, key, wanted = self._stores.network_policies, (namespace, NETWORK_POLICY), self._wanted
        known = store.get(key)
        written: Object | None = None
        try:
            if known is None:
                written = await self._cluster.create(NETWORK_POLICIES, network.manifest(namespace, wanted))
            elif action is Action.MEND:
                written = await self._cluster.patch(NETWORK_POLICIES, *key, network.repair(wanted))
            else:
                await self._cluster.delete(NETWORK_POLICIES, *key, uid=known.uid, resource_version=str(known.version))
                store.remove(key, uid=known.uid)
        except (ConflictError, MissingError):
            # Somebody else has created or removed it meanwhile: decide again by what is there now.
            found = await self._cluster.get(NETWORK_POLICIES, *key)
            if found is not None:
                store.put(found)
            elif known is not None:
                store.remove(key, uid=known.uid)
            return
        logger.info("namespace %s: NetworkPolicy %s: %s", namespace, NETWORK_POLICY, DONE[action])
        if written is not None:
            store.put(written)
            if wanted == self._wanted and (stored := network.digest(written["spec"])) != self._digest:
                self._stored = stored


DONE = {Action.CREATE: "created", Action.MEND: "restored", Action.REMOVE: "removed with the last Task"}
