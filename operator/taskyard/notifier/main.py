"""The notifier's entry point: wires the parts and runs them until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import certifi
import prometheus_client

from taskyard import probes
from taskyard.election.leader import Leader
from taskyard.environment import SettingsError
from taskyard.notifier import webhook
from taskyard.notifier.apprise_service import AppriseServices
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import ApiError, Cluster, NotLeadingError
from taskyard.notifier.connect_proxy import ConnectProxy
from taskyard.notifier.given_up import GivenUp
from taskyard.notifier.guarded_dns import GuardedDns
from taskyard.notifier.metrics import Metrics
from taskyard.notifier.parts import Parts
from taskyard.notifier.records import Records
from taskyard.notifier.senders import Senders
from taskyard.notifier.settings import Settings
from taskyard.notifier.sink_status import SinkStatus
from taskyard.notifier.sinks import Sinks
from taskyard.watchcache.reflector import Reflector

logger = logging.getLogger("taskyard.notifier")

LEASE = "taskyard-notifier"
RETRY_SECONDS = 2.0
SETTLE_SECONDS = 3.0
NAME_THREADS = 32


def clock() -> datetime:
    """The present moment, as decisions receive it."""
    return datetime.now(UTC)


def main() -> None:
    """Run the notifier. Exits with 1 when its settings are wrong or its Lease is lost."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.exit(f"taskyard-notifier: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    with asyncio.Runner() as runner:
        status = runner.run(run(settings))
        # Threads may still wait, for a name server or a service that does not answer: this process does not.
        logging.shutdown()
        os._exit(status)


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT, or until the Lease is lost. Returns the exit status."""
    stop = asyncio.Event()
    # More than the few of the default: one that asks a name server that does not answer is not free for a while.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names"))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(serve(settings))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        serving.cancel()
        await asyncio.wait({serving})
        return 0
    try:
        serving.result()
    except* NotLeadingError as lost:
        logger.error("%s; the notifier ends", lost.exceptions[0])
    except* OSError as fault:
        logger.error("cannot run: %s", fault.exceptions[0])
    return 1


async def serve(settings: Settings) -> None:
    """Build and run the parts that watch and, once this process leads, those that tell."""
    ready, metrics = asyncio.Event(), Metrics()
    leader = elected(settings)
    metrics.observe_leader(lambda: leader is None or leader.leads)
    async with contextlib.AsyncExitStack() as closing:
        listener = await probes.serve(settings.health_port, is_ready=ready.is_set, render=metrics.render)
        closing.push_async_callback(listener.cleanup)
        cluster = await connected(settings, leader, metrics)
        closing.push_async_callback(cluster.close)
        closing.push_async_callback(leader.release if leader else settle, cluster)
        senders = await connect_senders(settings, cluster, closing)
        cache = Cache(clock=clock)
        sinks = Sinks(cache)
        closing.callback(sinks.close)
        metrics.observe_waiting(lambda: sinks.waiting)
        async with asyncio.TaskGroup() as group:
            election = group.create_task(leader.acquire(cluster, ready=ready)) if leader else None
            await watch(group, cluster, cache, sinks, metrics)
            ready.set()
            if leader and election:
                await election
                group.create_task(leader.hold(cluster))
            sinks.begin(
                Parts(
                    cache=cache,
                    senders=senders,
                    records=Records(cluster, cache),
                    status=SinkStatus(cluster, cache, clock=clock),
                    metrics=metrics,
                    clock=clock,
                    gave_up=GivenUp(cluster, settings.pod_name, clock=clock),
                )
            )
            await asyncio.Event().wait()


def elected(settings: Settings) -> Leader | None:
    """This process' part in the election; None where there is no election."""
    if not settings.leader_election:
        return None
    identity = f"{settings.pod_name}_{secrets.token_hex(4)}"
    return Leader(settings.namespace, LEASE, identity=identity, terms=settings.lease)


async def connected(settings: Settings, leader: Leader | None, metrics: Metrics) -> Cluster:
    """Connect to the API server, waiting as long as it takes for readable credentials."""
    while True:
        try:
            return await Cluster.connect(
                settings.kubeconfig, guard=leader.check if leader else lambda: None, observe=metrics.api_request
            )
        except ApiError as error:
            logger.warning("not started yet: %s; retrying in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def connect_senders(settings: Settings, cluster: Cluster, closing: contextlib.AsyncExitStack) -> Senders:
    """What sends to sinks. Raises OSError when the certificates cannot be read."""
    dns = GuardedDns(allowed=settings.allowed_networks, refused=settings.refused_networks)
    certificates = settings.certificates or certifi.where()
    webhooks = webhook.Webhooks(
        dns,
        tls=webhook.trusted(certificates),
        plain_http=settings.plain_http,
        clock=clock,
        egress=settings.egress,
    )
    closing.push_async_callback(webhooks.close)
    proxy = ConnectProxy(dns, settings.egress)
    closing.push_async_callback(proxy.close)
    services = AppriseServices(
        schemes=settings.apprise_schemes,
        mail_hosts=settings.mail_servers,
        proxy=await proxy.start(),
        certificates=certificates,
    )
    closing.callback(services.close)
    return Senders(cluster, webhooks, services, account=f"{settings.namespace}:taskyard-notifier")


async def watch(group: asyncio.TaskGroup, cluster: Cluster, cache: Cache, sinks: Sinks, metrics: Metrics) -> None:
    """Start the watches; return once every kind has been listed."""
    reflectors: list[Reflector[Any]] = [
        Reflector(cluster, cache.tasks, sinks.task_changed, restarted=metrics.watch_restarted),
        Reflector(cluster, cache.builds, sinks.build_changed, restarted=metrics.watch_restarted),
        Reflector(cluster, cache.sinks, sinks.sink_changed, restarted=metrics.watch_restarted),
    ]
    for reflector in reflectors:
        group.create_task(reflector.run())
    for reflector in reflectors:
        await reflector.listed.wait()
    logger.info("started: %d tasks, %d sinks", len(cache.tasks), len(cache.sinks))


async def settle(cluster: Cluster) -> None:
    """Wait for the writes that are in flight at the end."""
    await cluster.settle(SETTLE_SECONDS)


if __name__ == "__main__":
    main()
