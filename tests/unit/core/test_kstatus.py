"""The status that kstatus (Flux, kubectl plugins, GitOps tools) computes from the operator's status documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.task import NEVER_LOOKED_AT, Phase
from taskyard.core import status
from taskyard.core.observed import Observed
from unit.core.kstatus import ASKED, EXPECTED, IN_PROGRESS, TERMINATING, kstatus


def shown(seen: Observed, *, generation: int = 1) -> dict[str, Any]:
    """The Task as the API server would return it, with its spec at `generation`."""
    document = {key: value for key, value in status.document(seen).items() if value is not None}
    return {"metadata": {"generation": generation}, "status": document}


@pytest.mark.parametrize(("seen", "phase", "expected"), EXPECTED)
def test_the_status_of_every_phase(seen: Observed, phase: str, expected: str) -> None:
    found = shown(seen)
    assert (found["status"]["phase"], kstatus(found)) == (phase, expected)


def test_every_phase_is_there() -> None:
    assert {case.values[1] for case in EXPECTED} == set(Phase)


@pytest.mark.parametrize("seen", ASKED)
def test_a_newer_spec_is_in_progress_until_the_operator_has_seen_it(seen: Observed) -> None:
    assert kstatus(shown(seen, generation=2)) == IN_PROGRESS
    newer = replace(seen, task=replace(seen.task, generation=2))
    assert kstatus(shown(newer, generation=2)) == kstatus(shown(seen))


@pytest.mark.parametrize("seen", ASKED)
def test_reconciling_and_stalled_are_there_only_while_they_hold_and_never_both(seen: Observed) -> None:
    conditions = {c["type"]: c for c in shown(seen)["status"]["conditions"]}
    unusual = [conditions[kind] for kind in ("Reconciling", "Stalled") if kind in conditions]
    assert [condition["status"] for condition in unusual] == ["True"] * len(unusual)
    assert len(unusual) == (0 if conditions["Ready"]["status"] == "True" else 1)
    assert all(condition["observedGeneration"] == seen.task.generation for condition in conditions.values())


def test_a_task_that_no_operator_has_looked_at_is_in_progress() -> None:
    assert kstatus({"metadata": {"generation": 1}, "status": NEVER_LOOKED_AT}) == IN_PROGRESS


def test_a_task_that_is_being_deleted_is_terminating() -> None:
    assert kstatus({"metadata": {"generation": 1, "deletionTimestamp": "x"}}) == TERMINATING
