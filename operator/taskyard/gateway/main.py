"""The gateway's entry point."""

import asyncio
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime

import prometheus_client

# httpx has a command line of its own, for which it would load click, rich and pygments where they are installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

from taskyard import __version__  # noqa: E402
from taskyard.apiclient import ApiError  # noqa: E402
from taskyard.core.security.keyring import Keyring  # noqa: E402
from taskyard.core.tokenbucket import Rate  # noqa: E402
from taskyard.environment import SettingsError  # noqa: E402
from taskyard.gateway.cluster import Cluster  # noqa: E402
from taskyard.gateway.context import Context  # noqa: E402
from taskyard.gateway.http.probes import probes_app  # noqa: E402
from taskyard.gateway.http.server import server_for  # noqa: E402
from taskyard.gateway.metrics import Metrics  # noqa: E402
from taskyard.gateway.rest.cache.cache import Cache  # noqa: E402
from taskyard.gateway.rest.listener import serving_rest  # noqa: E402
from taskyard.gateway.review_limit import ReviewLimit  # noqa: E402
from taskyard.gateway.settings import Settings  # noqa: E402
from taskyard.gateway.sidecars.app import sidecar_app  # noqa: E402
from taskyard.gateway.tls.issued import IssuedCertificate  # noqa: E402
from taskyard.gateway.tls.keyring_watch import keep_fresh, wait_for_keys  # noqa: E402
from taskyard.listening import bind  # noqa: E402

# The Service's endpoints change a moment after the Pod is told to stop; until then sidecars still connect.
DRAIN_SECONDS = 2.0

_EACH_SIDECAR = Rate(per_second=5, burst=20)
_ALL_SIDECARS = Rate(per_second=50, burst=100)
_REMEMBERED_CALLERS = 4096

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the gateway until SIGTERM or SIGINT. Exits with 1, after one line, when it cannot start."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.exit(f"taskyard-gateway: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout
    )
    # Below errors it logs its own inner workings and every malformed request: a client could fill the log.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    # The creation time of each counter would be half of all series.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        asyncio.run(run(settings))
    except (ApiError, OSError, ValueError) as error:
        logger.error("cannot run: %s", error)
        sys.exit(1)


async def run(settings: Settings) -> None:
    """Serve until a signal. Raises ApiError without credentials, OSError when a port is taken, ValueError for bad
    keys."""
    stop, serving = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    cluster = await Cluster.connect(settings.kubeconfig, observe=metrics.api_request)
    try:
        health = server_for(probes_app(lambda: serving.is_set() and not stop.is_set(), metrics.render), tls=None)
        with bind(settings.listen_address, settings.health_port) as socket:
            answering = asyncio.create_task(health.serve(sockets=[socket]))
            try:
                logger.info("taskyard-gateway %s, probes on port %d", __version__, settings.health_port)
                keyring = await wait_for_keys(cluster, settings.namespace, stop)
                if keyring is not None:
                    await _serve_sidecars(settings, cluster, keyring, metrics=metrics, stop=stop, serving=serving)
            finally:
                health.stop()
                await answering
    finally:
        await cluster.close()
    logger.info("stopped")


async def _serve_sidecars(
    settings: Settings,
    cluster: Cluster,
    keyring: Keyring,
    *,
    metrics: Metrics,
    stop: asyncio.Event,
    serving: asyncio.Event,
) -> None:
    certificate = IssuedCertificate(settings.dns_names)
    certificate.renew(keyring.authority, _now())
    context = Context(
        cluster=cluster,
        keyring=keyring,
        reviews=ReviewLimit(
            each=_EACH_SIDECAR, all_together=_ALL_SIDECARS, callers=_REMEMBERED_CALLERS, now=time.monotonic()
        ),
        now=_now,
        metrics=metrics,
        monotonic=time.monotonic,
    )
    server = server_for(sidecar_app(context, stop), tls=certificate.context)
    with bind(settings.listen_address, settings.sidecar_port) as socket:
        serving_sidecars = asyncio.create_task(server.serve(sockets=[socket]))
        # If it ever ends by itself, the process ends too and is restarted.
        serving_sidecars.add_done_callback(lambda _: stop.set())
        refreshing = asyncio.create_task(keep_fresh(context, certificate, settings.namespace, stop))
        logger.info("serving sidecars on port %d", settings.sidecar_port)
        try:
            if settings.people:
                async with serving_rest(settings, context, certificate.context, stop) as cache:
                    filling = asyncio.create_task(_ready_when_full(cache, serving, settings.people_port))
                    await _until_stopped(stop)
                    filling.cancel()
            else:
                serving.set()
                await _until_stopped(stop)
        finally:
            stop.set()
            server.stop()
            await asyncio.gather(serving_sidecars, refreshing)


async def _ready_when_full(cache: Cache, serving: asyncio.Event, port: int) -> None:
    await cache.full.wait()
    serving.set()
    logger.info("serving people on port %d", port)


async def _until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()
    logger.info("stopping")
    await asyncio.sleep(DRAIN_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)
