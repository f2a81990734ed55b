"""Where a kind is found at the API server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """A kind as the API server's paths have it. `selector` bounds what lists and watches see; with `metadata_only` they
    get nothing of the objects but their metadata."""

    prefix: str
    plural: str
    selector: str = ""
    metadata_only: bool = False

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        parts = [self.prefix]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)
