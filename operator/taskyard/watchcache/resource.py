"""Where a kind is found at the API server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """A kind, as the API server's paths name it. `selector` and `named` (the objects of that name, in any namespace)
    limit what lists and watches return; with `metadata_only` they return only the metadata of the objects."""

    prefix: str
    plural: str
    selector: str = ""
    metadata_only: bool = False
    named: str = ""

    @property
    def bounds(self) -> dict[str, str]:
        """`selector` and `named` as a query."""
        query = {"labelSelector": self.selector} if self.selector else {}
        return query | ({"fieldSelector": f"metadata.name={self.named}"} if self.named else {})

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
