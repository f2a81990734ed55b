"""Distributes the tiers when several processes run them (`make test`).

The tests of a file stay together. Those of the e2e tier form two units, which share the one local cluster, and a third
unit of tests that must run alone there, which starts when the two have ended. The longest units start first. The last
test of the second unit examines a process that takes some minutes and starts with the unit's first test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_FOLDER = Path(__file__).parent
_FAILURES = ("/test_failures.py", "/test_gitops.py", "/test_lost_pods.py")
_ALONE = ("/test_outages.py", "/test_upgrade.py")
_LONGEST_FIRST = ("e2e", "integration", "alone", "conformance", "unit")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file is a unit of work; the files of the e2e tier form three units, and the tests of each agent form one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/agents/"):
            # The tests' parameters begin with the agent's name.
            return nodeid.partition("[")[2].partition("-")[0].rstrip("]")
        if not file.startswith("tests/e2e/"):
            return file
        if file.endswith(_ALONE):
            return "alone on the cluster"
        return "failures on the cluster" if file.endswith(_FAILURES) else "the cluster"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        tier = "alone" if item.path.as_posix().endswith(_ALONE) else item.path.relative_to(_FOLDER).parts[0]
        return _LONGEST_FIRST.index(tier) if tier in _LONGEST_FIRST else len(_LONGEST_FIRST)

    items.sort(key=place)
