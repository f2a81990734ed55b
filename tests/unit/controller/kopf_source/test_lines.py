"""The lines of kopf's watches."""

from __future__ import annotations

import json

import pytest
from kopf._cogs.clients import api

from taskyard.controller.kopf_source.lines import CutOff, loads
from unit.core.builders import task_manifest


def test_kopf_reads_its_lines_so() -> None:
    line = json.dumps({"type": "ADDED", "object": task_manifest(prompt="ü \N{GRINNING FACE}")})
    assert api.json.loads(line) == json.loads(line)
    with pytest.raises(ValueError, match="malformed"):
        api.json.loads("<html>")


@pytest.mark.parametrize("levels", [2_000, 9_990])
def test_an_object_that_is_nested_too_deeply_ends_nothing(levels: int) -> None:
    whole = task_manifest()
    line = json.dumps({"type": "MODIFIED", "object": whole | {"odd": "HERE"}})
    found = loads(line.replace('"HERE"', "[" * levels + "]" * levels))
    assert found["type"] == "MODIFIED"
    assert isinstance(found["object"], CutOff)
    assert found["object"]["metadata"] == whole["metadata"]
    assert "spec" not in found["object"]
