"""The operator's entry point: wires the parts and runs them until a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime

from taskyard.controller import health, keys, watching
from taskyard.controller.apply import Applier
from taskyard.controller.cluster import CLAIMS, PODS, WORKSPACE_BUILDS, ApiError, Cluster
from taskyard.controller.delivery import Delivery
from taskyard.controller.intake import Intake
from taskyard.controller.keys import KeysError
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.reconcile import Reconciler
from taskyard.controller.reflector import Reflector
from taskyard.controller.settings import Settings, SettingsError
from taskyard.controller.sidecars import Sidecars
from taskyard.controller.stores import Stores
from taskyard.controller.validation import Validator
from taskyard.core.installation import Installation
from taskyard.core.keyring import Keyring

logger = logging.getLogger("taskyard.controller")

TASK_WORKERS = 32
INPUT_WORKERS = 64
VERSION_WORKERS = 2
RETRY_SECONDS = 2.0


def clock() -> datetime:
    """Now, as decisions get it."""
    return datetime.now(UTC)


def main() -> None:
    """Run the operator. Exit status 2: its settings are wrong."""
    try:
        settings = Settings.of(os.environ)
    except SettingsError as error:
        sys.exit(f"taskyard-operator: {error}")
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    # kopf tells of every event that it hands on; its faults come as the reason of a restart.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(watching.tidy)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(run(settings))


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. What is being written then is finished or done again by the next process."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if serving.done():
        serving.result()
    serving.cancel()
    await asyncio.wait({serving})


async def connected(settings: Settings) -> tuple[Cluster, Keyring]:
    """The API server and the installation's keys, waiting for both as long as it takes."""
    cluster = None
    while True:
        try:
            cluster = cluster or await Cluster.connect(settings.kubeconfig)
            return cluster, await keys.ensure(cluster, settings.namespace, now=clock())
        except (ApiError, KeysError) as error:
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def serve(settings: Settings) -> None:
    """Everything that runs."""
    started = asyncio.Event()
    probes = await health.serve(settings.health_port, is_ready=started.is_set)
    cluster, found = await connected(settings)
    installation = Installation(
        gateway_url=settings.gateway_url,
        ca_certificate=found.authority.certificate_pem,
        sidecar_image=settings.sidecar_image,
        sidecar_image_pull_policy=settings.sidecar_image_pull_policy,
        sidecar_resources=settings.sidecar_resources,
        image_pull_secrets=settings.image_pull_secrets,
    )
    stores = Stores()
    sidecars = Sidecars(ca_certificate=found.authority.certificate_pem, master_key=found.master_key)
    tasks = KeyedQueue("task", lambda key: reconciler.reconcile(key), workers=TASK_WORKERS)
    inputs = KeyedQueue("inputs of task", lambda key: delivery.deliver(key), workers=INPUT_WORKERS)
    versions = KeyedQueue("template version", lambda key: validator.validate(key), workers=VERSION_WORKERS)
    reconciler = Reconciler(
        stores,
        Applier(cluster, stores, installation),
        clock=clock,
        again=tasks.add_after,
        changed=lambda key: intake.status_written(key),
    )
    delivery = Delivery(
        cluster, stores, sidecars, clock=clock, again=inputs.add_after, retention=settings.input_retention
    )
    validator = Validator(cluster, stores, installation, clock=clock, again=versions.add_after)
    intake = Intake(cluster, stores, tasks=tasks, inputs=inputs, versions=versions)
    reflectors = [
        Reflector(cluster, WORKSPACE_BUILDS, stores.builds, intake.build_changed),
        Reflector(cluster, PODS, stores.pods, intake.child_changed),
        Reflector(cluster, CLAIMS, stores.claims, intake.child_changed),
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for reflector in reflectors:
                group.create_task(reflector.run())
            await listed(intake, reflectors)
            logger.info(
                "started: %d tasks, %d builds, %d pods", len(stores.tasks), len(stores.builds), len(stores.pods)
            )
            started.set()
            group.create_task(intake.keep_listed())
            group.create_task(watching.watch(intake))
            for queue in (tasks, inputs, versions):
                group.create_task(queue.run())
    finally:
        await sidecars.close()
        await cluster.close()
        await probes.cleanup()


async def listed(intake: Intake, reflectors: list[Reflector]) -> None:
    """Return once every kind has been listed: nothing is decided before."""
    while True:
        try:
            await intake.list_all()
            break
        except ApiError as error:
            logger.warning("not started yet: %s; again in %.0f s", error, RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
    for reflector in reflectors:
        await reflector.listed.wait()


if __name__ == "__main__":
    main()
