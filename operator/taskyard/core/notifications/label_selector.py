"""Label selectors, as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskyard.core.api_object import Manifest


@dataclass(frozen=True, slots=True)
class Requirement:
    """`operator` is In, NotIn, Exists or DoesNotExist; `values` are for the first two."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                # As in Kubernetes, an object without the label is not in any set.
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Selects the objects whose labels meet all requirements; without any, all objects."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, selector: Manifest | None) -> LabelSelector:
        if not selector:
            return cls()
        equal = (Requirement(key, "In", (value,)) for key, value in (selector.get("matchLabels") or {}).items())
        others = (
            Requirement(each["key"], each["operator"], tuple(each.get("values") or ()))
            for each in selector.get("matchExpressions") or ()
        )
        return cls((*equal, *others))

    def selects(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.holds(labels) for requirement in self.requirements)
