"""How the tiers are spread when several processes run them (`make test`).

Tests of one file stay together, and so do all that share the one local cluster. What takes longest begins first.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_LONGEST_FIRST = ("e2e", "integration", "conformance", "unit")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def tier(item: pytest.Item) -> str:
        return item.path.relative_to(_FOLDER).parts[0]

    for item in items:
        group = "cluster" if tier(item) == "e2e" else str(item.path.relative_to(_FOLDER))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _LONGEST_FIRST.index(tier(item)) if tier(item) in _LONGEST_FIRST else 0)
