"""Whose an object is."""

from collections.abc import Mapping
from typing import Any


def is_owned_by(manifest: Mapping[str, Any], uid: str) -> bool:
    """Whether the object names the Task of this UID as its controller."""
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(reference.get("controller") and reference.get("uid") == uid for reference in references)
