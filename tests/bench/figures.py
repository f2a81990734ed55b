"""The measured figures, and the table that shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The figures of earlier runs: by scenario, and by what they are.
Earlier = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Figure:
    """One figure. `goal` is its maximum, with `at_least` its minimum; None without a goal."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The cells of its table row: what, figure, goal, and whether the goal is met."""
        goal = "" if self.goal is None else f"{'≥' if self.at_least else '≤'} {_number(self.goal)} {self.unit}".rstrip()
        verdict = {True: "met", False: "NOT MET", None: ""}[self.met]
        return self.what, f"{_number(self.value)} {self.unit}".rstrip(), goal, verdict


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(found: Mapping[str, Sequence[Figure]], earlier: Earlier | None = None) -> str:
    """The figures of each scenario as one Markdown table with aligned columns. With `earlier` two more columns show
    the figure of an earlier run, and by what it was multiplied since."""
    head = ("scenario", "what", "figure", "goal", "", *(("earlier", "ratio") if earlier is not None else ()))
    rows = [head]
    for scenario, figures in found.items():
        for figure in figures:
            before = () if earlier is None else _comparison(figure, earlier.get(scenario, {}).get(figure.what))
            rows.append((scenario, *figure.row, *before))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _comparison(figure: Figure, earlier: float | None) -> tuple[str, str]:
    if earlier is None:
        return "", ""
    ratio = f"{figure.value / earlier:.2f}" if earlier else ""
    return f"{_number(earlier)} {figure.unit}".rstrip(), ratio


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
