"""The status of a Template."""

from __future__ import annotations

from taskyard.api.template import TemplateStatus
from taskyard.core import template_status
from taskyard.core.parameter_views import TemplateView
from unit.core.builders import template, template_manifest, template_version

NOON, LATER = "2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z"


def test_it_is_resolved_when_its_active_version_is_there_and_its_own() -> None:
    found = template_status.document(template(), template_version(), now=NOON)
    assert found["observedGeneration"] == 1
    (condition,) = found["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Resolved", "True", "Resolved")
    assert condition["message"] == 'TemplateVersion "shell-v1" is active.'
    TemplateStatus.model_validate(found)


def test_the_time_changes_with_the_verdict_alone() -> None:
    former = template_status.document(template(), None, now=NOON)
    view = TemplateView.of(template_manifest() | {"status": former})
    assert template_status.document(view, None, now=LATER) == former
    (condition,) = template_status.document(view, template_version(), now=LATER)["conditions"]
    assert (condition["status"], condition["lastTransitionTime"]) == ("True", LATER)
