"""The routes that stream: the events of one Task, and those of all Tasks that the caller may see.

A stream is notified of a change, reads the cache and sends the newest state: nothing is queued for a slow client. From
time to time the access of its caller is checked again.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from taskyard.api.vocabulary import Phase
from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit.act import Act
from taskyard.gateway.audit.line import Verb
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.change_notifier import Waiter
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.options import LAST_EVENT_ID, TIMEOUT, Q, described
from taskyard.gateway.rest.openapi.schemas.task import Entry, Gone, Synced, Task
from taskyard.gateway.rest.openapi.schemas.workspace import WorkspaceBuild
from taskyard.gateway.rest.routes.paging import counted, out_of_range
from taskyard.gateway.rest.search import tasks as listing
from taskyard.gateway.rest.search.tasks import Wanted
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.streams.agent_messages import AgentMessages, PodAddress, pod_address_of
from taskyard.gateway.rest.streams.sse import EventStream
from taskyard.gateway.rest.streams.stream_access import AccessLostError, StreamAccess
from taskyard.gateway.rest.streams.task_events import EventMark, TaskEvents
from taskyard.gateway.rest.streams.task_watch import TaskWatch
from taskyard.gateway.rest.views import vocabulary
from taskyard.limits import MAX_PROMPT_CHARACTERS

MAX_SECONDS = 86_400
# Changes in quick succession are sent together.
_PAUSE_SECONDS = 0.05
_PIECE_BYTES = 16_384
# A piece of events, or one that has the longest prompt, with each of its characters escaped.
_LARGEST_BYTES = _PIECE_BYTES + 6 * MAX_PROMPT_CHARACTERS

_EVENTS = (
    "Events `task` (the Task), `build` (a build), `message` (one of the conversation, while the Task is active and for "
    "callers who may read the log) and `gone` (it was deleted, or the caller may no longer see it; the last). Each has "
    "the newest state: several changes while a client does not read are sent once. A `message` or `build` replaces the "
    "earlier one of its id."
)
_EXAMPLE = """\
retry: 2000

id: 4711.4702.1.0
event: task
data: {"id":"8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11","name":"fix-the-build","status":"active"}

id: 4711.4702.1.1
event: message
data: {"id":0,"content":"Fix the build","type":"input","time":"2026-01-31T12:01:07Z"}

: ping

"""
_WATCH = (
    "Events `task` for all existing Tasks, then `synced` with their `count`, then `task` and `gone` as they change. "
    "After a break a stream starts over: Tasks that it does not send before `synced` are gone."
)
_WATCHED = """\
retry: 2000

event: task
data: {"id":"8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11","name":"fix-the-build","status":"active"}

event: synced
data: {"count":1}

event: gone
data: {"id":"8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11","owner_name":"team","name":"fix-the-build"}

