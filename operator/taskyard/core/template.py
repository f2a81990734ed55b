"""Whether a TemplateVersion can run a Task."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.templateversion import NOT_FOR_TASKS
from taskyard.core.observed import TemplateView


@dataclass(frozen=True)
class Resolution:
    """The verdict, in the words of the condition TemplateResolved."""

    resolved: bool
    reason: str
    message: str


def resolve(template: TemplateView | None, *, name: str, namespace: str) -> Resolution:
    """Verdict on the template version `name` of a Task in `namespace`; `template` is None when there is none."""
    if template is None:
        return Resolution(
            False,
            "TemplateVersionNotFound",
            f'There is no TemplateVersion "{name}" in namespace "{namespace}"; the Task starts when it is applied.',
        )
    if template.agent_container is None:
        return Resolution(False, "NoAgent", NOT_FOR_TASKS)
    problem = agent_problem(template)
    if problem:
        return Resolution(
            False,
            "AgentContainerInvalid",
            f'TemplateVersion "{name}": {problem}; create a version that has it, and name it in the Task.',
        )
    return Resolution(True, "Resolved", f'TemplateVersion "{name}" is used.')


def agent_problem(template: TemplateView) -> str | None:
    """What is wrong with the agent's container, if anything."""
    containers = template.pod.get("spec", {}).get("containers", [])
    agent = next((c for c in containers if c.get("name") == template.agent_container), None)
    if agent is None:
        return f'spec.pod has no container "{template.agent_container}", which spec.agent.container names'
    if not agent.get("command"):
        return f'container "{template.agent_container}" has no command, which is needed to run it in a terminal'
    return None
