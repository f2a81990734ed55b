"""The parameters of Tasks: small ones are part of the view, large ones are held within some bytes."""

from __future__ import annotations

from typing import Any

from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.core.task_view import TaskView
from unit.core.builders import task_manifest

SMALL = [{"name": "branch", "value": "main"}, {"name": "token", "secretRef": {"name": "github", "key": "token"}}]
LARGE = [*SMALL, {"name": "notes", "value": "x" * 8_000}]


def manifest(parameters: list[dict[str, Any]], name: str = "web") -> dict[str, Any]:
    return task_manifest(name=name, uid=f"uid-{name}", parameters=parameters)


def test_small_ones_are_in_the_view_and_are_not_held() -> None:
    choices = TaskChoices()
    lean = choices.lean(manifest(SMALL))
    assert lean == TaskView.of(manifest(SMALL))
    assert choices.known(lean) == lean.parameters
    assert choices.bytes == 0


def test_large_ones_are_not_in_the_view_and_are_held_for_a_while() -> None:
    choices, whole = TaskChoices(max_bytes=20_000), TaskView.of(manifest(LARGE))
    lean = choices.lean(manifest(LARGE))
    assert (lean.parameters, lean.has_large_parameters) == ((), True)
    assert choices.known(lean) == whole.parameters
    for number in range(3):
        choices.lean(manifest(LARGE, f"other-{number}"))
    assert choices.known(lean) is None
    assert choices.bytes <= 20_000


def test_those_of_another_generation_are_not_taken_for_them() -> None:
    choices, changed = TaskChoices(), manifest(LARGE)
    lean = choices.lean(manifest(LARGE))
    changed["metadata"]["generation"] += 1
    choices.lean(changed)
    assert choices.known(lean) is None
