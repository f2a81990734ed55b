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

from taskyard.apiclient import RequestObserver
from taskyard.controller import installation_keys
from taskyard.controller.apply import Applier
from taskyard.controller.cluster import (
    CLAIMS,
    NETWORK_POLICIES,
    PODS,
    USABLE_SECRETS,
    WORKSPACE_BUILDS,
    ApiError,
    Cluster,
    NotLeadingError,
)
from taskyard.controller.deadlines import Deadlines
from taskyard.controller.delivery import Delivery
from taskyard.controller.event_router import EventRouter
from taskyard.controller.installation_keys import KeysError
from taskyard.controller.kopf_source import log_filter, runner
from taskyard.controller.kopf_source.relisting import Relisting
from taskyard.controller.leader import Leader
from taskyard.controller.network_policies import NetworkPolicyKeeper
from taskyard.controller.observability import health
from taskyard.controller.observability.metrics import Metrics
from taskyard.controller.observability.recorder import Recorder
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.reconcile import Reconciler
from taskyard.controller.settings import Settings
from taskyard.controller.stores import Stores
from taskyard.controller.templates.template_checker import TemplateChecker
from taskyard.controller.templates.template_version_validator import TemplateVersionValidator
from taskyard.core.installation import Installation
from taskyard.core.security.keyring import Keyring
from taskyard.environment import SettingsError
from taskyard.sidecarclient import Sidecars
from taskyard.watchcache.reflector import Reflector

logger = logging.getLogger("taskyard.controller")

TASK_WORKERS = 32
INPUT_WORKERS = 64
VERSION_WORKERS = 2
RETRY_SECONDS = 2.0
SETTLE_SECONDS = 3.0


def clock() -> datetime:
    """Now, as decisions get it."""
    return datetime.now(UTC)


def main() -> None:
    """Run the operator. Exit status 1: its settings are wrong, or it has lost its Lease and must not go on."""
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
    # Half of all series else, and of no use: the time at which each counter was made.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    sys.exit(asyncio.run(run(settings)))


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT, or until the Lease is lost; the exit status. What is being written at a signal is
    finished, or done again by the next process."""
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
    # The next process begins with an empty memory: more robust than to undo all that this one had begun.
    logger.error("%s; the operator ends", first(lost))
    return 1


def first(group: BaseExceptionGroup[NotLeadingError]) -> NotLeadingError:
    """One of the errors of a group of the same."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error


def elected(settings: Settings) -> Leader | None:
    """This process' part in the election; None where there is none. Its name is new with each process."""
    if not settings.leader_election:
        return None
    identity = f"{settings.pod_name}_{secrets.token_hex(4)}"
    return Leader(settings.namespace, identity=identity, terms=settings.lease)


