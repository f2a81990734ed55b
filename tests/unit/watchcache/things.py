"""A kind of objects that are as plain as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from taskyard.core.resources import Resource
from taskyard.watchcache.kind import Kind

Manifest = dict[str, Any]


class _Metadata(TypedDict):
    namespace: str
    name: str
    uid: str
    resourceVersion: str


class _Shape(TypedDict, total=False):
    metadata: _Metadata
    group: str


@dataclass(frozen=True, slots=True)
class Thing:
    namespace: str
    name: str
    uid: str
    version: int
    group: str

    @classmethod
    def of(cls, manifest: Manifest) -> Thing:
        metadata = manifest["metadata"]
        version = int(metadata["resourceVersion"])
        return cls(metadata["namespace"], metadata["name"], metadata["uid"], version, manifest["group"])


RESOURCE = Resource("/apis/example.org/v1", "things")
THINGS = Kind(RESOURCE, _Shape, Thing.of)


def thing(name: str = "a", at: int = 1, *, group: str = "g", uid: str | None = None) -> Thing:
    return Thing("team", name, uid or f"uid-{name}", at, group)


def thing_manifest(name: str = "a", at: int = 1, *, group: str = "g", **more: Any) -> Manifest:
    """A thing as the API server would send it; further keyword arguments are fields of which no view tells."""
    metadata = {"namespace": "team", "name": name, "uid": f"uid-{name}", "resourceVersion": str(at)}
    return {"metadata": metadata, "group": group, **more}
