"""The operator's parts: those that watch, and those that decide and write once this process leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import Cluster
from taskyard.controller.deadlines import Deadlines
from taskyard.controller.event_router import EventRouter
from taskyard.controller.inputs.delivery import Delivery
from taskyard.controller.kopf_source.lists import Lists
from taskyard.controller.observability.metrics import Metrics
from taskyard.controller.observability.recorder import Recorder
from taskyard.controller.pod_events import PodEvents
from taskyard.controller.queue import KeyedQueue, Work
from taskyard.controller.reconcile import Reconciler
from taskyard.controller.settings import Settings
from taskyard.controller.steps.apply import Applier
from taskyard.controller.steps.network_policies import NetworkPolicyKeeper
from taskyard.controller.templates.template_checker import TemplateChecker
from taskyard.controller.templates.template_version_validator import TemplateVersionValidator
from taskyard.controller.turns import TRIES, Turns
from taskyard.core.installation import Installation
from taskyard.core.pod_view import PodView
from taskyard.core.security.keyring import Keyring
from taskyard.sidecarclient import Sidecars
from taskyard.watchcache.reflector import Reflector
from taskyard.watchcache.store import Store

TASK_WORKERS = 32
INPUT_WORKERS = 64
# How many of them one namespace has at most. A worker of the inputs waits for a sidecar, which may not answer, and one
# of the template versions for a webhook of the namespace, up to half a minute.
TASK_SHARE = 24
INPUT_SHARE = 24
TEMPLATE_WORKERS, TEMPLATE_SHARE = 2, 1
# Each reads one list of Events at a time, for which the API server looks through those of a namespace.
EVENT_WORKERS, EVENT_SHARE = 2, 1

Clock = Callable[[], datetime]


class Queues:
    """The queues of keys, one for each kind. `pause` says for how many seconds the writes in a namespace would wait."""

    def __init__(self, pause: Callable[[str], float]) -> None:
        self.tasks = KeyedQueue("task", workers=TASK_WORKERS, share=TASK_SHARE, pause=pause)
        self.inputs = KeyedQueue("inputs of task", workers=INPUT_WORKERS, share=INPUT_SHARE, pause=pause)
        self.templates = KeyedQueue("template", workers=TEMPLATE_WORKERS, share=TEMPLATE_SHARE, pause=pause)
        self.versions = KeyedQueue("template version", workers=TEMPLATE_WORKERS, share=TEMPLATE_SHARE, pause=pause)
        self.pod_events = KeyedQueue("events of the pod of task", workers=EVENT_WORKERS, share=EVENT_SHARE)


@dataclass(frozen=True)
class Watching:
    """The parts that a standby runs too: it knows what the leader knows, and neither decides nor writes."""

    queues: Queues
    stores: Stores
    router: EventRouter
    lists: Lists
    reflectors: tuple[Reflector[Any], ...]
    recorder: Recorder
    network: NetworkPolicyKeeper

    @classmethod
    def build(cls, settings: Settings, cluster: Cluster, metrics: Metrics, *, clock: Clock) -> Watching:
        queues = Queues(cluster.pause)
        stores = Stores(secret_parameters=settings.secret_parameters)
        recorder = Recorder(
            cluster,
            instance=settings.pod_name,
            clock=clock,
            dropped=metrics.event_dropped,
            is_busy=lambda: len(queues.tasks) > TASK_WORKERS,
        )
        recorder.observe_stores(stores)
        router = EventRouter(
            stores, tasks=queues.tasks, inputs=queues.inputs, templates=queues.templates, versions=queues.versions
        )

        def pod_changed(pod: PodView) -> None:
            stores.agent_starts.saw(pod, now=clock())
            router.child_changed(pod)

        watched: list[tuple[Store[Any], Callable[[Any], None]]] = [
            (stores.inputs, router.input_changed),
            (stores.builds, router.child_changed),
            (stores.pods, pod_changed),
            (stores.claims, router.child_changed),
        ]
        if stores.secrets is not None:
            watched.append((stores.secrets, router.secret_changed))
        if settings.network is not None:
            watched.append((stores.network_policies, router.policy_changed))
        return cls(
            queues=queues,
            stores=stores,
            router=router,
            lists=Lists(cluster, router),
            reflectors=tuple(
                Reflector(cluster, store, changed, restarted=metrics.watch_restarted) for store, changed in watched
            ),
            recorder=recorder,
            network=NetworkPolicyKeeper(cluster, stores, settings.network),
        )


@dataclass(frozen=True)
class Deciding:
    """The parts that process the keys of each queue on the leader. `sidecars` has to be closed at the end."""

    reconciler: Reconciler
    delivery: Delivery
    pod_events: PodEvents
    checker: TemplateChecker
    validator: TemplateVersionValidator
    sidecars: Sidecars

    @classmethod
    def build(
        cls, settings: Settings, cluster: Cluster, watching: Watching, keyring: Keyring, *, clock: Clock
    ) -> Deciding:
        queues, stores = watching.queues, watching.stores
        installation = Installation(
            gateway_url=settings.gateway_url,
            ca_certificate=keyring.authority.certificate_pem,
            sidecar_image=settings.sidecar_image,
            sidecar_image_pull_policy=settings.sidecar_image_pull_policy,
            sidecar_resources=settings.sidecar_resources,
            image_pull_secrets=settings.image_pull_secrets,
        )
        sidecars = Sidecars(ca_certificate=keyring.authority.certificate_pem, master_key=keyring.master_key)
        return cls(
            reconciler=Reconciler(
                stores,
                Applier(cluster, stores, installation, watching.network),
                clock=clock,
                again=queues.tasks.add_after,
                turns=Turns(TRIES, queues.tasks.add),
                deadline=Deadlines(queues.tasks.add, clock=clock).set,
                changed=watching.router.status_written,
                seen=queues.tasks.seen,
                read_events=queues.pod_events.add,
            ),
            delivery=Delivery(
                cluster,
                stores,
                sidecars,
                clock=clock,
                again=queues.inputs.add_after,
                deadline=Deadlines(queues.inputs.add, clock=clock).set,
                retention=settings.input_retention,
                bounds=settings.input_bounds,
                changed=queues.tasks.add,
                tell=watching.recorder.input_refused,
            ),
            pod_events=PodEvents(cluster, stores, clock=clock, changed=queues.tasks.add),
            checker=TemplateChecker(cluster, stores, clock=clock),
            validator=TemplateVersionValidator(
                cluster,
                stores,
                installation,
                clock=clock,
                again=queues.versions.add_after,
                turns=Turns(TRIES, queues.versions.add),
            ),
            sidecars=sidecars,
        )

    def work(self, queues: Queues) -> dict[str, tuple[KeyedQueue, Work]]:
        """Each queue and the work on its keys, by the queue's name in the metrics."""
        return {
            "tasks": (queues.tasks, self.reconciler.reconcile),
            "inputs": (queues.inputs, self.delivery.deliver),
            "templates": (queues.templates, self.checker.check),
            "versions": (queues.versions, self.validator.validate),
            "pod_events": (queues.pod_events, self.pod_events.read),
        }
