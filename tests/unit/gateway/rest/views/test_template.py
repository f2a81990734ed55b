"""Templates and their versions as documents."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.views import template


@pytest.mark.parametrize(
    ("valid", "status", "error"),
    [
        pytest.param(None, "pending", "", id="not checked yet"),
        pytest.param("Unknown", "pending", "", id="waits for room in a quota"),
        pytest.param("True", "succeeded", "", id="valid"),
        pytest.param("False", "failed", "no image", id="refused"),
    ],
)
def test_the_job_of_a_version_is_its_check(valid: str | None, status: str, error: str) -> None:
    metadata = {"name": "shell", "namespace": "team", "uid": "uid-1", "resourceVersion": "1"}
    metadata |= {"creationTimestamp": "2026-01-31T12:00:00Z"}
    conditions: list[dict[str, Any]] = []
    if valid:
        conditions.append({"type": "Valid", "status": valid, "reason": "X", "message": "no image"})
    cache = Cache()
    cache.templates.put({"metadata": metadata, "spec": {"activeVersion": "shell-v1"}, "status": {}})
    version = {"metadata": metadata | {"name": "shell-v1", "uid": "uid-2"}, "spec": {"template": "shell"}}
    cache.template_versions.put({**version, "status": {"conditions": conditions}})
    found = cache.template_versions.get(("team", "shell-v1"))
    assert found
    job = template.template_version(cache, found)["job"]
    assert (job["status"], job["error"]) == (status, error)
