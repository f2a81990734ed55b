"""The people's listener as one part of the gateway: its cache, its certificate, its server."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from taskyard.core import sidecar
from taskyard.gateway.context import Context
from taskyard.gateway.people.app import people_app
from taskyard.gateway.people.authentication import Authentication
from taskyard.gateway.people.authorization import Authorization
from taskyard.gateway.people.cache import Cache
from taskyard.gateway.people.context import People
from taskyard.gateway.people.mountedcertificate import MountedCertificate
from taskyard.gateway.people.naming import Model, Naming
from taskyard.gateway.serving import BoundedProtocol, Listener, bind, listener
from taskyard.gateway.settings import Settings


class PeoplesProtocol(BoundedProtocol):
    """An ingress controller is one address for all who come through it."""

    most_each = BoundedProtocol.most


@contextlib.asynccontextmanager
async def serving_people(
    settings: Settings, context: Context, own_tls: ssl.SSLContext, stop: asyncio.Event
) -> AsyncIterator[Cache]:
    """Serve from the moment the cache is full until the block is left; the cache, which tells when that is.

    Requests that are being answered then are answered to their end. OSError when the port is taken or the mounted
    certificate is not there, ValueError when it cannot be used.
    """
    cache = Cache()
    model = Model(url=settings.naming_url, name=settings.naming_model, key=settings.naming_key)
    people = People(
        cluster=context.cluster,
        cache=cache,
        authentication=Authentication(context.cluster, context.metrics, monotonic=context.monotonic),
        authorization=Authorization(context.cluster, monotonic=context.monotonic),
        naming=Naming(model if model.url else None),
        keyring=lambda: context.keyring,
        now=context.now,
        default_namespace=settings.default_namespace,
        sidecar_port=sidecar.PORT,
    )
    background = []
    tls = own_tls
    if settings.people_tls_folder:
        mounted = MountedCertificate(Path(settings.people_tls_folder))
        mounted.load()
        tls = mounted.context
        background.append(asyncio.create_task(mounted.keep_fresh(stop)))
    server = listener(people_app(people, context.metrics), tls=tls, http=PeoplesProtocol)
    with bind(settings.listen_address, settings.people_port) as listening:
        filling = asyncio.create_task(cache.run(context.cluster))
        answering = asyncio.create_task(_answer(server, cache, listening))
        for task in (filling, answering):
            # If one ever ends by itself, the process ends too, and is started anew.
            task.add_done_callback(lambda _: stop.set())
        try:
            yield cache
        finally:
            server.should_exit = True
            if not cache.full.is_set():
                answering.cancel()
            await asyncio.wait([answering])
            for task in (filling, *background):
                task.cancel()
            await asyncio.gather(answering, filling, *background, return_exceptions=True)
            await people.close()


async def _answer(server: Listener, cache: Cache, listening: socket.socket) -> None:
    await cache.full.wait()
    await server.serve(sockets=[listening])
