"""Metrics and Events in the chart."""

import pytest

from unit.chart.rendering import Render, Rendered


def test_no_monitor_is_created_by_default(default: Rendered) -> None:
    assert default.of_kind("PodMonitor") == []


@pytest.mark.parametrize("notifier", [True, False], ids=["with the notifier", "without the notifier"])
def test_the_monitor_finds_the_port_of_all_processes(render: Render, notifier: bool) -> None:
    rendered = render(
        "metrics.podMonitor.enabled=true",
        "metrics.podMonitor.labels.release=prometheus",
        f"notifier.enabled={str(notifier).lower()}",
    )
    monitor = rendered.one("PodMonitor", "taskyard")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "30s")
    (among,) = monitor["spec"]["selector"]["matchExpressions"]
    assert len(among["values"]) == len(rendered.of_kind("Deployment")) == (3 if notifier else 2)
    for component in among["values"]:
        deployment = rendered.one("Deployment", f"taskyard-{component}")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert labels[among["key"]] == component
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert endpoint["port"] in {port["name"] for port in container["ports"]}


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_the_operator_may_create_events(default: Rendered, verb: str) -> None:
    rules = default.one("ClusterRole", "taskyard-operator")["rules"]
    assert any(rule["apiGroups"] == ["events.k8s.io"] and verb in rule["verbs"] for rule in rules)
