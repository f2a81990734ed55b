"""How many runs of the chaos test there are, and how large.

`TASKYARD_CHAOS_SEEDS` is how many seeds (from 1), `TASKYARD_CHAOS_SEED` one alone, `TASKYARD_CHAOS_TASKS` how many
Tasks a run has. Without them it is a short run, for every day.
"""

from __future__ import annotations

import os
import sys

import pytest

SEEDS = 1
TASKS = 60


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    one = os.environ.get("TASKYARD_CHAOS_SEED")
    seeds = [int(one)] if one else list(range(1, int(os.environ.get("TASKYARD_CHAOS_SEEDS", SEEDS)) + 1))
    metafunc.parametrize("seed", seeds, ids=[f"seed {seed}" for seed in seeds])


@pytest.fixture
def task_count() -> int:
    """How many Tasks a run has."""
    return int(os.environ.get("TASKYARD_CHAOS_TASKS", TASKS))


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        reason = "integration tier: etcd and kube-apiserver are built for Linux only"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
