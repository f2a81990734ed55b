"""kstatus, Argo CD's health check and the condition Succeeded agree with what a person would say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.task import NEVER_LOOKED_AT
from taskyard.api.vocabulary import PausedReason, Phase, State
from taskyard.core import status
from taskyard.core.observed import Observed
from unit.argocd.lua import ARGOCD, health
from unit.core.builders import merge
from unit.core.ends import DEGRADED, HEALTHY, PROGRESSING, ROWS, SUSPENDED, Row
from unit.core.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING, kstatus

EACH = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def shown(seen: Observed, **metadata: Any) -> dict[str, Any]:
    """The Task as the API server would return it."""
    written = merge(seen.task.status, status.patch(seen.task.status, status.document(seen)))
    return {"metadata": {"generation": seen.task.generation, **metadata}, "status": written}


def condition(manifest: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return next((found for found in manifest["status"]["conditions"] if found["type"] == kind), None)


@EACH
def test_what_is_said_of_a_task(row: Row) -> None:
    """K8"""
    found = shown(row.seen)
    told = health(ARGOCD, found)
    succeeded = condition(found, "Succeeded")
    assert succeeded is not None
    assert (found["status"]["phase"], succeeded["status"], kstatus(found), told["status"]) == (
        row.phase,
        row.succeeded,
        row.kstatus,
        row.health,
    )
    assert told["message"]
    assert succeeded["message"]


def test_the_table_has_every_phase_state_and_reason_of_a_pause() -> None:
    found = [shown(row.seen)["status"] for row in ROWS]
    assert {each["phase"] for each in found} == set(Phase)
    assert {each["state"]["state"] for each in found if "state" in each} == set(State)
    assert {each["pausedReason"] for each in found if "pausedReason" in each} == set(PausedReason)
    assert {(each.kstatus, each.health) for each in ROWS} == {
        (CURRENT, HEALTHY),
        (CURRENT, SUSPENDED),
        (IN_PROGRESS, PROGRESSING),
        (FAILED, DEGRADED),
    }


@EACH
def test_a_newer_spec_is_in_progress_until_the_operator_has_seen_it(row: Row) -> None:
    stale = shown(row.seen, generation=2)
    assert (kstatus(stale), health(ARGOCD, stale)["status"]) == (IN_PROGRESS, PROGRESSING)
    newer = shown(replace(row.seen, task=replace(row.seen.task, generation=2)))
    assert (kstatus(newer), health(ARGOCD, newer)["status"]) == (row.kstatus, row.health)


@EACH
def test_a_task_that_is_being_deleted(row: Row) -> None:
    leaving = shown(row.seen, deletionTimestamp="2026-01-31T12:00:00Z")
    assert (kstatus(leaving), health(ARGOCD, leaving)["status"]) == (TERMINATING, PROGRESSING)


def test_a_task_that_no_operator_has_looked_at_is_in_progress() -> None:
    new = {"metadata": {"generation": 1}, "status": NEVER_LOOKED_AT}
    assert (kstatus(new), health(ARGOCD, new)["status"]) == (IN_PROGRESS, PROGRESSING)


@EACH
def test_reconciling_and_stalled_are_there_only_while_they_hold_and_never_both(row: Row) -> None:
    found = shown(row.seen)
    unusual = [c for c in (condition(found, "Reconciling"), condition(found, "Stalled")) if c]
    ready = condition(found, "Ready")
    assert ready is not None
    assert [c["status"] for c in unusual] == ["True"] * len(unusual)
    assert len(unusual) == (0 if ready["status"] == "True" else 1)
    assert {c["observedGeneration"] for c in found["status"]["conditions"]} == {row.seen.task.generation}


@EACH
def test_a_status_that_says_it_all_is_not_written_again(row: Row) -> None:
    """A restart of the operator writes nothing."""
    written = shown(row.seen)["status"]
    later = replace(row.seen, task=replace(row.seen.task, status=written))
    assert status.patch(written, status.document(later)) == {}


@EACH
def test_a_task_of_an_older_version_gets_the_condition_with_the_next_write(row: Row) -> None:
    written = shown(row.seen)["status"]
    older = {**written, "conditions": [c for c in written["conditions"] if c["type"] != "Succeeded"]}
    found = shown(replace(row.seen, task=replace(row.seen.task, status=older)))
    succeeded = condition(found, "Succeeded")
    assert succeeded is not None
    assert succeeded["status"] == row.succeeded
