"""The reference is generated from the same schemas as the CRDs."""

import sys
from pathlib import Path
from typing import Any

import pytest

from taskyard.api import reference
from taskyard.api.crd import KINDS, definition


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the tables' rows, by the field's path."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            path, *rest = (cell.strip() for cell in line.strip("|").split(" | "))
            found[path.strip("`")] = rest
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_every_field_of_a_kind_has_a_row_with_its_meaning(kind: Any) -> None:
    schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    expected = {
        field.path for name in ("spec", "status") for field in reference.fields(schema["properties"][name], name)
    }
    found = rows(reference.section(kind))
    assert set(found) == expected
    assert [path for path, cells in found.items() if not cells[2]] == []


@pytest.mark.parametrize(
    ("path", "type_", "presence"),
    [
        pytest.param("spec.prompt", "string, at most 65536 characters", "required", id="a required field"),
        pytest.param("spec.paused", "boolean", "`false`", id="a default that is false"),
        pytest.param("status.state.message", "string, at most 160 characters", '`""`', id="a default that is empty"),
        pytest.param("status.state.timestamp", "time", "required", id="a time"),
        pytest.param("status.conditions[].type", "string, at most 316 characters", "required", id="items of a list"),
    ],
)
def test_a_row_shows_type_limits_and_default(path: str, type_: str, presence: str) -> None:
    task = next(kind for kind in KINDS if kind.plural == "tasks")
    assert rows(reference.section(task))[path][:2] == [type_, presence]


def test_rules_of_the_whole_object_are_listed_by_their_messages() -> None:
    assert "- Unable to update task input, task must be paused." in reference.document()


def test_bars_in_a_cell_are_escaped() -> None:
    field = reference.Field("spec.x", {"type": "string", "pattern": "^(a|b)$", "description": "A letter."}, False)
    assert r"^(a\|b)$" in field.row


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reference", *arguments])
    return reference.main()


def test_check_names_the_command_that_updates_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docs" / "reference.md"
    assert run(monkeypatch, str(path), "--check") == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert not path.exists()
    assert run(monkeypatch, str(path)) == 0
    assert run(monkeypatch, str(path), "--check") == 0
    path.write_text(path.read_text() + "by hand\n")
    assert run(monkeypatch, str(path), "--check") == 1
