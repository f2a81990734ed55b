"""What a caller may do: the API server decides for each namespace, and its verdicts are cached for ten seconds."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from taskyard.api import GROUP
from taskyard.core import resources
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access import object_names
from taskyard.gateway.rest.access.authentication import REMEMBERED_SECONDS, Person, User
from taskyard.gateway.rest.access.ttl_cache import TtlCache

TASKS = resources.TASKS.plural
TASK_LOG = f"{TASKS}/log"
TASK_INPUTS = resources.TASK_INPUTS.plural
TEMPLATES = resources.TEMPLATES.plural
TEMPLATE_VERSIONS = resources.TEMPLATE_VERSIONS.plural

_REMEMBERED = 32_768
_REMEMBERED_BYTES = 12 << 20
_KEY_BYTES = 65
_AT_ONCE = 16


@dataclass(frozen=True)
class Act:
    """A verb on a resource of taskyard.dev, its subresource after a slash; without a name, on all objects."""

    verb: str
    resource: str
    namespace: str
    name: str = ""


class Authorization:
    """Asks the API server about each act of each user at most once in ten seconds. Nobody may do anything with a name
    that Kubernetes does not allow: the API server is not asked about it."""

    def __init__(self, cluster: Cluster, metrics: Metrics, *, monotonic: Callable[[], float]) -> None:
        self._cluster = cluster
        self._metrics = metrics
        # By the digests of user and act, so that no verdict takes more memory than another.
        self._verdicts: TtlCache[bytes, bool] = TtlCache(
            seconds=REMEMBERED_SECONDS,
            most=_REMEMBERED,
            most_bytes=_REMEMBERED_BYTES,
            size=lambda key, allowed: _KEY_BYTES,
            monotonic=monotonic,
        )
        metrics.watch_bytes("rights", lambda: self._verdicts.bytes)
        # Many streams of a user ask at the same time: one request serves all of them, and its result is not cached.
        self._sets: TtlCache[tuple[bytes, str, str, frozenset[str]], frozenset[str]] = TtlCache(
            seconds=0.0, most=0, monotonic=monotonic
        )
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def allows(self, person: Person, verb: str, resource: str, namespace: str, name: str = "") -> bool:
        """Whether the person may do that. Raises ApiError.

        The right to all objects of the namespace is checked first, since one verdict then covers all of them.
        """
        if not object_names.is_namespace(namespace) or (name and not object_names.is_name(resource, name)):
            self._metrics.bound_reached("name")
            return False
        if await self._ask(person.user, Act(verb, resource, namespace)):
            return True
        return bool(name) and await self._ask(person.user, Act(verb, resource, namespace, name))

    async def namespaces(self, person: Person, verb: str, resource: str, candidates: Iterable[str]) -> frozenset[str]:
        """The namespaces among the candidates in which the person may do that. Raises ApiError."""
        wanted, user = frozenset(candidates), person.user
        if await self._ask(user, Act(verb, resource, "")):
            return wanted
        key = user.digest, verb, resource, wanted
        return await self._sets.get(key, lambda: self._allowed(user, verb, resource, wanted))

    async def _allowed(self, user: User, verb: str, resource: str, wanted: frozenset[str]) -> frozenset[str]:
        verdicts = {name: self._verdicts.fresh(_key(user, verb, resource, name)) for name in wanted}
        # Only these need an asyncio task each.
        unknown = sorted(name for name, verdict in verdicts.items() if verdict is None)
        asked = await asyncio.gather(*(self._ask(user, Act(verb, resource, name)) for name in unknown))
        verdicts.update(zip(unknown, asked, strict=True))
        return frozenset(name for name, allowed in verdicts.items() if allowed)

    async def _ask(self, user: User, act: Act) -> bool:
        key = _key(user, act.verb, act.resource, act.namespace, act.name)
        return await self._verdicts.get(key, lambda: self._review(user, act))

    async def _review(self, user: User, act: Act) -> bool:
        resource, _, subresource = act.resource.partition("/")
        async with self._turn:
            return await self._cluster.review_access(
                {
                    "user": user.username,
                    "uid": user.uid,
                    "groups": list(user.groups),
                    "extra": {name: list(values) for name, values in user.extra},
                    "resourceAttributes": {
                        "group": GROUP,
                        "resource": resource,
                        "subresource": subresource,
                        "verb": act.verb,
                        "namespace": act.namespace,
                        "name": act.name,
                    },
                }
            )


def _key(user: User, verb: str, resource: str, namespace: str, name: str = "") -> bytes:
    # Each page asks this about all namespaces that have Tasks, so no Act is made for it.
    return hashlib.sha256(user.digest + f"{verb}\n{resource}\n{namespace}\n{name}".encode()).digest()
