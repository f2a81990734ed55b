"""Whether a Template's active version exists and belongs to it, and the status that says so."""

from __future__ import annotations

from taskyard.core import conditions
from taskyard.core.api_object import Manifest
from taskyard.core.conditions import Verdict
from taskyard.core.parameter_views import TemplateView
from taskyard.core.template_resolution import leads
from taskyard.core.template_version_view import TemplateVersionView


def document(template: TemplateView, version: TemplateVersionView | None, *, now: str) -> Manifest:
    """The Template's status; `version` is its active version, None when there is none."""
    found = leads(template, version, namespace=template.namespace)
    verdict = Verdict("Resolved", found.resolved, found.reason, found.message)
    former = template.status.get("conditions", [])
    return {
        "observedGeneration": template.generation,
        "conditions": conditions.render([verdict], former=former, generation=template.generation, now=now),
    }
