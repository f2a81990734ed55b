"""What the routes of the REST API work with, and the checks that several of them start with."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel

from taskyard.core.security.keyring import Keyring
from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit.act import Act
from taskyard.gateway.audit.middleware import AuditLog
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.lifecycle import when_left
from taskyard.gateway.http.list_answers import ListAnswers
from taskyard.gateway.http.request_body import read_model
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization, namespaces, object_names
from taskyard.gateway.rest.access.agent_concurrency import AgentConcurrency
from taskyard.gateway.rest.access.authentication import Authentication, Person
from taskyard.gateway.rest.access.authorization import Authorization
from taskyard.gateway.rest.access.memory import Memory
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.access.queue_room import QueueRoom
from taskyard.gateway.rest.access.request_quota import RequestQuota
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.presets import Presets
from taskyard.gateway.rest.cache.prompts import Prompts
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.naming import Naming
from taskyard.gateway.rest.streams.agent_messages import AgentMessageStreams
from taskyard.gateway.rest.streams.stream_access import StreamAccess
from taskyard.gateway.rest.streams.task_watch import RenderedTasks
from taskyard.gateway.rest.views import vocabulary
from taskyard.sidecarclient import Sidecars

# The longest prompt, with each of its characters as a pair of escapes.
BODY_BYTES = 1_048_576

M = TypeVar("M", bound=BaseModel)


@dataclass
class RestContext:
    """The parts, and the settings that routes need. `keyring` returns the current keys, `now` the time of the wall
    clock (UTC), `monotonic` seconds; `callers` limits requests, `turns` calls to sidecars, and `room` the inputs that
    wait. `stopping` is set when the process is asked to stop: streams end then."""

    cluster: Cluster
    cache: Cache
    metrics: Metrics
    authentication: Authentication
    authorization: Authorization
    callers: RequestQuota
    turns: AgentConcurrency
    room: QueueRoom
    naming: Naming
    keyring: Callable[[], Keyring]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    stopping: asyncio.Event
    audit: AuditLog
    default_namespace: str
    sidecar_port: int
    lists: ListAnswers = field(init=False, default_factory=ListAnswers)
    memory: Memory = field(init=False)
    prompts: Prompts = field(init=False)
    presets: Presets = field(init=False)
    rendered: RenderedTasks = field(init=False)
    dialogues: AgentMessageStreams = field(init=False)
    _sidecars: tuple[Keyring, Sidecars] | None = None

    def __post_init__(self) -> None:
        self.prompts = Prompts(self.cluster, self.cache.long_prompts)
        self.presets = Presets(self.cluster)
        self.rendered = RenderedTasks(self.cache, self.prompts)
        self.dialogues = AgentMessageStreams(self._events, cut=lambda: self.metrics.bound_reached("message"))
        self.memory = Memory(self.metrics)
        self.metrics.watch_bytes("answers", lambda: self.lists.budget.bytes)
        self.metrics.watch_bytes("prompts", lambda: self.cache.long_prompts.bytes)
        self.metrics.watch_bytes("conversations", lambda: self.dialogues.bytes)

    async def close(self) -> None:
        """Close the connections to sidecars and to the model that names Tasks."""
        if self._sidecars:
            await self._sidecars[1].close()
        await self.naming.close()

    def sidecars(self) -> Sidecars:
        """The client for sidecars, with the current keys."""
        keyring = self.keyring()
        if self._sidecars is None or self._sidecars[0] != keyring:
            # Calls of the previous client continue; its idle connections end with their sidecars.
            client = Sidecars(
                ca_certificate=keyring.authority.certificate_pem, master_key=keyring.master_key, port=self.sidecar_port
            )
            self._sidecars = keyring, client
        return self._sidecars[1]

    async def person(self, request: Request, *, streaming: bool = False) -> Person:
        """Authenticate the caller and count the request against their quota; `streaming` for a route that answers with
        a stream. Raises HttpError 401 or 429, and ApiError."""
        act = acts.of(request)
        _asked_for(act, request)
        person = await self.authentication.person(request)
        act.by(person.user.username, person.user.uid, person.user.groups)
        caller = person.user.digest
        wait = self.callers.enter(caller, self.monotonic(), streaming=streaming)
        if wait:
            detail = "Too many streams are open." if streaming else "Ask less often, and for less at once."
            raise HttpError(429, "Too many requests.", detail=detail, retry_after=wait)
        when_left(request, lambda: self.callers.leave(caller, streaming=streaming))
        return person

    async def read(self, request: Request, person: Person, model: type[M]) -> M:
        """The request's body as a model. Raises HttpError 400, 408, and 429 while too much is being read."""
        return await read_model(request, model, BODY_BYTES, self.memory.for_body(request, person))

    def _events(self, ip: str, pod_uid: str) -> AsyncIterator[tuple[str, str]]:
        passed_over = functools.partial(self.metrics.bound_reached, "event")
        return self.sidecars().events(ip=ip, pod_uid=pod_uid, budget=self.memory.events, passed_over=passed_over)

    def stream_access(self, request: Request, person: Person) -> StreamAccess:
        """The caller's access to a stream, checked again for as long as the stream lasts."""
        return StreamAccess(self.authentication, self.authorization, self.monotonic, request, person)

    def owner(self, text: str, person: Person) -> Owner | None:
        """The namespace that a `{user}` stands for; None when there is none."""
        return namespaces.find(self.cache, text, person, default=self.default_namespace)

    def home(self, person: Person) -> str:
        """The namespace that `me` stands for."""
        return namespaces.home_of(self.cache, person, default=self.default_namespace)

    def is_organization(self, text: str) -> bool:
        """Whether a name or a UUID is that of the one organization."""
        return text.lower() == vocabulary.ORGANIZATION or identifiers.parsed(text) == self.cache.organization_id

    def check_organization(self, text: str) -> None:
        """Raise HttpError 404 unless a name or a UUID is that of the one organization."""
        if not self.is_organization(text):
            raise not_found()

    async def task(self, request: Request, person: Person, user: str, name: str) -> TaskView:
        """The Task of a path: by its UID, whatever the `{user}` is, or by its name. Raises the same HttpError 404 for a
        Task that does not exist and for one that the person may not read; the audit log tells them apart."""
        act = acts.of(request)
        owner = self.owner(user, person)
        found, uid = None, identifiers.parsed(name)
        if uid:
            found = self.cache.task_of_uid(uid)
        if found is None and owner is not None:
            found = self.cache.task((owner.namespace, name.lower()))
        # The right is checked in any case, so that a denial takes no longer than an absence.
        namespace = found.namespace if found else owner.namespace if owner else user.lower()
        named = found.name if found else name.lower()
        allowed = await self.may(person, "get", authorization.TASKS, namespace, named)
        if found is not None:
            act.on(found.namespace, found.name, found.uid)
        elif owner is not None:
            act.namespace = owner.namespace
        if not allowed:
            raise denied(request, "get", authorization.TASKS)
        if found is None:
            act.reason = "There is no such Task."
            raise not_found()
        return found

    async def may(self, person: Person, verb: str, resource: str, namespace: str, name: str = "") -> bool:
        """Whether the person may use the verb on the resource in the namespace. Raises ApiError."""
        return await self.authorization.allows(person, verb, resource, namespace, name)


def denied(request: Request, verb: str, resource: str) -> HttpError:
    """The error for an act without the right to it: to the caller the same as for an object that does not exist. Only
    the audit log tells the two apart."""
    acts.of(request).reason = f"The user has no right to {verb} {resource}."
    return not_found()


def _asked_for(act: Act, request: Request) -> None:
    """What the path names, as far as it can be a name: anything else might be a secret at the wrong place."""
    user, task = (request.path_params.get(name, "") for name in ("user", "task"))
    uid = identifiers.parsed(task)
    is_namespace = user != namespaces.ME and object_names.is_namespace(user)
    is_name = uid is None and object_names.is_name(authorization.TASKS, task)
    act.on(user if is_namespace else None, task if is_name else None, uid)
