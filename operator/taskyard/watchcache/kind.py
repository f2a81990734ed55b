"""What is kept of the objects of a kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypedDict, TypeVar

import msgspec

from taskyard.apiclient import Object
from taskyard.core.resources import Resource

# Namespace and name.
Key = tuple[str, str]


class View(Protocol):
    """What is kept of an object: at least this. `version` is its resourceVersion as a number; within a kind, Kubernetes
    allows to compare them. An object without a namespace has an empty one."""

    @property
    def namespace(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def uid(self) -> str: ...

    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=View)

# What the making of a view raises for an object that is not as its kind should be.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class _Identity(TypedDict, total=False):
    name: str
    namespace: str
    uid: str
    resourceVersion: str


class MetadataShape(TypedDict, total=False):
    """An object of which nothing but the identity is read."""

    metadata: _Identity


@dataclass(frozen=True, slots=True)
class NameView:
    """An object of which nothing but the identity is kept."""

    namespace: str
    name: str
    uid: str
    version: int

    @classmethod
    def of(cls, manifest: Object) -> NameView:
        metadata = manifest["metadata"]
        namespace = sys.intern(metadata.get("namespace", ""))
        return cls(namespace, metadata["name"], metadata["uid"], int(metadata["resourceVersion"]))


def key_of(view: View) -> Key:
    """Namespace and name."""
    return view.namespace, view.name


class Kind(Generic[V]):
    """How the objects of a kind are read: `shape`, a TypedDict, names the fields that are read at all, and all others
    are skipped while an object is decoded; `view` makes of them what is kept."""

    def __init__(self, resource: Resource, shape: type, view: Callable[[Object], V]) -> None:
        self.resource = resource
        self._shape = shape
        self._view = view
        self._decoder: msgspec.json.Decoder[Object] = msgspec.json.Decoder(shape)

    def parse(self, raw: bytes) -> Object:
        """The fields of the shape, of an object in JSON. Raises ValueError for what is no object of this shape."""
        return self._decoder.decode(raw)

    def decode(self, raw: bytes | msgspec.Raw) -> V:
        """The view of an object in JSON. Raises ValueError for what is no object of this shape."""
        return self._view(self._decoder.decode(raw))

    def of(self, manifest: Mapping[str, Any]) -> V:
        """The view of an object that is decoded already. Raises ValueError for what is no object of this shape."""
        return self._view(msgspec.convert(manifest, self._shape))