async def connected(settings: Settings, leader: Leader | None, observe: RequestObserver) -> Cluster:
    """The API server, waiting as long as it takes for credentials that can be read."""
    while True:
        try:
            return await Cluster.connect(
                settings.kubeconfig, guard=leader.check if leader else lambda: None, observe=observe
            )
        except ApiError as error:
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def keyring(cluster: Cluster, namespace: str, *, ready: asyncio.Event) -> Keyring:
    """The installation's keys, waiting for them as long as it takes; not `ready` meanwhile."""
    while True:
        try:
            found = await installation_keys.ensure(cluster, namespace, now=clock())
            ready.set()
            return found
        except NotLeadingError:
            raise
        except (ApiError, KeysError) as error:
            ready.clear()
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def serve(settings: Settings) -> None:
    """Everything that runs: a standby knows what the leader knows, and neither decides nor writes."""
    ready = asyncio.Event()
    metrics = Metrics(clock=clock)
    leader = elected(settings)
    # Without an election whoever runs leads.
    metrics.observe_leader(lambda: leader is None or leader.leads)
    async with contextlib.AsyncExitStack() as closing:
        probes = await health.serve(settings.health_port, is_ready=ready.is_set, render=metrics.render)
        closing.push_async_callback(probes.cleanup)
        cluster = await connected(settings, leader, metrics.api_request)
        closing.push_async_callback(cluster.close)
        closing.push_async_callback(leader.release if leader else settle, cluster)
        stores = Stores(secret_parameters=settings.secret_parameters)
        tasks = KeyedQueue(
            "task", metrics.measured("tasks", lambda key: reconciler.reconcile(key)), workers=TASK_WORKERS
        )
        inputs = KeyedQueue(
            "inputs of task", metrics.measured("inputs", lambda key: delivery.deliver(key)), workers=INPUT_WORKERS
        )
        templates = KeyedQueue(
            "template", metrics.measured("templates", lambda key: pointers.check(key)), workers=VERSION_WORKERS
        )
        versions = KeyedQueue(
            "template version",
            metrics.measured("versions", lambda key: validator.validate(key)),
            workers=VERSION_WORKERS,
        )
        recorder = Recorder(cluster, instance=settings.pod_name, clock=clock, dropped=metrics.event_dropped)
        recorder.observe_stores(stores)
        router = EventRouter(stores, tasks=tasks, inputs=inputs, templates=templates, versions=versions)
        relisting = Relisting(cluster, router)
        restarted = metrics.watch_restarted
        reflectors = [
            Reflector(cluster, WORKSPACE_BUILDS, stores.builds, router.build_changed, restarted=restarted),
            Reflector(cluster, PODS, stores.pods, router.child_changed, restarted=restarted),
            Reflector(cluster, CLAIMS, stores.claims, router.child_changed, restarted=restarted),
        ]
        if stores.secrets is not None:
            reflectors.append(
                Reflector(cluster, USABLE_SECRETS, stores.secrets, router.secret_changed, restarted=restarted)
            )
        if settings.network is not None:
            reflectors.append(
                Reflector(
                    cluster, NETWORK_POLICIES, stores.network_policies, router.policy_changed, restarted=restarted
                )
            )
        network = NetworkPolicyKeeper(cluster, stores, settings.network)
        async with asyncio.TaskGroup() as group:
            election = group.create_task(leader.acquire(cluster, ready=ready)) if leader else None
            for reflector in reflectors:
                group.create_task(reflector.run())
            await listed(relisting, reflectors)
            logger.info(
                "started: %d tasks, %d builds, %d pods", len(stores.tasks), len(stores.builds), len(stores.pods)
            )
            ready.set()
            group.create_task(relisting.keep_listed())
            group.create_task(runner.watch(relisting.take, restarted=restarted))
            if leader and election:
                await election
                group.create_task(leader.hold(cluster))
            found = await keyring(cluster, settings.namespace, ready=ready)
            await learned(network)
            group.create_task(network.keep_learning(tasks.add))
            # What happens is counted and told by the one that makes it happen.
            metrics.observe_stores(stores)
            metrics.observe_queues({"tasks": tasks, "inputs": inputs, "templates": templates, "versions": versions})
            installation = Installation(
                gateway_url=settings.gateway_url,
                ca_certificate=found.authority.certificate_pem,
                sidecar_image=settings.sidecar_image,
                sidecar_image_pull_policy=settings.sidecar_image_pull_policy,
                sidecar_resources=settings.sidecar_resources,
                image_pull_secrets=settings.image_pull_secrets,
            )
            sidecars = Sidecars(ca_certificate=found.authority.certificate_pem, master_key=found.master_key)
            closing.push_async_callback(sidecars.close)
            reconciler = Reconciler(
                stores,
                Applier(cluster, stores, installation, network),
                clock=clock,
                again=tasks.add_after,
                deadline=Deadlines(tasks.add, clock=clock).set,
                changed=lambda key: router.status_written(key),
            )
            delivery = Delivery(
                cluster,
                stores,
                sidecars,
                clock=clock,
                again=inputs.add_after,
                deadline=Deadlines(inputs.add, clock=clock).set,
                retention=settings.input_retention,
                changed=tasks.add,
            )
            pointers = TemplateChecker(cluster, stores, clock=clock)
            validator = TemplateVersionValidator(cluster, stores, installation, clock=clock, again=versions.add_after)
            group.create_task(recorder.run())
            for queue in (tasks, inputs, templates, versions):
                group.create_task(queue.run())


async def learned(network: NetworkPolicyKeeper) -> None:
    """Return once it is known where the API server is: no policy is made wider than the last one was."""
    while True:
        try:
            await network.learn()
            return
        except ApiError as error:
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def settle(cluster: Cluster) -> None:
    """Let what is being written at the end be finished."""
    await cluster.settle(SETTLE_SECONDS)


async def listed(relisting: Relisting, reflectors: list[Reflector]) -> None:
    """Return once every kind has been listed: nothing is decided before."""
    while True:
        try:
            await relisting.list_all()
            break
        except ApiError as error:
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
    for reflector in reflectors:
        await reflector.listed.wait()


if __name__ == "__main__":
    main()
