"""The sidecar's resources, fitted to what a refusal asks for. The messages are the API server's."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import sidecar_resources
from taskyard.core.sidecar_resources import fitted, remedy

CHART = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "192Mi"}}


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        pytest.param(
            "failed quota: few: must specify limits.cpu for: taskyard-sidecar", {"limits.cpu": "250m"}, id="limits.cpu"
        ),
        pytest.param(
            "failed quota: few: must specify limits.cpu for: agent,taskyard-sidecar; limits.memory for: agent",
            {"limits.cpu": "250m"},
            id="the agent's too",
        ),
        pytest.param(
            "failed quota: few: must specify limits.cpu,limits.memory", {"limits.cpu": "250m"}, id="an older server"
        ),
        pytest.param(
            "minimum cpu usage per Container is 50m, but request is 10m", {"requests.cpu": "50m"}, id="minimum of cpu"
        ),
        pytest.param(
            "[minimum cpu usage per Container is 50m, but request is 10m, minimum memory usage per Container is 64Mi, "
            "but request is 48Mi]",
            {"requests.cpu": "50m", "requests.memory": "64Mi"},
            id="two minimums",
        ),
        pytest.param(
            "minimum memory usage per Container is 256Mi, but request is 48Mi",
            {"requests.memory": "256Mi", "limits.memory": "256Mi"},
            id="a minimum above the limit",
        ),
        pytest.param(
            "minimum ephemeral-storage usage per Container is 100Mi. No request is specified",
            {"requests.ephemeral-storage": "100Mi"},
            id="minimum of ephemeral storage",
        ),
        pytest.param(
            "maximum cpu usage per Container is 200m. No limit is specified",
            {"limits.cpu": "200m"},
            id="maximum of cpu",
        ),
        pytest.param(
            "maximum memory usage per Container is 128Mi, but limit is 192Mi",
            {"limits.memory": "128Mi"},
            id="maximum of memory",
        ),
        pytest.param(
            "maximum ephemeral-storage usage per Container is 1Gi. No limit is specified",
            {"requests.ephemeral-storage": "16Mi", "limits.ephemeral-storage": "256Mi"},
            id="maximum of ephemeral storage",
        ),
        pytest.param(
            "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            {"requests.memory": "96Mi"},
            id="ratio of memory",
        ),
        pytest.param(
            "cpu max limit to request ratio per Container is 4, but provided ratio is 50.000000",
            {"requests.cpu": "63m", "limits.cpu": "250m"},
            id="ratio of cpu with a default limit",
        ),
        pytest.param(
            "cpu max limit to request ratio per Pod is 1500m, but no limit is specified or limit is 0",
            {"requests.cpu": "167m", "limits.cpu": "250m"},
            id="ratio of a Pod, in thousandths",
        ),
        pytest.param(
            'spec.initContainers[0].resources.requests: Invalid value: "10m": must be less than or equal to cpu limit '
            "of 5m",
            {"limits.cpu": "250m"},
            id="a default limit below the request",
        ),
    ],
)
def test_the_sidecar_keeps_a_rule_that_a_refusal_names(message: str, changes: dict[str, str]) -> None:
    """K5."""
    wanted: dict[str, Any] = {part: dict(values) for part, values in CHART.items()}
    for path, value in changes.items():
        part, _, name = path.partition(".")
        wanted[part][name] = value
    found = fitted(CHART, f'pods "web-1" is forbidden: {message}')
    assert found == wanted
    assert fitted(found, message.replace(",taskyard-sidecar", "")) is None, "once is enough"


def test_a_chart_without_resources_gets_what_a_quota_wants_to_see() -> None:
    """K5."""
    message = (
        "failed quota: few: must specify limits.cpu for: taskyard-sidecar; limits.memory for: taskyard-sidecar; "
        "requests.cpu for: taskyard-sidecar; requests.memory for: taskyard-sidecar"
    )
    found = fitted({}, message)
    assert found == {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"cpu": "250m", "memory": "192Mi"}}
    assert fitted({}, "must specify memory for: taskyard-sidecar") == {"requests": {"memory": "48Mi"}}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("must specify limits.cpu for: agent", id="the agent lacks a limit"),
        pytest.param("maximum memory usage per Container is 1Gi, but limit is 2Gi", id="the agent has too much"),
        pytest.param("minimum memory usage per Container is 32Mi, but request is 16Mi", id="the agent has too little"),
        pytest.param('violates PodSecurity "restricted:latest": privileged', id="Pod Security"),
        pytest.param("exceeded quota: few, requested: limits.cpu=1, used: limits.cpu=3", id="no room"),
        pytest.param("maximum cpu usage per Pod is soon told, but not this one", id="nonsense"),
    ],
)
def test_a_refusal_over_something_else_changes_nothing(message: str) -> None:
    assert fitted(CHART, message) is None
    if "per Pod" not in message:
        assert remedy(CHART, message) is None


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("maximum memory usage per Container is 32Mi, but limit is 192Mi", id="too small to work"),
        pytest.param("minimum cpu usage per Container is 4, but request is 10m", id="more than is taken unasked"),
        pytest.param("must specify limits.nvidia.com/gpu for: x; limits.cpu for: taskyard-sidecar", id="left over"),
    ],
)
def test_where_the_sidecar_cannot_fit_the_remedy_is_the_charts_value(message: str) -> None:
    """K5."""
    limited = CHART | {"limits": {"memory": "192Mi", "cpu": "250m"}}
    assert fitted(limited, message) is None
    assert remedy(limited, message) == sidecar_resources.REMEDY
    assert "sidecar.resources" in sidecar_resources.REMEDY


def test_a_sum_that_is_too_large_names_the_sidecars_part() -> None:
    """K5."""
    message = "maximum memory usage per Pod is 1Gi, but limit is 1275068416"
    assert fitted(CHART, message) is None
    assert "sidecar.resources" in (remedy(CHART, message) or "")


def test_what_the_chart_asks_for_besides_stays() -> None:
    chart = {"requests": {"cpu": 0.01, "example.org/thing": "1"}, "claims": [{"name": "x"}]}
    assert fitted(chart, "minimum cpu usage per Container is 50m, but request is 10m") == {
        "requests": {"cpu": "50m", "example.org/thing": "1"},
        "claims": [{"name": "x"}],
    }
