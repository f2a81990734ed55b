"""The lines of kopf's watches."""

from __future__ import annotations

import gc
import json

import pytest
from kopf._cogs.clients import api

from taskyard.controller.cache import kinds
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.kopf_source.lines import Received, loads
from unit.controller.cache.test_kinds import bytes_of
from unit.core.builders import task, task_manifest

TASK = kinds.task_kind(TaskChoices())


def test_kopf_gets_of_an_object_which_one_it_is_and_hands_on_the_rest() -> None:
    manifest = task_manifest(prompt="ü \N{GRINNING FACE}")
    found = api.json.loads(json.dumps({"type": "ADDED", "object": manifest}))
    assert found["type"] == "ADDED"
    assert found["object"] == {name: manifest[name] for name in ("apiVersion", "kind", "metadata")}
    assert TASK.decode(found["object"].raw) == task(prompt="ü \N{GRINNING FACE}")
    with pytest.raises(ValueError, match="malformed"):
        api.json.loads("<html>")


def test_an_error_and_a_bookmark_are_as_kopf_expects_them() -> None:
    error = {"type": "ERROR", "object": {"kind": "Status", "metadata": {}, "code": 410, "message": "too old"}}
    assert loads(json.dumps(error)) == error
    bookmark = {"type": "BOOKMARK", "object": {"kind": "Task", "metadata": {"resourceVersion": "7"}}}
    assert loads(json.dumps(bookmark)) == bookmark


def test_what_waits_in_kopf_takes_the_bytes_that_arrived() -> None:
    """Decoded, an object of many small parts takes thirty times as much, and kopf keeps all that no worker has had."""
    manifest = task_manifest() | {"status": {"odd": [{} for _ in range(100_000)]}}
    line = json.dumps({"type": "ADDED", "object": manifest}, separators=(",", ":"))
    found = loads(line)
    gc.collect()
    assert bytes_of(found["object"], found["object"].raw) < len(line) + 10_000


@pytest.mark.parametrize("levels", [2_000, 9_990])
def test_an_object_that_is_nested_too_deeply_ends_nothing(levels: int) -> None:
    whole = task_manifest()
    line = json.dumps({"type": "MODIFIED", "object": whole | {"odd": "HERE"}})
    found = loads(line.replace('"HERE"', "[" * levels + "]" * levels))
    assert found["type"] == "MODIFIED"
    assert isinstance(found["object"], Received)
    assert found["object"]["metadata"] == whole["metadata"]
    assert found["object"].raw == b""
