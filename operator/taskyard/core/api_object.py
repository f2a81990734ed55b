"""An object as JSON, and what is common to making views of it.

A view is made once, when an object arrives, and is all that is kept of it: `controller/kinds.py` names the fields that
are read. Fields that the API server guarantees are read without a default. Texts that many objects have are one object
in memory.
"""

from __future__ import annotations

import sys
from typing import Any

from taskyard.core import names

# Longer texts are hardly ever the same in two objects.
SHARED_CHARACTERS = 128


Manifest = dict[str, Any]


def without_nulls(value: Any) -> Any:
    """A copy without fields that are null: to Kubernetes, null means absent."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value if part is not None]
    return value


def shared(value: Any) -> Any:
    """The same value; texts in it that other objects have too are theirs."""
    if type(value) is str:
        return sys.intern(value) if len(value) <= SHARED_CHARACTERS else value
    if type(value) is dict:
        for key, part in value.items():
            value[key] = shared(part)
    elif type(value) is list:
        value[:] = map(shared, value)
    return value


def version_of(manifest: Manifest) -> int:
    """The resourceVersion as a number."""
    return int(manifest["metadata"]["resourceVersion"])


def labelled(child: Manifest) -> str:
    """The Task that a child's label names; empty without one."""
    task: str = shared((child["metadata"].get("labels") or {}).get(names.TASK_LABEL, ""))
    return task
