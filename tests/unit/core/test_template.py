"""Whether a TemplateVersion can run a Task."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.template import Resolution, agent_problem, resolve
from unit.core.builders import template


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "agent", "image": "x", "command": ["a"], **container}]}}


@pytest.mark.parametrize(
    ("of", "reason", "says"),
    [
        pytest.param(None, "TemplateVersionNotFound", 'no TemplateVersion "v1" in namespace "team"', id="none"),
        pytest.param(
            template(agent=None), "NoAgent", "Template does not have a valid AI task app.", id="without an agent"
        ),
        pytest.param(
            template(pod={"spec": {"containers": [{"name": "other"}]}}),
            "AgentContainerInvalid",
            'spec.pod has no container "agent", which spec.agent.container names; create a version that has it',
            id="the agent's container is missing",
        ),
        pytest.param(template(pod={"spec": {}}), "AgentContainerInvalid", "has no container", id="no containers"),
        pytest.param(template(pod={}), "AgentContainerInvalid", "has no container", id="no Pod"),
        pytest.param(
            template(pod=pod(command=[])),
            "AgentContainerInvalid",
            'container "agent" has no command, which is needed to run it in a terminal',
            id="an empty command",
        ),
        pytest.param(
            template(pod=pod(command=None, args=["x"])), "AgentContainerInvalid", "has no command", id="arguments only"
        ),
    ],
)
def test_a_version_that_cannot_run_tasks(of: Any, reason: str, says: str) -> None:
    found = resolve(of, name="v1", namespace="team")
    assert (found.resolved, found.reason) == (False, reason)
    assert says in found.message


def test_a_version_that_can() -> None:
    assert resolve(template(), name="v1", namespace="team") == Resolution(
        True, "Resolved", 'TemplateVersion "v1" is used.'
    )
    assert agent_problem(template(pod=pod())) is None
