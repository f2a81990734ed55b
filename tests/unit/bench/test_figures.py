"""The pure parts of the bench: percentiles, verdicts, the table, the machine's line."""

import pytest

from bench import machine
from bench.figures import Figure, percentile, table


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.0, 1, id="the smallest"),
        pytest.param(0.5, 50, id="half"),
        pytest.param(0.99, 99, id="nearly all"),
        pytest.param(0.995, 100, id="in between: the next larger one"),
        pytest.param(1.0, 100, id="all"),
    ],
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == expected


def test_one_value_is_every_percentile() -> None:
    assert [percentile([7.0], share) for share in (0, 0.5, 1)] == [7.0] * 3


def test_without_values_there_is_none() -> None:
    with pytest.raises(ValueError):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        pytest.param(Figure("a", 40.0, "MB", 40), True, id="exactly at the maximum"),
        pytest.param(Figure("a", 40.1, "MB", 40), False, id="above the maximum"),
        pytest.param(Figure("a", 99, "", 100, True), False, id="below the minimum"),
        pytest.param(Figure("a", 100, "", 100, True), True, id="above the minimum"),
        pytest.param(Figure("a", 100, "MB"), None, id="without a goal"),
    ],
)
def test_a_goal_is_met_or_not(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_the_table_shows_figure_goal_and_verdict() -> None:
    figures = [
        Figure("RSS", 38.42, "MB", 40),
        Figure("latency, p50", 2.5, "ms", 2),
        Figure("clients", 200, "", 200, True),
        Figure("output", 1234.5, "MB"),
    ]
    assert table({"sidecar": figures[:3], "gateway": figures[3:]}).splitlines() == [
        "| scenario | what         | figure   | goal    |         |",
        "|----------|--------------|----------|---------|---------|",
        "| sidecar  | RSS          | 38.4 MB  | ≤ 40 MB | met     |",
        "| sidecar  | latency, p50 | 2.5 ms   | ≤ 2 ms  | NOT MET |",
        "| sidecar  | clients      | 200      | ≥ 200   | met     |",
        "| gateway  | output       | 1,234 MB |         |         |",
    ]


def test_the_table_compares_with_an_earlier_run_of_the_same_scenario() -> None:
    figures = [Figure("RSS", 30.0, "MB", 40), Figure("calls", 2, ""), Figure("new", 1, "")]
    earlier = {"sidecar": {"RSS": 40.0, "calls": 0.0}, "gateway": {"new": 5.0}}
    assert table({"sidecar": figures}, earlier).splitlines() == [
        "| scenario | what  | figure | goal    |     | earlier | ratio |",
        "|----------|-------|--------|---------|-----|---------|-------|",
        "| sidecar  | RSS   | 30 MB  | ≤ 40 MB | met | 40 MB   | 0.75  |",
        "| sidecar  | calls | 2      |         |     | 0       |       |",
        "| sidecar  | new   | 1      |         |     |         |       |",
    ]


def test_the_machine_is_described_in_one_line() -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: Fast CPU\n\nprocessor\t: 1\nmodel name\t: Fast CPU\n"
    line = machine.description(cpuinfo, "MemTotal:       8388608 kB\n", "abc123+", "0.10 0.20 0.30 1/2 3\n")
    assert line == "2 x Fast CPU, 8.0 GiB, commit abc123+, load before: 0.10 0.20 0.30"


def test_a_machine_without_details_is_still_described() -> None:
    assert machine.description("", "", "", "") == ("0 x unknown model, unknown memory, commit unknown, load before: ")
