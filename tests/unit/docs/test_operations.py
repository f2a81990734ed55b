"""The tables of docs/operations.md match the code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from localcluster.locations import REPOSITORY
from taskyard.api.vocabulary import NotificationEvent, SinkType
from taskyard.controller import turns
from taskyard.controller.cache.stores import Stores
from taskyard.controller.inputs import reasons
from taskyard.controller.observability import recorder
from taskyard.controller.observability.metrics import Metrics as OperatorMetrics
from taskyard.controller.queue import KeyedQueue
from taskyard.core import events, eventseries, input_required, refusal, sidecar_resources
from taskyard.core import template_version_dry_run as dry_run
from taskyard.gateway.metrics import Metrics as GatewayMetrics
from taskyard.notifier.metrics import Metrics as NotifierMetrics

PAGE = (REPOSITORY / "docs" / "operations.md").read_text()


def table(first: str) -> list[list[str]]:
    """The rows of the table whose header begins with `first`."""
    after = PAGE[PAGE.index(f"\n| {first} |") :]
    lines = after.strip().split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def operator() -> Any:
    metrics = OperatorMetrics(clock=lambda: datetime.now(UTC))
    metrics.observe_stores(Stores())
    metrics.observe_queues({"tasks": KeyedQueue("task", workers=1)})
    metrics.api_request("GET", 200)
    metrics.watch_restarted("pods")
    return metrics.registry


def gateway() -> Any:
    metrics = GatewayMetrics()
    metrics.api_request("GET", 200)
    metrics.answered("/", 404, 0.1)
    return metrics.registry


def notifier() -> Any:
    metrics = NotifierMetrics()
    metrics.api_request("GET", 200)
    metrics.watch_restarted("tasks")
    metrics.sent(SinkType.WEBHOOK, NotificationEvent.IDLE, 0.1)
    return metrics.registry


def rows(registry: Any) -> list[list[str]]:
    """The table's rows for a registry."""
    found = []
    for family in registry.collect():
        if not family.name.startswith("taskyard_"):
            continue
        labels: list[str] = []
        for sample in family.samples:
            labels += [label for label in sample.labels if label != "le" and label not in labels]
        name = family.name + ("_total" if family.type == "counter" else "")
        found.append([name, family.type, ", ".join(labels), family.documentation])
    return sorted(found)


@pytest.mark.parametrize(
    ("process", "registry"), [("operator", operator()), ("gateway", gateway()), ("notifier", notifier())]
)
def test_the_metrics_match_the_table(process: str, registry: Any) -> None:
    expected = rows(registry)
    shown = "\n".join(f"| `{' | '.join(row)} |".replace(" |", "` |", 1) for row in expected)
    assert table(process) == expected, f"the table should be:\n{shown}"


def test_the_events_match_the_table() -> None:
    expected = [("BuildStarted", events.NORMAL, "Start, Stop")]
    expected += [(reason, kind, "Start, Stop") for kind, reason in events.BUILD_ENDS.values()]
    expected += [(reason, kind, "ChangePhase") for kind, reason in events.PHASES.values()]
    expected += [(reason, kind, "Report") for kind, reason in events.STATES.values()]
    expected += [(reason, kind, "StoreSnapshot") for kind, reason in events.CONVERSATION.values()]
    expected += [(input_required.TYPE, events.NORMAL, "Ask")]
    expected += [(reason, kind, "Validate") for kind, reason in events.VERSIONS.values()]
    expected += [(events.INPUT_REFUSED, events.WARNING, "WriteStatus")]
    assert sorted(tuple(row[:3]) for row in table("reason")) == sorted(expected)


def test_the_refusals_match_the_table() -> None:
    told = {row[0].replace("`", ""): row[2] for row in table("reason of Ready")}
    for row in refusal.TABLE:
        reason = row.reason.format(By="Operator")
        assert told[reason].startswith(f"{row.seconds:.0f} s"), f"the table does not say so of {reason}"
    assert told["BuildFailed"].startswith("fails")
    assert {"WorkspaceBuildRefused, PodRefused, TaskRefused", "NetworkPolicyRefused", "APIServerError"} <= set(told)


def test_the_check_of_a_version_matches_the_table() -> None:
    found = [(row[0], row[1], row[3]) for row in table("Valid")]
    waits, outside, inside = (
        f"every {seconds:.0f} s"
        for seconds in (dry_run.WAIT_SECONDS, dry_run.OUTSIDE_AGAIN_SECONDS, dry_run.INVALID_AGAIN_SECONDS)
    )
    assert [(status, reason.split("`")[0]) for status, reason, _ in found] == [
        *(("True", reason) for reason in (dry_run.PASSED, *dry_run.WARNINGS)),
        ("Unknown", "QuotaExceeded"),
        *(("False", dry_run.REFUSED) for _ in range(2)),
    ]
    assert all(said in row[2] for said, row in zip((waits, outside, inside), found[3:], strict=True))
    tries = turns.TRIES.per_second
    assert f"more than {dry_run.OUTSIDE_AGAIN_SECONDS * tries:.0f} versions" in PAGE


def test_the_sidecars_bounds_match_the_table() -> None:
    found = [tuple(row) for row in table("resource of the sidecar")]
    assert found == [
        (name, f"{bounds.request}, {bounds.limit}", bounds.most_request, bounds.least_limit)
        for name, bounds in sidecar_resources.BOUNDS.items()
    ]


def test_numbers_on_the_page_match_the_code() -> None:
    assert f"Where more than {turns.TRIES.burst} Tasks wait, the operator tries twenty of them a second" in PAGE
    assert (turns.TRIES.per_second, turns.TRIES.burst) == (20, 20 * refusal.QUOTA_SECONDS)
    told = f"ten a second for a Task, {reasons.OF_ALL.per_second} a second for all"
    assert told in PAGE and reasons.OF_A_TASK.per_second == 10
    assert f"a queue of {recorder.MAX_QUEUED} beside" in PAGE
    assert f"{eventseries.EACH_TASK.burst} Events at once and six a minute" in PAGE
    assert (eventseries.EACH_TASK.per_second * 60, eventseries.WINDOW_SECONDS) == (6, 600)
    assert "within ten minutes" in PAGE
