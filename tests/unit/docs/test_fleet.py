"""docs/fleet.md says what docs/performance.md has measured."""

from __future__ import annotations

import re

from localcluster.locations import REPOSITORY

FLEET, PERFORMANCE = ((REPOSITORY / "docs" / name).read_text() for name in ("fleet.md", "performance.md"))


def figure(what: str) -> float:
    """A figure of the tables of what was measured."""
    found = re.search(rf"^\| {re.escape(what)} \| ([\d.]+)", PERFORMANCE, re.MULTILINE)
    assert found, f"no figure {what!r}"
    return float(found[1])


def test_the_starts_a_second_are_those_that_were_measured() -> None:
    said = re.search(r"then by the API server: some (\d+) a second", FLEET)
    assert said
    assert int(said[1]) == round(figure("1,000 Tasks at once: Pods"), -1)
