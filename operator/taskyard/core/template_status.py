"""Whether a Template's active version exists and belongs to it, and the status that says so."""

from __future__ import annotations

from taskyard.core import conditions
from taskyard.core.conditions import Verdict
from taskyard.core.observed import Manifest, TemplateVersionView
from taskyard.core.parameter_views import TemplateView
from taskyard.core.template_resolution import leads


def document(template: Manifest, view: TemplateView, version: TemplateVersionView | None, *, now: str) -> Manifest:
    """The Template's status; `version` is its active version, None when there is none."""
    found = leads(view, version, namespace=template["metadata"]["namespace"])
    generation = template["metadata"]["generation"]
    verdict = Verdict("Resolved", found.resolved, found.reason, found.message)
    former = template.get("status", {}).get("conditions", [])
    return {
        "observedGeneration": generation,
        "conditions": conditions.render([verdict], former=former, generation=generation, now=now),
    }
