"""Runs kopf so that a fault of its watches is a line in the log and does not end the operator."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

import kopf
from kopf._cogs.structs.references import Insights  # `kopf.operator` takes one, and exports no other name for it

from taskyard import backoff
from taskyard.controller.kopf_source.handlers import registry
from taskyard.controller.kopf_source.handoff import Handoff
from taskyard.controller.kopf_source.lean import NoDifferences, NoMemories
from taskyard.controller.kopf_source.lines import Received
from taskyard.controller.kopf_source.lists import ListKind, Settings
from taskyard.core.api_object import TOO_DEEP
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS, TEMPLATES, Resource
from taskyard.watchcache.kind import UNREADABLE, NameView, View

logger = logging.getLogger(__name__)

RESTART_FIRST_SECONDS = 1.0
MAX_RESTART_SECONDS = 30.0
# A run that lasted this long was healthy: the back-off starts over.
GOOD_RUN_SECONDS = 60.0
# How long kopf's tasks may take to end after a run.
ENDING_SECONDS = 2.0

KINDS = (TASKS, TEMPLATES, TEMPLATE_VERSIONS)

# What is kept of an object in an event of that type, of its metadata and its JSON, if it is news; and what takes it.
ViewOf = Callable[[Resource, str, Mapping[str, Any], bytes], View | None]
Take = Callable[[Resource, str, View], None]
HandOn = Callable[[Resource, Mapping[str, Any]], None]


def settings(list_kind: ListKind) -> Settings:
    """Only watches: no lists, no Events, no peering, no scanning for kinds that are added or removed."""
    result = Settings()
    result.list_kind = list_kind
    result.posting.enabled = False
    result.peering.standalone = True
    result.scanning.disabled = True
    result.watching.server_timeout = 300
    result.watching.inactivity_timeout = 330
    result.watching.reconnect_backoff = 1.0
    # Few objects at a time are in memory: those that workers have not yet let go of.
    result.queueing.idle_timeout = 0.05
    result.persistence.diffbase_storage = NoDifferences()
    # The handlers take no time.
    result.queueing.exit_timeout = 0.1
    # With a timeout kopf would kill the whole process with SIGKILL.
    result.process.ultimate_exiting_timeout = None
    return result


async def watch(
    view: ViewOf, take: Take, *, list_kind: ListKind, restarted: Callable[[str], None] = lambda what: None
) -> None:
    """Run kopf until cancelled; `view` is called in kopf's thread, `take` and `list_kind` in this loop.

    After a fatal failure of a watch (for kopf, any error but 410) all of its watches are restarted, and `restarted` is
    called with "kopf", which stands for all kinds.

    Each run has a thread and an event loop of its own.
    """
    loop = asyncio.get_running_loop()
    failures = 0

    async def list_here(plural: str) -> str:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(list_kind(plural), loop))

    while True:
        began, stop, handoff = loop.time(), threading.Event(), Handoff(loop, take)

        def hand_on(resource: Resource, event: Mapping[str, Any], handoff: Handoff = handoff) -> None:
            # The view is made here, in kopf's thread, so that nothing of the object waits for the other loop.
            whole: Received = event["object"]
            try:
                if not whole.raw:
                    raise ValueError(TOO_DEEP)
                found = view(resource, event["type"], whole["metadata"], whole.raw)
            except UNREADABLE as error:
                where = whole.get("metadata", {})
                what = resource.plural, where.get("namespace"), where.get("name"), error
                logger.error("%s %s/%s cannot be read and is left out: %s", *what)
                # That it is gone counts all the same.
                found = NameView.of(whole) if event["type"] == "DELETED" else None
            if found is not None:
                handoff.add(resource, event["type"], found)

        try:
            cause = await asyncio.to_thread(run, hand_on, stop, list_here)
        finally:
            stop.set()
            handoff.close()
        failures = 0 if loop.time() - began > GOOD_RUN_SECONDS else failures + 1
        delay = backoff.delay(failures, first=RESTART_FIRST_SECONDS, longest=MAX_RESTART_SECONDS, jitter=0.5)
        logger.warning("kopf's watches ended: %s; restarting in %.1f s", cause, delay)
        await asyncio.sleep(delay)
        restarted("kopf")


def run(take: HandOn, stop: threading.Event, list_kind: ListKind) -> str:
    """Run kopf once in this thread, which also calls `list_kind`. Returns why it ended."""

    unserved: list[str] = []

    async def end_if_blind(insights: Insights) -> None:
        """kopf discovers the served kinds once. An API server that has only just started does not list those of CRDs
        yet, and kopf would never look again."""
        await insights.ready_resources.wait()
        served = {resource.plural for resource in insights.watched_resources}
        unserved.extend(kind.plural for kind in KINDS if kind.plural not in served)
        if unserved:
            stop.set()

    async def operate() -> None:
        insights = Insights()
        looking = asyncio.create_task(end_if_blind(insights))
        try:
            parts = await kopf.spawn_tasks(
                registry=registry,
                insights=insights,
                settings=settings(list_kind),
                memo=kopf.Memo(take=take),
                memories=NoMemories(),
                clusterwide=True,
                stop_flag=stop,
                # The default is derived from the user's name, which a container's numeric user does not have.
                identity="taskyard",  # type: ignore[arg-type] # kopf does not export its type
            )
            await first_end(parts)
        finally:
            looking.cancel()

    # Not asyncio.run, which waits for every task: see `abandon`.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(operate())
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    finally:
        # No more events are passed on, and kopf's thread that waits for the flag ends.
        stop.set()
        abandon(loop)
    return f"the API server does not serve {', '.join(unserved)} yet" if unserved else "kopf stopped"


async def first_end(parts: Collection[asyncio.Task[Any]]) -> None:
    """Returns when one of kopf's tasks has ended, or raises its error: the others are of no use without it."""
    ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for part in ended:
        part.result()


def abandon(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels everything that runs in the loop and closes it. kopf's own shutdown may hang: a watch that needs new
    credentials after the authenticating task has ended waits forever, and the operator would miss all changes.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, left = loop.run_until_complete(asyncio.wait(left, timeout=ENDING_SECONDS))
    if left:
        logger.info("kopf: cancelled at its end: %s", ", ".join(sorted(task.get_name() for task in left)))
    # asyncio would log that these tasks never ended when they are garbage-collected; see `log_filter.collected`.
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.close()
