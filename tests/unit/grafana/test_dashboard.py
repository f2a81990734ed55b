"""The dashboard queries only what operator, gateway and notifier export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from localcluster.locations import REPOSITORY
from taskyard.api.vocabulary import NotificationEvent, Phase, SinkType, State
from taskyard.controller.cache.stores import Stores
from taskyard.controller.observability.metrics import Metrics as OperatorMetrics
from taskyard.controller.queue import KeyedQueue
from taskyard.gateway.metrics import Metrics as GatewayMetrics
from taskyard.notifier.metrics import Metrics as NotifierMetrics

DASHBOARD = json.loads((REPOSITORY / "deploy" / "grafana" / "taskyard.json").read_text())
# Labels that Prometheus adds when it scrapes.
SCRAPED = {"namespace", "pod", "instance", "job"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}

# In a query: a metric's name with its selector, if it has one, and the labels of a grouping.
METRIC = re.compile(r"\b((?:taskyard|process)_[a-z_]+)(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def exposed() -> dict[str, set[str]]:
    """The names of all samples that the three processes export, with their labels."""
    stores, operator, gateway = Stores(), OperatorMetrics(clock=lambda: datetime.now(UTC)), GatewayMetrics()
    notifier = NotifierMetrics()
    notifier.sent(SinkType.WEBHOOK, NotificationEvent.IDLE, 0.1)
    operator.observe_stores(stores)
    operator.observe_queues({"tasks": KeyedQueue("task", workers=1)})
    operator.api_request("GET", 200)
    operator.watch_restarted("pods")
    gateway.api_request("GET", 200)
    gateway.answered("/", 404, 0.1)
    found: dict[str, set[str]] = {}
    for registry in (operator.registry, gateway.registry, notifier.registry):
        for family in registry.collect():
            names = [family.name + suffix for suffix in SUFFIXES[family.type]]
            for name in names:
                found.setdefault(name, set())
            for sample in family.samples:
                if sample.name in names:
                    found[sample.name] |= set(sample.labels)
    return found


EXPOSED = exposed()


def asked() -> Iterator[Any]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield pytest.param(variable["query"]["query"], id=f"variable {variable['name']}")


QUERIES = list(asked())


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_exported_metrics_and_labels(query: str) -> None:
    found = METRIC.findall(query)
    assert found, "it names no metric"
    labels = set()
    for name, selector in found:
        assert name in EXPOSED, f"nothing exports {name}"
        labels |= EXPOSED[name]
        unknown = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector)) - EXPOSED[name] - SCRAPED
        assert not unknown, f"{name} has no label {unknown}"
    grouped = {label.strip() for group in GROUPING.findall(query) for label in group.split(",")}
    assert grouped <= labels | SCRAPED


@pytest.mark.parametrize("query", QUERIES)
def test_a_rate_is_of_a_counter_and_a_quantile_of_buckets(query: str) -> None:
    for name in re.findall(r"(?:rate|increase)\(([a-z_]+)", query):
        assert name.endswith(("_total", "_bucket", "_sum", "_count"))
    if "histogram_quantile" in query:
        assert "_bucket" in query and "sum by (le" in query


def test_values_that_queries_select_exist() -> None:
    text = json.dumps(DASHBOARD).replace('\\"', '"')
    values = set(re.findall(r'(?:transition|result|reason)="([A-Za-z]+)"', text))
    assert values == {"Start", "Stop", "Failed", "Initial", "Resume"}


def test_every_panel_uses_the_chosen_data_source() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == panel["datasource"]["uid"] == "${datasource}"
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "namespace"]


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    text = json.dumps(DASHBOARD)
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in EXPOSED if name.startswith("taskyard_")}
    assert {name for name in families if name not in text} == set()


def test_the_series_of_one_process_are_few() -> None:
    assert len(Phase) * (len(State) + 1) == 35
    stores, metrics = Stores(), OperatorMetrics(clock=lambda: datetime.now(UTC))
    metrics.observe_stores(stores)
    assert sum(len(family.samples) for family in metrics.registry.collect()) < 500
