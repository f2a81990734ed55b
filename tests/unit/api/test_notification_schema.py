"""The JSON schema of notifications as a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from localcluster.locations import REPOSITORY
from taskyard.api import notification_schema
from unit.core.notifications.notified import EVENTS


def test_the_committed_schema_is_the_one_of_the_models() -> None:
    path = REPOSITORY / "docs" / "notification.schema.json"
    assert path.read_text() == notification_schema.text(), "run `make generate`"


def test_it_names_every_event_and_says_what_each_field_is() -> None:
    task, test = json.loads(notification_schema.text())["oneOf"]
    assert task["properties"]["event"]["enum"] == list(EVENTS)
    assert test["properties"]["event"]["const"] == "Test"
    for schema in (task, test):
        assert [name for name, part in schema["properties"].items() if not part["description"]] == []


def test_an_absent_field_is_not_null() -> None:
    assert "null" not in notification_schema.text()


def test_check_names_the_command_that_mends_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notification.schema.json"

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["notification_schema", str(path), *arguments])
        return notification_schema.main()

    assert run("--check") == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert run() == 0
    assert run("--check") == 0
