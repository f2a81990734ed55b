"""A whole run, of scenarios made for it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import __main__ as command
from bench import results
from bench.figures import Figure


def good(folder: Path, say: Any) -> list[Figure]:
    assert folder.is_dir()
    say("measuring")
    return [Figure("RSS", 30.0, "MB", 40)]


def breaking(folder: Path, say: Any) -> Iterator[Figure]:
    yield Figure("rate", 2.0, "/s")
    raise AssertionError("no Pod came")


@pytest.fixture(autouse=True)
def scenarios(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, run in (("breaking", breaking), ("good", good)):
        module = ModuleType(f"bench.{name}")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bench.{name}", module)
    monkeypatch.setattr(command, "SCENARIOS", ("breaking", "good"))
    monkeypatch.setattr(results, "FOLDER", tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    command.main()


def test_a_run_prints_its_progress_and_table_and_keeps_its_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(monkeypatch, "good", "--compare", "")
    said = capsys.readouterr().out
    assert " s] scenario good\n" in said and " s] measuring\n" in said
    assert "| good     | RSS  | 30 MB  | ≤ 40 MB | met |" in said
    (file,) = tmp_path.iterdir()
    assert file.name.endswith("-good.json") and str(file) in said
    assert json.loads(file.read_text())["figures"][0]["value"] == 30


def test_a_run_is_compared_with_the_file_of_an_earlier_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    earlier = {"scenario": "good", "figures": [{"what": "RSS", "value": 60.0}]}
    (tmp_path / "earlier.json").write_text(json.dumps(earlier))
    run(monkeypatch, "good", "--compare", "earlier.json")
    assert "| met | 60 MB   | 0.50  |" in capsys.readouterr().out


def test_a_failure_keeps_what_was_measured_before_it_and_the_other_scenarios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="scenarios that failed: breaking"):
        run(monkeypatch)
    said = capsys.readouterr()
    assert "no Pod came" in said.err
    assert "| breaking | rate | 2 /s " in said.out and "| good     | RSS  | 30 MB" in said.out
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("arguments", [["nothing"], ["good", "--compare", "missing.json"]])
def test_what_cannot_be_run_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        run(monkeypatch, *arguments)
    assert refused.value.code == 2
    assert "measuring" not in capsys.readouterr().out and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("AGENT_SANDBOX", "missing"), ("AGENT_SANDBOX_CRDS", "missing")])
def test_a_comparison_without_its_program_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        run(monkeypatch, "good")
    assert refused.value.code == 2
    said = capsys.readouterr()
    assert "no such program; give the path of agent-sandbox's controller" in said.err and "Traceback" not in said.err
    assert "measuring" not in said.out and list(tmp_path.iterdir()) == []
