"""The notifier's metrics. Labels take values from bounded sets only: never a name or an address."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from taskyard import __version__
from taskyard.api.vocabulary import NotificationEvent, SinkType

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class Metrics:
    """All metrics of one notifier process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge(
            "taskyard_build_info", "Always 1; the label is the version.", ["component", "version"], registry=registry
        ).labels("notifier", __version__).set(1)
        self._leader = Gauge(
            "taskyard_notifier_leader",
            "1 while this process leads (it alone tells and writes), else 0.",
            registry=registry,
        )
        self._sent = Counter(
            "taskyard_notifications_sent", "Notifications that were taken.", ["type", "event"], registry=registry
        )
        self._failed = Counter(
            "taskyard_notifications_failed", "Attempts that failed and are repeated.", ["type"], registry=registry
        )
        self._given_up = Counter(
            "taskyard_notifications_given_up",
            "Notifications that were given up after a day.",
            ["type"],
            registry=registry,
        )
        self._seconds = Histogram(
            "taskyard_notification_duration_seconds",
            "From the reading of a sink's Secret until its receiver had taken the message.",
            ["type"],
            registry=registry,
            buckets=BUCKETS,
        )
        self._waiting = Gauge(
            "taskyard_notifications_waiting", "Tasks of which a sink may have to be told.", registry=registry
        )
        self._requests = Counter(
            "taskyard_api_requests",
            "Requests to the API server; code is none when no response came.",
            ["component", "verb", "code"],
            registry=registry,
        )
        self._restarts = Counter(
            "taskyard_watch_restarts",
            "Watches that had to be restarted with a new list.",
            ["resource"],
            registry=registry,
        )
        for sink in SinkType:
            self._failed.labels(sink)
            self._given_up.labels(sink)
            for event in NotificationEvent:
                self._sent.labels(sink, event)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def observe_leader(self, leads: Callable[[], bool]) -> None:
        """Report whether this process leads, asking at each scrape."""
        self._leader.set_function(lambda: float(leads()))

    def observe_waiting(self, waiting: Callable[[], int]) -> None:
        """Report how many Tasks wait, asking at each scrape."""
        self._waiting.set_function(lambda: float(waiting()))

    def sent(self, sink: SinkType, event: NotificationEvent, seconds: float) -> None:
        """A notification was taken, after so many seconds."""
        self._sent.labels(sink, event).inc()
        self._seconds.labels(sink).observe(seconds)

    def failed(self, sink: SinkType) -> None:
        """An attempt failed."""
        self._failed.labels(sink).inc()

    def given_up(self, sink: SinkType) -> None:
        """A notification was given up."""
        self._given_up.labels(sink).inc()

    def api_request(self, verb: str, status: int) -> None:
        """A request to the API server was answered with `status`, or not at all for 0."""
        self._requests.labels("notifier", verb, str(status or "none")).inc()

    def watch_restarted(self, plural: str) -> None:
        """A watch had to be restarted with a new list."""
        self._restarts.labels(plural).inc()
