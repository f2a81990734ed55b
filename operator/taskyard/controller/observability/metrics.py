"""The operator's metrics. Labels take values from bounded sets only: never a name that a person chose."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from taskyard import __version__
from taskyard.api.vocabulary import BuildPhase, BuildReason, InputPhase, InputReason, Phase, State, Transition
from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError
from taskyard.controller.observability.recorder import Drop
from taskyard.controller.queue import KeyedQueue
from taskyard.core import times
from taskyard.core.build_view import BuildView
from taskyard.core.input_view import InputView
from taskyard.core.intent import Intent
from taskyard.core.task_view import TaskView
from taskyard.watchcache.kind import Key
from taskyard.watchcache.store import Store

START_BUCKETS = (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
WORK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)

QUEUES = ("tasks", "inputs", "templates", "versions", "pod_events")
ENDS = (BuildPhase.SUCCEEDED, BuildPhase.FAILED, BuildPhase.CANCELED)
STOPS = frozenset(intent.value for intent in Intent if intent.value is not None)
DELIVERED, IN_DOUBT, REJECTED = "Delivered", "InDoubt", "Rejected"
# An error of the API server (it refused or could not be reached), and one of the program.
API_ERROR, DEFECT = "ApiError", "Defect"

Work = Callable[[Key], Awaitable[None]]


class Metrics:
    """All metrics of one operator process, in a registry of their own. `clock` is the wall clock."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        ProcessCollector(registry=self.registry)
        info = self._gauge("taskyard_build_info", "Always 1; the label is the version.", ["component", "version"])
        info.labels("operator", __version__).set(1)
        self._leader = self._gauge(
            "taskyard_leader", "1 while this process leads (it alone decides and writes), else 0.", []
        )
        self._builds = self._counter(
            "taskyard_builds", "Workspace builds that ended.", ["transition", "reason", "result"]
        )
        self._build_seconds = self._histogram(
            "taskyard_build_duration_seconds",
            "From the reservation of a build to its end.",
            ["transition", "result"],
            START_BUCKETS,
        )
        self._start_seconds = self._histogram(
            "taskyard_start_duration_seconds",
            "From the reservation of a start build until the Task is Active; the reason Resume marks a resume.",
            ["reason"],
            START_BUCKETS,
        )
        self._inputs = self._counter("taskyard_inputs", "TaskInputs that ended.", ["result"])
        self._inputs_queued = self._gauge("taskyard_inputs_queued", "TaskInputs that wait.", [])
        self._inputs_refused = self._counter(
            "taskyard_inputs_refused",
            "TaskInputs that were rejected since as many as may wait already did, for the Task or in the namespace.",
            ["bound"],
        )
        self._pod_templates = self._gauge(
            "taskyard_pod_template_bytes", "JSON of Pods of template versions that is held in memory.", []
        )
        self._work_seconds = self._histogram(
            "taskyard_reconcile_duration_seconds", "Duration of one reconciliation of a key.", ["queue"], WORK_BUCKETS
        )
        self._work_errors = self._counter(
            "taskyard_reconcile_errors", "Reconciliations of a key that failed and are retried.", ["queue", "kind"]
        )
        self._requests = self._counter(
            "taskyard_api_requests",
            "Requests to the API server except those of kopf; code is none when no response came.",
            ["component", "verb", "code"],
        )
        self._watch_restarts = self._counter(
            "taskyard_watch_restarts", "Watches that had to be restarted with a new list.", ["resource"]
        )
        self._paced = self._counter(
            "taskyard_writes_paced", "Writes that waited since their namespace had used up its share of bytes.", []
        )
        self._dropped = self._counter("taskyard_events_dropped", "Events that were never written.", ["cause"])
        self._begin()

    def render(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def observe_stores(self, stores: Stores) -> None:
        """Count the Tasks at each scrape, and the changes of builds, Tasks and inputs as they happen."""
        self.registry.register(TaskCounts(stores.tasks))
        self._inputs_queued.set_function(lambda: float(sum(map(_is_queued, stores.inputs))))
        self._pod_templates.set_function(lambda: float(stores.pod_templates.bytes))
        stores.tasks.observe(self._task_changed)
        stores.builds.observe(lambda previous, build: self._build_changed(previous, build, stores.tasks))
        stores.inputs.observe(self._input_changed)

    def observe_leader(self, leads: Callable[[], bool]) -> None:
        """Report whether this process leads, asking at each scrape."""
        self._leader.set_function(lambda: float(leads()))

    def observe_queues(self, queues: Mapping[str, KeyedQueue]) -> None:
        """Report how many keys wait in each queue, and for how long."""
        self.registry.register(QueueDepths(queues))

    def measured(self, queue: str, work: Work) -> Work:
        """Wrap `work` so that its duration and its errors are measured."""

        async def measured(key: Key) -> None:
            began = time.perf_counter()
            try:
                await work(key)
            except ApiError:
                self._work_errors.labels(queue, API_ERROR).inc()
                raise
            except Exception:
                self._work_errors.labels(queue, DEFECT).inc()
                raise
            finally:
                self._work_seconds.labels(queue).observe(time.perf_counter() - began)

        return measured

    def api_request(self, verb: str, status: int) -> None:
        """A request to the API server was answered with `status`, or not at all for 0."""
        self._requests.labels("operator", verb, str(status or "none")).inc()

    def watch_restarted(self, resource: str) -> None:
        """The watch of a kind was restarted."""
        self._watch_restarts.labels(resource).inc()

    def write_paced(self) -> None:
        """A write waited for its namespace's turn."""
        self._paced.inc()

    def event_dropped(self, cause: str) -> None:
        """An Event will not be written."""
        self._dropped.labels(cause).inc()

    def _begin(self) -> None:
        """Create every series at the start: `rate` and `increase` miss the step from absence to 1."""
        for reason in BuildReason:
            transition = Transition.STOP if reason in STOPS else Transition.START
            for result in ENDS:
                self._builds.labels(transition, reason, result)
            if transition is Transition.START:
                self._start_seconds.labels(reason)
        for transition in Transition:
            for result in ENDS:
                self._build_seconds.labels(transition, result)
        for ending in (DELIVERED, IN_DOUBT, REJECTED):
            self._inputs.labels(ending)
        for bound in InputReason:
            self._inputs_refused.labels(bound)
        for queue in QUEUES:
            self._work_seconds.labels(queue)
            for kind in (API_ERROR, DEFECT):
                self._work_errors.labels(queue, kind)
        for cause in Drop:
            self._dropped.labels(cause)

    def _task_changed(self, previous: TaskView | None, task: TaskView) -> None:
        status, before = task.status, previous.status if previous else {}
        build = status.get("build") or {}
        is_start = build.get("transition") == Transition.START
        # From Error or Unknown a Task returns to Active, which is not a start.
        if (
            is_start
            and status.get("phase") == Phase.ACTIVE
            and before.get("phase") in (Phase.PENDING, Phase.INITIALIZING)
        ):
            self._start_seconds.labels(build["reason"]).observe(self._since(times.parse(build["createdAt"])))

    def _build_changed(self, previous: BuildView | None, build: BuildView, tasks: Store[TaskView]) -> None:
        if previous is None or build.phase not in ENDS or previous.phase == build.phase:
            return
        self._builds.labels(build.transition, build.reason, build.phase).inc()
        # The Task records the reservation to the microsecond, the build its creation only to the second.
        task = tasks.get((build.namespace, build.task))
        reserved = (task.build if task else None) or {}
        is_same = reserved.get("number") == build.number
        began = times.parse(reserved["createdAt"]) if is_same else build.created_at
        self._build_seconds.labels(build.transition, build.phase).observe(self._since(began))

    def _input_changed(self, previous: InputView | None, entry: InputView) -> None:
        if previous is None or previous.phase is entry.phase:
            return
        if entry.phase is InputPhase.DELIVERED:
            self._inputs.labels(IN_DOUBT if entry.message == "in doubt" else DELIVERED).inc()
        elif entry.phase is InputPhase.REJECTED:
            self._inputs.labels(REJECTED).inc()
            if entry.reason in tuple(InputReason):
                self._inputs_refused.labels(entry.reason).inc()

    def _since(self, moment: datetime) -> float:
        return max(0.0, (self._clock() - moment).total_seconds())

    def _counter(self, name: str, text: str, labels: Iterable[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: Iterable[str], buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)


def _is_queued(entry: InputView) -> bool:
    return entry.phase is InputPhase.QUEUED


class TaskCounts(Collector):
    """Tasks by phase and state, counted in one pass at each scrape."""

    def __init__(self, tasks: Iterable[TaskView]) -> None:
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "taskyard_tasks", "Tasks by phase and by the agent's state (none: no state).", labels=["phase", "state"]
        )
        found: Tally[tuple[str, str]] = Tally()
        for task in self._tasks:
            status = task.status
            found[status.get("phase", Phase.PENDING), (status.get("state") or {}).get("state", "none")] += 1
        for phase in Phase:
            for state in (*State, "none"):
                family.add_metric([phase, state], found[phase, state])
        yield family


class QueueDepths(Collector):
    """Keys that wait for a worker."""

    def __init__(self, queues: Mapping[str, KeyedQueue]) -> None:
        self._queues = queues

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("taskyard_queue_depth", "Keys that wait for a worker.", labels=["queue"])
        age = GaugeMetricFamily(
            "taskyard_queue_age_seconds", "How long the key at the head of the queue has waited.", labels=["queue"]
        )
        for name, queue in self._queues.items():
            depth.add_metric([name], len(queue))
            age.add_metric([name], queue.age)
        yield depth
        yield age
