"""kopf, run so that a fault of its watches is a line in the log and not the end of the operator."""

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
from taskyard.core.resources import TASK_INPUTS, TASKS, TEMPLATE_VERSIONS, TEMPLATES, Resource

logger = logging.getLogger(__name__)

RESTART_FIRST_SECONDS = 1.0
MAX_RESTART_SECONDS = 30.0
# A run that lasted this long was a good one: the next fault is the first again.
GOOD_RUN_SECONDS = 60.0
# For what kopf has open when a run of it ends.
ENDING_SECONDS = 2.0

KINDS = (TASKS, TEMPLATES, TEMPLATE_VERSIONS, TASK_INPUTS)

Take = Callable[[Resource, Mapping[str, Any]], None]


def settings() -> kopf.OperatorSettings:
    """No Events, no peering, no look at what kinds come and go: only watches."""
    result = kopf.OperatorSettings()
    result.posting.enabled = False
    result.peering.standalone = True
    result.scanning.disabled = True
    result.watching.server_timeout = 300
    result.watching.inactivity_timeout = 330
    result.watching.reconnect_backoff = 1.0
    # What a handler of ours does takes no time.
    result.queueing.exit_timeout = 0.1
    # Not kopf's to decide: it would end the whole process with SIGKILL.
    result.process.ultimate_exiting_timeout = None
    return result


async def watch(take: Take, *, restarted: Callable[[str], None] = lambda what: None) -> None:
    """Run kopf until cancelled; a watch that fails fatally (kopf does so for any error but 410) is begun anew, and
    `restarted` told ("kopf": all kinds of it are).

    It has a thread and a loop to itself, which end with each run.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        began, stop = loop.time(), threading.Event()

        def hand_on(resource: Resource, event: Mapping[str, Any], stop: threading.Event = stop) -> None:
            if not stop.is_set():
                loop.call_soon_threadsafe(take, resource, event)

        try:
            cause = await asyncio.to_thread(run, hand_on, stop)
        finally:
            stop.set()
        failures = 0 if loop.time() - began > GOOD_RUN_SECONDS else failures + 1
        delay = backoff.delay(failures, first=RESTART_FIRST_SECONDS, longest=MAX_RESTART_SECONDS, jitter=0.5)
        logger.warning("watches of what people write ended: %s; again in %.1f s", cause, delay)
        await asyncio.sleep(delay)
        restarted("kopf")


def run(take: Take, stop: threading.Event) -> str:
    """One run of kopf in this thread; why it ended."""

    unserved: list[str] = []

    async def end_if_blind(insights: Insights) -> None:
        """kopf looks once for the kinds that there are. An API server that has only just started does not name those
        of CRDs yet, and kopf would never look again."""
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
                settings=settings(),
                memo=kopf.Memo(take=take),
                clusterwide=True,
                stop_flag=stop,
                # Left out, it is made of the user's name, which a numeric user of a container does not have.
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
        # Nothing more is handed on; and kopf waits for the flag in another thread.
        stop.set()
        abandon(loop)
    return f"the API server does not serve {', '.join(unserved)} yet" if unserved else "kopf stopped"


async def first_end(parts: Collection[asyncio.Task[Any]]) -> None:
    """Returns, or raises its error, when one of kopf's parts has ended: without it the others are of no use."""
    ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for part in ended:
        part.result()


def abandon(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels all that runs in the loop and closes it. kopf's own end has no bound: a watch that begins to authenticate
    anew when the part that authenticates is gone already waits for ever, and the operator would be blind meanwhile.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, left = loop.run_until_complete(asyncio.wait(left, timeout=ENDING_SECONDS))
    if left:
        logger.info("kopf: broken off at its end: %s", ", ".join(sorted(task.get_name() for task in left)))
    # That these tasks never ended would be told when they are collected; see `log_filter.collected`.
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.close()
