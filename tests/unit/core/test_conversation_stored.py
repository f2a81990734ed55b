"""The condition ConversationStored: absent, False with the cause, True again."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import conversation_stored, events
from taskyard.core.observed import Obstacle
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, at

QUOTA = Obstacle("QuotaExceeded", "exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=1")
LATER = rfc3339(at(60))
OTHER = {"type": "Ready", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": rfc3339(NOW)}


def refused(former: list[dict[str, Any]], obstacle: Obstacle = QUOTA, now: str = LATER) -> list[dict[str, Any]] | None:
    return conversation_stored.after_refusal(former, obstacle, generation=3, now=now)


def stored(former: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return conversation_stored.after_success(former, generation=3, now=LATER)


FALSE = refused([OTHER], now=rfc3339(NOW)) or []


def test_a_refusal_is_told_once_beside_the_conditions_of_others() -> None:
    """K13."""
    assert FALSE[0] == OTHER
    assert FALSE[1]["status"] == "False" and FALSE[1]["reason"] == "QuotaExceeded"
    assert QUOTA.message in FALSE[1]["message"]
    assert refused(FALSE) is None


@pytest.mark.parametrize("used", ["2", "1200m"])
def test_what_others_use_of_the_quota_is_not_written(used: str) -> None:
    assert (
        refused(
            FALSE,
            Obstacle(
                "QuotaExceeded", QUOTA.message.replace("used: count/configmaps=1", f"used: count/configmaps={used}")
            ),
        )
        is None
    )


def test_another_cause_is_written_and_it_is_false_since_the_first() -> None:
    changed = refused(FALSE, Obstacle("GatewayForbidden", "cannot create"))
    assert changed is not None
    assert (changed[1]["reason"], changed[1]["lastTransitionTime"]) == ("GatewayForbidden", rfc3339(NOW))


def test_it_is_true_once_a_snapshot_is_stored_again_and_absent_when_all_were() -> None:
    """K13."""
    again = stored(FALSE)
    assert again is not None
    assert (again[1]["status"], again[1]["lastTransitionTime"]) == ("True", LATER)
    assert stored(again) is None
    assert stored([OTHER]) is None
    assert refused(again) is not None


def test_both_are_events() -> None:
    """K13."""
    again = stored(FALSE)
    assert [(found.type, found.reason) for found in events.of_task({"conditions": [OTHER]}, {"conditions": FALSE})] == [
        ("Warning", "ConversationNotStored")
    ]
    assert [(found.type, found.reason) for found in events.of_task({"conditions": FALSE}, {"conditions": again})] == [
        ("Normal", "ConversationStored")
    ]
    assert events.of_task({"conditions": FALSE}, {"conditions": FALSE}) == []


def test_a_cause_of_any_length_fits() -> None:
    """K6."""
    found = refused([], Obstacle("ConfigMapRefused", "x" * 40_000))
    assert found is not None and len(found[0]["message"]) <= 2048
