"""What the routes for people work with, and the checks that several of them begin with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import Request

from taskyard.apiclient import Object
from taskyard.core.security.keyring import Keyring
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.lifecycle import when_left
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization, namespaces
from taskyard.gateway.rest.access.agent_concurrency import AgentConcurrency
from taskyard.gateway.rest.access.authentication import Authentication, Person
from taskyard.gateway.rest.access.authorization import Authorization
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.access.request_quota import RequestQuota
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.naming import Naming
from taskyard.gateway.rest.streams.agent_messages import AgentMessageStreams
from taskyard.gateway.rest.streams.stream_access import StreamAccess
from taskyard.gateway.rest.streams.task_watch import RenderedTasks
from taskyard.sidecarclient import Sidecars


@dataclass
class RestContext:
    """The parts, and the settings that routes look at. `keyring` answers the keys in force, `now` the
    wall clock (UTC), `monotonic` seconds; `turns` is taken for calls to sidecars, and `stopping` is set when the
    process is told to end: streams end then."""

    cluster: Cluster
    cache: Cache
    authentication: Authentication
    authorization: Authorization
    callers: RequestQuota
    turns: AgentConcurrency
    naming: Naming
    keyring: Callable[[], Keyring]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    stopping: asyncio.Event
    default_namespace: str
    sidecar_port: int
    rendered: RenderedTasks = field(init=False)
    dialogues: AgentMessageStreams = field(init=False)
    _sidecars: tuple[Keyring, Sidecars] | None = None

    def __post_init__(self) -> None:
        self.rendered = RenderedTasks(self.cache)
        self.dialogues = AgentMessageStreams(lambda ip, pod_uid: self.sidecars().events(ip=ip, pod_uid=pod_uid))

    async def close(self) -> None:
        """End the connections to sidecars and to the model that names Tasks."""
        if self._sidecars:
            await self._sidecars[1].close()
        await self.naming.close()

    def sidecars(self) -> Sidecars:
        """The client for sidecars, with the keys in force."""
        keyring = self.keyring()
        if self._sidecars is None or self._sidecars[0] != keyring:
            # The former client's calls go on; its idle connections end with their sidecars.
            client = Sidecars(
                ca_certificate=keyring.authority.certificate_pem, master_key=keyring.master_key, port=self.sidecar_port
            )
            self._sidecars = keyring, client
        return self._sidecars[1]

    async def person(self, request: Request, *, streaming: bool = False) -> Person:
        """Who calls, once they have not asked for too much; `streaming` for a route whose answer lasts. HttpError 401,
        429; ApiError."""
        person = await self.authentication.person(request)
        caller = person.user.username, person.user.uid
        wait = self.callers.enter(caller, self.monotonic(), streaming=streaming)
        if wait:
            detail = "Too many streams are open." if streaming else "Ask less often, and for less at once."
            raise HttpError(429, "Too many requests.", detail=detail, retry_after=wait)
        when_left(request, lambda: self.callers.leave(caller, streaming=streaming))
        return person

    def stream_access(self, request: Request, person: Person) -> StreamAccess:
        """What the caller of a stream may, asked again for as long as it lasts."""
        return StreamAccess(self.authentication, self.authorization, self.monotonic, request, person)

    def owner(self, text: str, person: Person) -> Owner | None:
        """The namespace that a `{user}` is, None for none."""
        return namespaces.find(self.cache, text, person, default=self.default_namespace)

    def home(self, person: Person) -> str:
        """The namespace that `me` is."""
        return namespaces.home_of(self.cache, person, default=self.default_namespace)

    async def task(self, person: Person, user: str, name: str) -> Object:
        """The Task of a path: by its UID whatever the `{user}` is, else by its name. HttpError 404, the same for what
        does not exist and what the person may not read."""
        owner = self.owner(user, person)
        found, uid = None, identifiers.parsed(name)
        if uid:
            found = self.cache.task_of_uid(uid)
        if found is None and owner is not None:
            found = self.cache.task((owner.namespace, name.lower()))
        # The right is asked for in any case, so that a denial takes no longer than an absence.
        namespace = found["metadata"]["namespace"] if found else owner.namespace if owner else user.lower()
        named = found["metadata"]["name"] if found else name.lower()
        allowed = await self.may(person, "get", authorization.TASKS, namespace, named)
        if found is None or not allowed:
            raise not_found()
        return found

    async def may(self, person: Person, verb: str, resource: str, namespace: str, name: str = "") -> bool:
        """Whether the person may do that in the namespace. Raises ApiError."""
        return await self.authorization.allows(person, verb, resource, namespace, name)
