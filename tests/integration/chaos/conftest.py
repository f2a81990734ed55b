"""The number and size of the chaos test's runs.

`TASKYARD_CHAOS_SEEDS` is the number of seeds (from 1), `TASKYARD_CHAOS_SEED` a single seed, `TASKYARD_CHAOS_TASKS` the
number of Tasks in a run. Without them there is one short run, for everyday use.
"""

from __future__ import annotations

import os
import sys

import pytest

SEEDS = 1
TASKS = 40


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    one = os.environ.get("TASKYARD_CHAOS_SEED")
    seeds = [int(one)] if one else list(range(1, int(os.environ.get("TASKYARD_CHAOS_SEEDS", SEEDS)) + 1))
    metafunc.parametrize("seed", seeds, ids=[f"seed {seed}" for seed in seeds])


@pytest.fixture
def task_count() -> int:
    """The number of Tasks in a run."""
    return int(os.environ.get("TASKYARD_CHAOS_TASKS", TASKS))


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        reason = "integration tier: etcd and kube-apiserver are built for Linux only"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
