"""Template versions for single tests."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import manifests

Object = dict[str, Any]

IMAGE = "debian:trixie-slim"


def version(name: str, *, agent: Object | None = None, pod: Object | None = None, **spec: Any) -> Object:
    """A template version with changes to its agent's container, its Pod's spec or its own spec."""
    result = deepcopy(manifests.template_version(name, home=None, gracePeriodSeconds=10, **spec))
    if result["spec"]["home"] is None:
        del result["spec"]["home"]
    result["spec"]["pod"]["spec"] |= pod or {}
    result["spec"]["pod"]["spec"]["containers"][0] |= {"imagePullPolicy": "IfNotPresent"} | (agent or {})
    return result
