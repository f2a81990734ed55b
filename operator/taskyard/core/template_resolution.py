"""Which template version a Task uses, and whether the Task can be started with it.

While the newest build is a start, its version is in use, whatever happens to the Template. Otherwise it is the version
that the Task names, or the active version of the Template that it names: the one that the next start will use.
"""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.core import parameters, ready_pattern
from taskyard.core.observed import Observed
from taskyard.core.parameter_views import TemplateView
from taskyard.core.parameters import Chosen, Violation
from taskyard.core.template_version_view import TemplateVersionView


@dataclass(frozen=True)
class Resolution:
    """The verdict, as status, reason and message of the condition TemplateResolved."""

    resolved: bool
    reason: str
    message: str


def resolve(version: TemplateVersionView | None, *, name: str, namespace: str) -> Resolution:
    """Verdict on the template version `name` of a Task in `namespace`; `version` is None when there is none."""
    if version is None:
        return Resolution(
            False,
            "TemplateVersionNotFound",
            f'There is no TemplateVersion "{name}" in namespace "{namespace}"; the Task starts when it is applied.',
        )
    if version.agent_container is None:
        return Resolution(
            False,
            "NoAgent",
            f'TemplateVersion "{name}" has no spec.agent, so nothing works on a prompt; create a version that has '
            "it (`agent: {}` is enough where the container is named agent), and name it in the Task.",
        )
    problem = version.agent_problem
    if problem:
        return Resolution(
            False,
            "AgentContainerInvalid",
            f'TemplateVersion "{name}": {problem}; create a version that has it, and name it in the Task.',
        )
    problem = ready_pattern.problem(version.agent_ready)
    if problem:
        return Resolution(
            False,
            "AgentReadyInvalid",
            f'TemplateVersion "{name}": {problem}; create a version with another one, and name it in the Task.',
        )
    return Resolution(True, "Resolved", f'TemplateVersion "{name}" is used.')


def leads(template: TemplateView, version: TemplateVersionView | None, *, namespace: str) -> Resolution:
    """Whether the Template's active version exists in that namespace and belongs to it."""
    name, active = template.name, template.active_version
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
            f'TemplateVersion "{active}", the active version of Template "{name}", belongs to template '
            f'"{version.template}"; make one active whose spec.template is "{name}".',
        )
    return Resolution(True, "Resolved", f'TemplateVersion "{active}" is active.')


def version_of_build(observed: Observed) -> str | None:
    """Version of the newest build while that is a start and no other start is reserved; None when the next start
    resolves it again."""
    build, reserved = observed.newest, observed.pending_reservation
    if build is None or build.transition is Transition.STOP or build.phase is BuildPhase.CANCELED:
        return None
    return None if reserved and reserved["transition"] == Transition.START else build.template_version


def version_name(observed: Observed) -> str | None:
    """Name of the version in use, or the one that the next start will use; None when the Task's Template is missing."""
    of_build = version_of_build(observed)
    if of_build is not None:
        return of_build
    if observed.task.template_version is not None:
        return observed.task.template_version
    return observed.template.active_version if observed.template else None


def version_for(observed: Observed, transition: Transition) -> str:
    """Version for a build that is to be created. A stop gets the version of what it stops; a start that is created only
    to be canceled gets the last one known if there is no other."""
    newest = observed.newest
    if transition is Transition.STOP and newest is not None:
        return newest.template_version
    found = version_name(observed) or observed.task.status.get("templateVersion")
    return str(found or (newest.template_version if newest else ""))


def resolution(observed: Observed) -> Resolution:
    """The verdict on the version that the Task uses or will use, with its choices. Several rules ask for it at each
    look."""
    found: Resolution | None = observed.known.get("resolution")
    if found is None:
        found = observed.known["resolution"] = _resolution(observed)
    return found


def _resolution(observed: Observed) -> Resolution:
    task, name = observed.task, version_name(observed)
    if name is None:
        return Resolution(
            False,
            "TemplateNotFound",
            f'There is no Template "{task.template}" in namespace "{task.namespace}"; the Task starts when it is '
            "applied.",
        )
    if observed.template is not None and version_of_build(observed) is None:
        found = leads(observed.template, observed.template_version, namespace=task.namespace)
        if not found.resolved:
            return found
    found = resolve(observed.template_version, name=name, namespace=task.namespace)
    if not found.resolved:
        return found
    choice = chosen(observed)
    return Resolution(False, choice.reason, choice.message) if isinstance(choice, Violation) else found


def chosen(observed: Observed) -> Chosen | Violation:
    """The result of the Task's parameters and preset; empty while there is no template version. Where they were
    examined it is what is wrong with them, or empty, and where they are too large to be known here nothing else is."""
    version, task, examined = observed.template_version, observed.task, observed.examined
    if version is None:
        return Chosen()
    if examined is not None and examined.is_about(task, version):
        return examined.violation or Chosen()
    if task.has_large_parameters or version.has_large_parameters:
        return Chosen()
    return parameters.choose(version, task, usable_secrets=observed.usable_secrets)


def is_to_be_examined(observed: Observed) -> bool:
    """Whether the Task's choices are too large to be known here, or to be matched with patterns at each look, and were
    not examined since they last changed."""
    version, task, examined = observed.template_version, observed.task, observed.examined
    if version is None or not (task.has_large_parameters or version.has_large_parameters or version.has_patterns):
        return False
    return examined is None or not examined.is_about(task, version)
