"""A namespace."""

from __future__ import annotations

from typing import TypedDict

from taskyard.core.resources import NAMESPACES
from taskyard.gateway.rest.cache.objects.kept import Kept, Metadata, Object, identity
from taskyard.watchcache.kind import Kind

USER_ANNOTATION = "taskyard.dev/user"
MAX_USER_CHARACTERS = 1024
_Annotations = TypedDict("_Annotations", {"taskyard.dev/user": str}, total=False)


class NamespaceView(Kept, frozen=True, gc=False, kw_only=True):
    """A namespace; its `namespace` is empty. `user` is the user whom its annotation names, else empty."""

    user: str


class _AnnotatedMetadata(Metadata, total=False):
    annotations: _Annotations | None


class _Namespace(TypedDict, total=False):
    metadata: _AnnotatedMetadata


def _namespace(manifest: Object) -> NamespaceView:
    metadata = manifest["metadata"]
    user = (metadata.get("annotations") or {}).get(USER_ANNOTATION, "")
    # A longer one is nobody's: whoever may annotate a namespace could fill the memory with it.
    user = user if len(user) <= MAX_USER_CHARACTERS else ""
    return NamespaceView(**identity(metadata) | {"namespace": ""}, user=user)


NAMESPACE = Kind(NAMESPACES, _Namespace, _namespace)
