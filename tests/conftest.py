"""How the tiers are spread when several processes run them (`make test`).

Tests of one file stay together, and so do all that share the one local cluster. What takes longest begins first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_FOLDER = Path(__file__).parent
_LONGEST_FIRST = ("e2e", "integration", "conformance", "unit")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file is a unit of work, the whole e2e tier is one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "cluster" if file.startswith("tests/e2e/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        tier = item.path.relative_to(_FOLDER).parts[0]
        return _LONGEST_FIRST.index(tier) if tier in _LONGEST_FIRST else len(_LONGEST_FIRST)

    items.sort(key=place)
