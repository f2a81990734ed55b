"""Whether a Template leads to a version of its own, and the status that says so."""

from __future__ import annotations

from taskyard.core import conditions
from taskyard.core.choices import PointerView
from taskyard.core.conditions import Verdict
from taskyard.core.observed import Manifest, TemplateView
from taskyard.core.template import Resolution


def leads(pointer: PointerView, version: TemplateView | None, *, namespace: str) -> Resolution:
    """Whether a Template leads to a version of its own in that namespace."""
    name, active = pointer.name, pointer.active_version
    if version is None:
        return Resolution(
            False,
            "TemplateVersionNotFound",
            f'There is no TemplateVersion "{active}" in namespace "{namespace}", which is the active version of '
            f'Template "{name}"; apply it, or make another one active.',
        )
    if version.template != name:
        return Resolution(
            False,
            "TemplateMismatch",
            f'TemplateVersion "{active}", the active version of Template "{name}", is of template '
            f'"{version.template}"; make one active whose spec.template is "{name}".',
        )
    return Resolution(True, "Resolved", f'TemplateVersion "{active}" is active.')


def document(template: Manifest, pointer: PointerView, version: TemplateView | None, *, now: str) -> Manifest:
    """The Template's status; `version` is its active version, None when there is none."""
    found = leads(pointer, version, namespace=template["metadata"]["namespace"])
    generation = template["metadata"]["generation"]
    verdict = Verdict("Resolved", found.resolved, found.reason, found.message)
    former = template.get("status", {}).get("conditions", [])
    return {
        "observedGeneration": generation,
        "conditions": conditions.render([verdict], former=former, generation=generation, now=now),
    }
