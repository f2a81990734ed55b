"""The JSON files of the bench, and what a later run reads of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import results
from bench.__main__ import SCENARIOS, chosen
from bench.figures import Figure

AT = datetime(2026, 11, 30, 4, 5, 6, tzinfo=UTC)
FIGURES = [Figure("RSS", 38.4, "MB", 40), Figure("rate", 0.6, "", 0.7, True), Figure("output", 12, "MB/s")]


def document(scenario: str = "sidecar", figures: list[Figure] = FIGURES) -> dict[str, object]:
    return results.document(scenario, AT, commit="abc123+", machine="2 x Fast CPU", figures=figures)


def test_the_file_is_named_by_date_commit_and_scenario() -> None:
    assert results.name("sidecar", AT, "abc123+") == "2026-11-30-040506-abc123+-sidecar.json"


def test_without_a_commit_the_name_says_so() -> None:
    assert results.name("sidecar", AT, "") == "2026-11-30-040506-unknown-sidecar.json"


def test_the_document_has_every_figure_with_its_goal_and_verdict() -> None:
    found = json.loads(json.dumps(document()))
    assert (found["scenario"], found["date"], found["commit"]) == ("sidecar", "2026-11-30T04:05:06+00:00", "abc123+")
    assert found["machine"] == "2 x Fast CPU"
    assert found["figures"] == [
        {"what": "RSS", "value": 38.4, "unit": "MB", "goal": 40, "at_least": False, "met": True},
        {"what": "rate", "value": 0.6, "unit": "", "goal": 0.7, "at_least": True, "met": False},
        {"what": "output", "value": 12, "unit": "MB/s", "goal": None, "at_least": False, "met": None},
    ]


def test_earlier_figures_are_found_by_scenario_and_what(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    files[0].write_text(json.dumps(document()))
    files[1].write_text(json.dumps(document("gateway", [Figure("RSS", 90.0, "MB")])))
    assert results.read(map(str, files)) == {
        "sidecar": {"RSS": 38.4, "rate": 0.6, "output": 12.0},
        "gateway": {"RSS": 90.0},
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("| a table |", "not a file that", id="no JSON"),
        pytest.param("[1]", "not a file that", id="other JSON"),
        pytest.param('{"scenario": "sidecar"}', "not a file that", id="without figures"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "earlier.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=f"COMPARE=.*{says}"):
        results.read([str(file)])


@pytest.mark.parametrize(
    ("text", "scenarios"),
    [
        pytest.param("", list(SCENARIOS), id="none named: all"),
        pytest.param("gateway", ["gateway"], id="one"),
        pytest.param("sidecar, gateway,sidecar", ["sidecar", "gateway"], id="several, each once"),
    ],
)
def test_scenarios_are_chosen_by_name(text: str, scenarios: list[str]) -> None:
    assert chosen(text) == scenarios


def test_an_unknown_scenario_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="SCENARIO=web: there is no such scenario; there are operator, "):
        chosen("gateway,web")
