"""The operator's entry point: wires the parts and runs them until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from datetime import UTC, datetime

import prometheus_client

# Each loads for nothing what it finds installed: httpx what its command line needs, kopf the models of the kubernetes
# client with pydantic, which take fourteen megabytes.
if "kopf" not in sys.modules:
    for _unused in ("httpx._main", "kubernetes.client"):
        sys.modules.setdefault(_unused, None)  # type: ignore[arg-type]

from taskyard import probes
from taskyard.controller import installation_keys
from taskyard.controller.cache import kinds
from taskyard.controller.cluster import ApiError, Cluster, NotLeadingError
from taskyard.controller.installation_keys import KeysError
from taskyard.controller.kopf_source import log_filter, runner
from taskyard.controller.observability.metrics import Metrics
from taskyard.controller.parts import Deciding, Watching
from taskyard.controller.settings import Settings
from taskyard.controller.steps.network_policies import NetworkPolicyKeeper
from taskyard.core.security.keyring import Keyring
from taskyard.election.leader import Leader
from taskyard.environment import SettingsError

logger = logging.getLogger("taskyard.controller")

LEASE = "taskyard-operator"
RETRY_SECONDS = 2.0
SETTLE_SECONDS = 3.0


def clock() -> datetime:
    """The present moment, as decisions receive it."""
    return datetime.now(UTC)


def main() -> None:
    """Run the operator. Exits with 1 when its settings are wrong or its Lease is lost."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.exit(f"taskyard-operator: {error}")
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    log_filter.quieten()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # The creation time of each counter would be half of all series, and nobody uses it.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    sys.exit(asyncio.run(run(settings)))


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT, or until the Lease is lost. Returns the exit status. Writes in flight at a signal
    are finished, or repeated by the next process."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        serving.cancel()
        await asyncio.wait({serving})
        return 0
    lost = None
    try:
        serving.result()
    except* NotLeadingError as found:
        lost = found
    if lost is None:
        return 0
    # The next process starts with an empty memory: more robust than undoing all that this one has begun.
    logger.error("%s; the operator ends", first(lost))
    return 1


def first(group: BaseExceptionGroup[NotLeadingError]) -> NotLeadingError:
    """The first error of a group, however nested."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error


def elected(settings: Settings) -> Leader | None:
    """This process' part in the election, with an identity unique to the process; None where there is no election."""
    if not settings.leader_election:
        return None
    identity = f"{settings.pod_name}_{secrets.token_hex(4)}"
    return Leader(settings.namespace, LEASE, identity=identity, terms=settings.lease)


async def connected(settings: Settings, leader: Leader | None, metrics: Metrics) -> Cluster:
    """Connect to the API server, waiting as long as it takes for readable credentials."""
    while True:
        try:
            return await Cluster.connect(
                settings.kubeconfig,
                guard=leader.check if leader else lambda: None,
                observe=metrics.api_request,
                paced=metrics.write_paced,
                kinds=kinds.BY_RESOURCE,
            )
        except ApiError as error:
            logger.warning("not started yet: %s; retrying in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def keyring(cluster: Cluster, namespace: str, *, ready: asyncio.Event) -> Keyring:
    """The installation's keys, waiting for them as long as it takes; `ready` is clear meanwhile."""
    while True:
        try:
            found = await installation_keys.ensure(cluster, namespace, now=clock())
            ready.set()
            return found
        except NotLeadingError:
            raise
        except (ApiError, KeysError) as error:
            ready.clear()
            logger.warning("not started yet: %s; retrying in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def serve(settings: Settings) -> None:
    """Build and run the parts that watch and, once this process leads, those that decide."""
    ready = asyncio.Event()
    metrics = Metrics(clock=clock)
    leader = elected(settings)
    # Without an election every running process leads.
    metrics.observe_leader(lambda: leader is None or leader.leads)
    async with contextlib.AsyncExitStack() as closing:
        listener = await probes.serve(settings.health_port, is_ready=ready.is_set, render=metrics.render)
        closing.push_async_callback(listener.cleanup)
        cluster = await connected(settings, leader, metrics)
        closing.push_async_callback(cluster.close)
        closing.push_async_callback(leader.release if leader else settle, cluster)
        watching = Watching.build(settings, cluster, metrics, clock=clock)
        async with asyncio.TaskGroup() as group:
            election = group.create_task(leader.acquire(cluster, ready=ready)) if leader else None
            await watch(group, watching, metrics)
            ready.set()
            if leader and election:
                await election
                group.create_task(leader.hold(cluster))
            keys = await keyring(cluster, settings.namespace, ready=ready)
            await learned(watching.network)
            deciding = Deciding.build(settings, cluster, watching, keys, clock=clock)
            closing.push_async_callback(deciding.sidecars.close)
            decide(group, watching, deciding, metrics)


async def watch(group: asyncio.TaskGroup, watching: Watching, metrics: Metrics) -> None:
    """Start the watches; return once every kind has been listed."""
    for reflector in watching.reflectors:
        group.create_task(reflector.run())
    group.create_task(
        runner.watch(
            watching.router.view,
            watching.router.take,
            list_kind=watching.lists.list,
            restarted=metrics.watch_restarted,
        )
    )
    # Nothing is decided before every kind has been listed.
    await watching.lists.listed()
    for reflector in watching.reflectors:
        await reflector.listed.wait()
    stores = watching.stores
    logger.info("started: %d tasks, %d builds, %d pods", len(stores.tasks), len(stores.builds), len(stores.pods))


def decide(group: asyncio.TaskGroup, watching: Watching, deciding: Deciding, metrics: Metrics) -> None:
    """Start to decide and to write."""
    group.create_task(watching.network.keep_learning(watching.queues.tasks.add))
    # Only the leader counts what happens and reports it as Events.
    metrics.observe_stores(watching.stores)
    work = deciding.work(watching.queues)
    metrics.observe_queues({name: queue for name, (queue, _) in work.items()})
    group.create_task(watching.recorder.run())
    for name, (queue, look) in work.items():
        group.create_task(queue.run(metrics.measured(name, look)))


async def learned(network: NetworkPolicyKeeper) -> None:
    """Return once the API server's addresses are known, so that no policy becomes wider than the last one was."""
    while True:
        try:
            await network.learn()
            return
        except ApiError as error:
            logger.warning("not started yet: %s; retrying in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def settle(cluster: Cluster) -> None:
    """Wait for the writes that are in flight at the end."""
    await cluster.settle(SETTLE_SECONDS)


if __name__ == "__main__":
    main()
