"""The notifier's metrics: their names, and that labels have bounded values."""

from __future__ import annotations

import prometheus_client
import pytest

from taskyard.api.vocabulary import NotificationEvent, SinkType
from taskyard.notifier.metrics import Metrics


@pytest.fixture(autouse=True)
def without_created() -> None:
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_every_series_is_there_from_the_beginning() -> None:
    metrics = Metrics()
    for sink in SinkType:
        assert value(metrics, "taskyard_notifications_failed_total", type=sink) == 0
        assert value(metrics, "taskyard_notifications_given_up_total", type=sink) == 0
        for event in NotificationEvent:
            assert value(metrics, "taskyard_notifications_sent_total", type=sink, event=event) == 0


def test_what_happens_is_counted() -> None:
    metrics = Metrics()
    metrics.sent(SinkType.WEBHOOK, NotificationEvent.IDLE, 0.3)
    metrics.failed(SinkType.APPRISE)
    metrics.given_up(SinkType.APPRISE)
    metrics.api_request("get", 200)
    metrics.api_request("get", 0)
    metrics.watch_restarted("tasks")
    metrics.observe_leader(lambda: True)
    metrics.observe_waiting(lambda: 4)
    assert value(metrics, "taskyard_notifications_sent_total", type="Webhook", event="Idle") == 1
    assert value(metrics, "taskyard_notification_duration_seconds_sum", type="Webhook") == 0.3
    assert value(metrics, "taskyard_notifications_failed_total", type="Apprise") == 1
    assert value(metrics, "taskyard_notifications_failed_total", type="Webhook") == 0
    assert value(metrics, "taskyard_notifications_given_up_total", type="Apprise") == 1
    assert value(metrics, "taskyard_api_requests_total", component="notifier", verb="get", code="200") == 1
    assert value(metrics, "taskyard_api_requests_total", component="notifier", verb="get", code="none") == 1
    assert value(metrics, "taskyard_watch_restarts_total", resource="tasks") == 1
    assert value(metrics, "taskyard_notifier_leader") == 1
    assert value(metrics, "taskyard_notifications_waiting") == 4


def test_what_is_asked_at_each_scrape_is_up_to_date() -> None:
    metrics, leads = Metrics(), [False]
    metrics.observe_leader(lambda: leads[0])
    assert value(metrics, "taskyard_notifier_leader") == 0
    leads[0] = True
    assert value(metrics, "taskyard_notifier_leader") == 1


def test_it_is_rendered_with_its_version() -> None:
    text = Metrics().render().decode()
    assert 'taskyard_build_info{component="notifier",version="' in text
    assert "process_resident_memory_bytes" in text