"""


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v1alpha1/tasks", tags=["Beyond"])

    @router.get(
        "/watch",
        **described(
            "watch",
            "Changes of all Tasks that the caller may see",
            400,
            text=_WATCH,
            stream=_WATCHED,
            events={"task": Task, "synced": Synced, "gone": Gone},
            parameters=[Q, TIMEOUT],
        ),
    )
    async def watch(request: Request) -> Response:
        person = await context.person(request, streaming=True)
        seconds = _seconds(request)
        wanted = await listing.wanted(context, person, request.query_params.get("q", ""))
        access = context.stream_access(request, person)
        return EventStream(_of_all(context, person, wanted, access, seconds=seconds))

    @router.get(
        "/{user}/{task}/events",
        **described(
            "events",
            "Changes of a Task",
            *(400, 404),
            text=_EVENTS,
            stream=_EXAMPLE,
            events={"task": Task, "build": WorkspaceBuild, "message": Entry, "gone": Gone},
            parameters=[TIMEOUT],
            headers=[LAST_EVENT_ID],
        ),
    )
    async def events(request: Request, user: str, task: str) -> Response:
        person = await context.person(request, streaming=True)
        found = await context.task(request, person, user, task)
        seconds = _seconds(request)
        feed = TaskEvents(context.cache, context.prompts, found, EventMark.of(request.headers.get("last-event-id", "")))
        access = context.stream_access(request, person)
        reads = await context.may(person, "get", authorization.TASK_LOG, found.namespace, found.name)
        act = acts.of(request)
        act.verb = Verb.READ_LOG if reads else Verb.FOLLOW
        return EventStream(_of_one(context, person, feed, access, act, reads=reads, seconds=seconds))

    return router


async def _of_one(
    context: RestContext,
    person: Person,
    feed: TaskEvents,
    access: StreamAccess,
    act: Act,
    *,
    reads: bool,
    seconds: float,
) -> AsyncGenerator[bytes, None]:
    """The events of one Task, including those of its conversation while the caller `reads` its log."""
    end, is_told = context.monotonic() + seconds, reads
    yield sse.retry()
    with context.cache.changes.waiting(feed.key) as waiter, contextlib.ExitStack() as subscription:
        heard: tuple[PodAddress, AgentMessages] | None = None
        while True:
            waiter.take()
            async for piece in _held(context, person, feed.look()):
                yield piece
            task = feed.task
            if task is None:
                if feed.ended:
                    return
                continue  # it went while its last news were sent
            place = pod_address_of(context.cache, task) if reads and vocabulary.phase(task) == Phase.ACTIVE else None
            if place != (heard and heard[0]):
                subscription.close()
                feed.turn_away()
                heard = (place, subscription.enter_context(context.dialogues.of(place, waiter.wake))) if place else None
            if heard:
                async for piece in _held(context, person, _each(feed.listen(heard[1]))):
                    yield piece
            if await _rest(context, waiter, access, end=end):
                yield sse.goodbye()
                return
            if access.due_in:
                continue
            try:
                sees, reads = await access.of_task(task, last=(True, reads))
            except AccessLostError:
                return
            if reads and not is_told:
                is_told = True
                act.also(Verb.READ_LOG)
            if not sees:
                for piece in feed.end():
                    yield piece
                return
            yield sse.PING


async def _of_all(
    context: RestContext, person: Person, wanted: Wanted, access: StreamAccess, *, seconds: float
) -> AsyncGenerator[bytes, None]:
    """All selected Tasks that the caller may list, then `synced`, then their changes."""
    end = context.monotonic() + seconds
    overview = TaskWatch(context.cache, context.rendered, wanted.takes)
    yield sse.retry()
    with context.cache.changes.waiting() as waiter:
        asked: frozenset[str] | None = None
        while True:
            changed = waiter.take()
            if asked is None or not access.due_in or any(key[0] not in asked for key in changed.values()):
                is_first, asked = asked is None, _namespaces(context, wanted)
                try:
                    readable = await access.of_namespaces(asked, last=overview.readable)
                except AccessLostError:
                    return
                async for chunk in _held(context, person, _chunks(overview.all(readable))):
                    yield chunk
                yield sse.event("synced", {"count": len(overview)}) if is_first else sse.PING
            async for chunk in _held(context, person, _chunks(overview.some(changed))):
                yield chunk
            if await _rest(context, waiter, access, end=end):
                yield sse.goodbye()
                return


async def _held(context: RestContext, person: Person, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces, each made once there is room for it, and held until the client has taken it."""
    while True:
        with await context.lists.budget.lease(person.user.digest, _LARGEST_BYTES):
            piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece


async def _rest(context: RestContext, waiter: Waiter, access: StreamAccess, *, end: float) -> bool:
    """Wait for a change, or until the caller's access is due for a check. Returns whether the stream is over."""
    if context.stopping.is_set():
        return True
    await asyncio.sleep(_PAUSE_SECONDS)
    await waiter.wait(max(0.0, min(access.due_in, end - context.monotonic())))
    return context.stopping.is_set() or context.monotonic() >= end


def _namespaces(context: RestContext, wanted: Wanted) -> frozenset[str]:
    if wanted.namespace:
        return frozenset({wanted.namespace})
    return context.cache.newest_tasks.namespaces


async def _each(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


async def _chunks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Joins many small pieces into few larger ones, since each costs a write to the socket."""
    chunk = bytearray()
    async for piece in pieces:
        chunk += piece
        if len(chunk) >= _PIECE_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _seconds(request: Request) -> float:
    """The seconds after which the stream has to end. Raises HttpError 400."""
    text = request.query_params.get("timeout_seconds", "")
    if not text:
        return math.inf
    found = counted(text, MAX_SECONDS)
    if not found:
        raise out_of_range("timeout_seconds", text, least=1, most=MAX_SECONDS)
    return float(found)
