"""What is kept of an object of any kind."""

from __future__ import annotations

import sys
from typing import Any, TypedDict

import msgspec

Object = dict[str, Any]


class Kept(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is kept of every object. `created_at` is RFC 3339, in whole seconds of UTC."""

    namespace: str
    name: str
    uid: str
    version: int
    created_at: str


class _Reference(TypedDict, total=False):
    apiVersion: str
    kind: str
    name: str
    uid: str
    controller: bool | None


class Metadata(TypedDict, total=False):
    name: str
    namespace: str
    uid: str
    resourceVersion: str
    creationTimestamp: str
    deletionTimestamp: str | None
    ownerReferences: list[_Reference] | None


def identity(metadata: Object) -> dict[str, Any]:
    return {
        "namespace": shared(metadata.get("namespace")),
        # Objects of several kinds have the name of a Task, or refer to its UID.
        "name": shared(metadata["name"]),
        "uid": shared(metadata["uid"]),
        "version": int(metadata["resourceVersion"]),
        "created_at": shared(metadata["creationTimestamp"]),
    }


def shared(text: str | None) -> str:
    return sys.intern(text) if text else ""


def lean(found: Any, *fields: str) -> Any:
    """The same value; texts of these fields, which others have too, are theirs."""
    if found is None:
        return None
    return msgspec.structs.replace(
        found, **{name: shared(text) for name in fields if (text := getattr(found, name)) is not None}
    )
