"""What the gateway keeps of the largest objects: thousands of them must fit beside the Tasks of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskyard.gateway.rest.cache.objects.namespace import NAMESPACE
from taskyard.gateway.rest.cache.objects.task import KEPT_LENGTH, TaskView, task_kind
from taskyard.gateway.rest.cache.objects.task_input import INPUT, KEPT_CHARACTERS
from taskyard.gateway.rest.cache.objects.template import TEMPLATE, TEMPLATE_VERSION
from taskyard.gateway.rest.cache.objects.workspace_build import BUILD, POD
from taskyard.watchcache.kind import Kind
from unit.largest import WIDE, Object, kept_bytes, largest, metadata


def task_kind_alone() -> Kind[TaskView]:
    return task_kind(lambda uid, version, prompt: None)


def of_others(number: int) -> Object:
    return {"metadata": metadata(number), "status": {"podIP": "10.0.0.7"}}


def longest_kept_prompt(number: int) -> Object:
    found = largest("tasks", number)
    found["spec"]["prompt"] = f"{number:04}" + WIDE * (KEPT_LENGTH // 4 - 1)
    return found


def longest_kept_content(number: int) -> Object:
    found = largest("taskinputs", number)
    found["spec"]["content"] = f"{number:04}" + WIDE * (KEPT_CHARACTERS - 4)
    return found


def small_presets(number: int) -> Object:
    """As many presets as are kept."""
    found = largest("templateversions", number)
    found["spec"]["presets"] = [
        {"name": f"p{number}-{p}", "description": f"{number}-{p}" + "x" * 60} for p in range(16)
    ]
    return found


@pytest.mark.parametrize(
    ("kind", "make", "most"),
    [
        pytest.param(task_kind_alone, "tasks", 6_000, id="Task"),
        pytest.param(lambda: TEMPLATE_VERSION, "templateversions", 32_000, id="TemplateVersion"),
        pytest.param(task_kind_alone, longest_kept_prompt, 8_000, id="Task with a prompt that is kept"),
        pytest.param(lambda: INPUT, longest_kept_content, 10_000, id="TaskInput with a content that is kept"),
        pytest.param(lambda: TEMPLATE_VERSION, small_presets, 36_000, id="TemplateVersion with presets that are kept"),
        pytest.param(lambda: TEMPLATE, "templates", 20_000, id="Template"),
        pytest.param(lambda: INPUT, "taskinputs", 6_000, id="TaskInput"),
        pytest.param(lambda: BUILD, "workspacebuilds", 6_000, id="WorkspaceBuild"),
        pytest.param(lambda: POD, of_others, 2_500, id="Pod"),
        pytest.param(lambda: NAMESPACE, of_others, 2_500, id="Namespace"),
    ],
)
def test_little_is_kept_of_the_largest(
    kind: Callable[[], Kind[Any]], make: str | Callable[[int], Object], most: int
) -> None:
    found = make if callable(make) else lambda number: largest(str(make), number)
    assert kept_bytes(kind, found) <= most
