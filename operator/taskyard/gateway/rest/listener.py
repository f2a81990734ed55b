"""The listener for people as one part of the gateway: its cache, its certificate, its server."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from taskyard.core.manifests import sidecar
from taskyard.core.tokenbucket import Rate
from taskyard.gateway import metrics
from taskyard.gateway.audit.middleware import AuditLog
from taskyard.gateway.audit.writer import LineWriter
from taskyard.gateway.context import Context
from taskyard.gateway.http.server import MAX_CONNECTIONS, server_for
from taskyard.gateway.rest.access.agent_concurrency import AgentConcurrency
from taskyard.gateway.rest.access.authentication import Authentication
from taskyard.gateway.rest.access.authorization import Authorization
from taskyard.gateway.rest.access.queue_room import QueueRoom
from taskyard.gateway.rest.access.request_quota import Allowance, RequestQuota
from taskyard.gateway.rest.app import rest_app
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.naming import Model, Naming
from taskyard.gateway.rest.routes.conversation import CALL_SECONDS
from taskyard.gateway.settings import Settings
from taskyard.gateway.tls.mounted import MountedCertificate
from taskyard.httpserver import HttpServer
from taskyard.listening import bind

STANDARD_OUTPUT = 1
# A call to an agent may take that long, and its response a little longer.
GRACE_SECONDS = int(CALL_SECONDS) + 5

_CALLERS = 4096
# A sidecar types one message at a time, and has connections for 112 others.
_EACH_SIDECAR, _ALL_SIDECARS, _WAITING, _PATIENCE_SECONDS = 4, 64, 16, 10.0


@contextlib.asynccontextmanager
async def serving_rest(
    settings: Settings, context: Context, own_tls: ssl.SSLContext, stop: asyncio.Event
) -> AsyncIterator[Cache]:
    """Serve from the moment the cache is full until the block is left. Yields the cache, whose `full` marks that
    moment.

    Requests in flight at the end are answered. Raises OSError when the port is taken or the mounted certificate is
    missing, ValueError when the certificate is invalid.
    """
    cache = Cache()
    writer = _writer(context) if settings.audit else None
    model = Model(url=settings.naming_url, name=settings.naming_model, key=settings.naming_key)
    rest_context = RestContext(
        cluster=context.cluster,
        cache=cache,
        metrics=context.metrics,
        authentication=Authentication(context.cluster, context.metrics, monotonic=context.monotonic),
        authorization=Authorization(context.cluster, context.metrics, monotonic=context.monotonic),
        callers=RequestQuota(
            Allowance(
                rate=Rate(per_second=settings.people_rate, burst=settings.people_burst),
                at_once=settings.people_at_once,
                streams=settings.people_streams,
            ),
            remembered=_CALLERS,
        ),
        turns=AgentConcurrency(each=_EACH_SIDECAR, in_all=_ALL_SIDECARS, waiting=_WAITING, patience=_PATIENCE_SECONDS),
        room=QueueRoom(cache, settings.input_bounds, refused=context.metrics.input_refused),
        naming=Naming(model if model.url else None),
        keyring=lambda: context.keyring,
        now=context.now,
        monotonic=context.monotonic,
        stopping=stop,
        audit=AuditLog(
            writer,
            left_out=functools.partial(context.metrics.audit_line, metrics.LEFT_OUT),
            now=context.now,
            monotonic=context.monotonic,
        ),
        default_namespace=settings.default_namespace,
        sidecar_port=sidecar.PORT,
    )
    background = [asyncio.create_task(_end_streams(cache, stop))]
    tls = own_tls
    if settings.people_tls_folder:
        mounted = MountedCertificate(Path(settings.people_tls_folder))
        mounted.load()
        tls = mounted.context
        background.append(asyncio.create_task(mounted.keep_fresh(stop)))
    # All clients of an ingress controller share its address.
    server = server_for(rest_app(rest_context), tls=tls, most_each=MAX_CONNECTIONS, grace=GRACE_SECONDS)
    with bind(settings.listen_address, settings.people_port) as listening:
        filling = asyncio.create_task(cache.run(context.cluster))
        answering = asyncio.create_task(_answer(server, cache, listening))
        for task in (filling, answering):
            # If one ever ends by itself, the process ends too and is restarted.
            task.add_done_callback(lambda _: stop.set())
        try:
            yield cache
        finally:
            server.stop()
            if not cache.full.is_set():
                answering.cancel()
            await asyncio.wait([answering])
            for task in (filling, *background):
                task.cancel()
            await asyncio.gather(answering, filling, *background, return_exceptions=True)
            await rest_context.close()
            if writer:
                # All requests have been answered: no line follows.
                await asyncio.to_thread(writer.close)


def _writer(context: Context) -> LineWriter:
    tell = context.metrics.audit_line
    written, lost = functools.partial(tell, metrics.WRITTEN), functools.partial(tell, metrics.LOST)
    return LineWriter(STANDARD_OUTPUT, written=written, lost=lost)


async def _end_streams(cache: Cache, stop: asyncio.Event) -> None:
    """Wake all streams when the process stops: they check whether to end only after a wake-up."""
    await stop.wait()
    cache.changes.wake_all()


async def _answer(server: HttpServer, cache: Cache, listening: socket.socket) -> None:
    await cache.full.wait()
    await server.serve(sockets=[listening])
