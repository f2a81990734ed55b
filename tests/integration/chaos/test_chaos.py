"""Whatever fails, in whatever order: in the end all Tasks are in the requested state, and nothing was done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.chaos.chaosrun import Run

SHOWN = 40


# A run of many Tasks is longer than any other test; it has its own bounds.
@pytest.mark.timeout(1800)
def test_nothing_is_lost_and_nothing_is_done_twice(seed: int, task_count: int, tmp_path: Path) -> None:
    outcome = Run(seed, tasks=task_count, folder=tmp_path).outcome()
    print(
        f"\nseed {seed}: {task_count} Tasks, {outcome.builds} builds, {outcome.typed} messages, "
        f"settled after {outcome.settled_after:.1f} s\n"
        f"  met: {dict(sorted(outcome.met.items()))}\n  did: {dict(outcome.did)}\n"
        f"  faults: {outcome.faults[:3]}\n"
        f"  waited last for: {outcome.waited_for[:3]}"
    )
    if outcome.faults:
        shown = "\n".join(outcome.faults[:SHOWN])
        pytest.fail(
            f"seed {seed}: {len(outcome.faults)} faults, the first:\n{shown}\n"
            f"objects.json and operator.log are in {tmp_path}; "
            f"to repeat: make chaos SEED={seed} TASKS={task_count}",
            pytrace=False,
        )
