"""What the operator keeps of the largest objects: thousands of them must fit beside the Tasks of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskyard.controller.cache import kinds
from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.cache.unkept import Unkept
from taskyard.watchcache.kind import Kind
from unit.core.builders import claim_manifest, container_status, merge, pod_manifest
from unit.largest import LARGE, Object, kept_bytes, largest, metadata


def pod(number: int) -> Object:
    containers = [
        container_status(f"{number}-{c}", "waiting", reason="ImagePullBackOff", message=f"{number}-{c}" + "x" * 9_000)
        for c in range(200)
    ]
    secrets = [{"name": f"{number}-{s}" + "s" * 240} for s in range(5_000)]
    status = {"containerStatuses": containers, "initContainerStatuses": containers}
    return merge(
        pod_manifest(), {"metadata": metadata(number), "spec": {"imagePullSecrets": secrets}, "status": status}
    )


def claim(number: int) -> Object:
    status = {"capacity": None, "conditions": [{"type": "Resizing", "message": f"{number}" + "x" * LARGE}]}
    spec = {"volumeName": f"{number}" + "v" * LARGE, "storageClassName": f"{number}" + "c" * 240}
    found: Object = merge(claim_manifest(), {"metadata": metadata(number), "spec": spec, "status": status})
    return found


def policy(number: int) -> Object:
    rules = [{"ports": [{"port": port}]} for port in range(20_000)]
    return {"metadata": metadata(number), "spec": {"podSelector": {}, "ingress": rules}}


def small_choices(number: int) -> Object:
    """Of a Task, as many parameters as are kept."""
    found = largest("tasks", number)
    found["spec"]["parameters"] = [{"name": f"p{number}-{p}", "value": f"{number}-{p}" + "x" * 20} for p in range(32)]
    return found


def small_presets(number: int) -> Object:
    """Of a template version, as many presets as are kept."""
    found = largest("templateversions", number)
    requests = {f"r{number}-{r}": "1" for r in range(5)}
    found["spec"]["presets"] = [{"name": f"p{number}-{p}", "resources": {"requests": requests}} for p in range(16)]
    del found["spec"]["parameters"]
    return found


def secret(number: int) -> Object:
    return {"metadata": metadata(number), "data": {"key": "x" * LARGE}}


@pytest.mark.parametrize(
    ("kind", "make", "most"),
    [
        pytest.param(lambda: kinds.task_kind(TaskChoices(max_bytes=0)), "tasks", 36_000, id="Task"),
        pytest.param(
            lambda: kinds.template_version_kind(PodTemplates(max_bytes=0)),
            "templateversions",
            12_000,
            id="TemplateVersion",
        ),
        pytest.param(
            lambda: kinds.task_kind(TaskChoices(max_bytes=0)), small_choices, 48_000, id="Task with small parameters"
        ),
        pytest.param(
            lambda: kinds.template_version_kind(PodTemplates(max_bytes=0)),
            small_presets,
            40_000,
            id="TemplateVersion with small presets",
        ),
        pytest.param(lambda: kinds.TEMPLATE, "templates", 6_000, id="Template"),
        pytest.param(lambda: kinds.INPUT, "taskinputs", 6_500, id="TaskInput"),
        pytest.param(lambda: kinds.build_kind(Unkept()), "workspacebuilds", 13_000, id="WorkspaceBuild"),
        pytest.param(lambda: kinds.POD, pod, 52_000, id="Pod"),
        pytest.param(lambda: kinds.CLAIM, claim, 12_000, id="claim"),
        pytest.param(lambda: kinds.POLICY, policy, 3_000, id="NetworkPolicy"),
        pytest.param(lambda: kinds.SECRET, secret, 2_000, id="Secret"),
    ],
)
def test_little_is_kept_of_the_largest(
    kind: Callable[[], Kind[Any]], make: str | Callable[[int], Object], most: int
) -> None:
    found = make if callable(make) else lambda number: largest(str(make), number)
    assert kept_bytes(kind, found) <= most
