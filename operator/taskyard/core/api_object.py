"""An object as JSON, and what is common to making views of it.

A view is made once, when an object arrives, and is all that is kept of it: `controller/cache/kinds.py` names the fields
that are read. Fields that the API server guarantees are read without a default. Texts that many objects have are one
object in memory.
"""

from __future__ import annotations

import sys
from typing import Any

from taskyard.core import names

# Longer texts are hardly ever the same in two objects.
SHARED_CHARACTERS = 128
# No object that is meant is nested as deeply; the API server takes ten thousand levels where a field has no schema.
MAX_LEVELS = 100
TOO_DEEP = f"it is nested more than {MAX_LEVELS} levels deep"


Manifest = dict[str, Any]


def without_nulls(value: Any, *, levels: int = MAX_LEVELS) -> Any:
    """A copy without fields that are null: to Kubernetes, null means absent. Raises ValueError for one that is nested
    more deeply than `levels`."""
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise ValueError(TOO_DEEP)
    if isinstance(value, dict):
        return {key: without_nulls(part, levels=levels - 1) for key, part in value.items() if part is not None}
    return [without_nulls(part, levels=levels - 1) for part in value if part is not None]


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


def packed(text: str) -> str | bytes:
    """The text in the form that takes the least memory: one character beyond ASCII, and each of a `str` has up to four
    bytes."""
    return text if text.isascii() else text.encode(errors="surrogatepass")


def unpacked(text: str | bytes) -> str:
    """The text of a packed one."""
    return text if isinstance(text, str) else text.decode(errors="surrogatepass")


def name_in(text: str | None) -> str | None:
    """A name that somebody has written into an annotation; None for what is longer than any name."""
    return shared(text) if text is not None and len(text) <= names.MAX_NAME_CHARACTERS else None


def version_of(manifest: Manifest) -> int:
    """The resourceVersion as a number."""
    return int(manifest["metadata"]["resourceVersion"])


def labelled(child: Manifest) -> str:
    """The Task that a child's label names; empty without one."""
    task: str = shared((child["metadata"].get("labels") or {}).get(names.TASK_LABEL, ""))
    return task
