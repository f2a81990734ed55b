"""Whether a TemplateVersion can run a Task."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import Transition
from taskyard.core.observed import Observed
from taskyard.core.parameters import Chosen, Violation
from taskyard.core.template_resolution import (
    Resolution,
    chosen,
    resolution,
    resolve,
    version_for,
    version_name,
)
from unit.core.builders import build, observed, reservation, running, task, template, template_version


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "agent", "image": "x", "command": ["a"], **container}]}}


@pytest.mark.parametrize(
    ("of", "reason", "says"),
    [
        pytest.param(None, "TemplateVersionNotFound", 'no TemplateVersion "v1" in namespace "team"', id="none"),
        pytest.param(
            template_version(agent=None),
            "NoAgent",
            'TemplateVersion "v1" has no spec.agent',
            id="without an agent",
        ),
        pytest.param(
            template_version(pod={"spec": {"containers": [{"name": "other"}]}}),
            "AgentContainerInvalid",
            'spec.pod has no container "agent", which spec.agent.container names; create a version that has it',
            id="the agent's container is missing",
        ),
        pytest.param(
            template_version(pod={"spec": {}}), "AgentContainerInvalid", "has no container", id="no containers"
        ),
        pytest.param(template_version(pod={}), "AgentContainerInvalid", "has no container", id="no Pod"),
        pytest.param(
            template_version(pod=pod(command=[])),
            "AgentContainerInvalid",
            'container "agent" has no command, which is needed to run it',
            id="an empty command",
        ),
        pytest.param(
            template_version(pod=pod(command=None, args=["x"])),
            "AgentContainerInvalid",
            "has no command",
            id="arguments only",
        ),
        pytest.param(
            template_version(agent={"container": "agent", "protocol": "Terminal", "ready": "[a-"}),
            "AgentReadyInvalid",
            "spec.agent.ready cannot be used as a pattern: missing ]: [a-; create a version with another one",
            id="a pattern of the screen that cannot be used",
        ),
    ],
)
def test_a_version_that_cannot_run_tasks(of: Any, reason: str, says: str) -> None:
    found = resolve(of, name="v1", namespace="team")
    assert (found.resolved, found.reason) == (False, reason)
    assert says in found.message


def test_a_version_that_can() -> None:
    assert resolve(template_version(), name="v1", namespace="team") == Resolution(
        True, "Resolved", 'TemplateVersion "v1" is used.'
    )
    assert template_version(pod=pod()).agent_problem is None


NAMES_TEMPLATE = {"template": "shell", "templateVersion": None}
TEMPLATE = template("shell-v2")


def of_template(**fields: Any) -> Observed:
    """A Task without a build that names Template shell, whose active version is shell-v2."""
    return observed(task(**NAMES_TEMPLATE, **fields.pop("task", {})), **{
        "template": TEMPLATE, "template_version": template_version(name="shell-v2"), **fields
    })  # fmt: skip


def started(*, reserved: tuple[int, str, str] | None = None, **fields: Any) -> Observed:
    """The Task runs with shell-v1."""
    status = {"build": reservation(*reserved)} if reserved else {}
    return running(of=NAMES_TEMPLATE, status=status, template=fields.pop("template", TEMPLATE), **fields)


def after_stop(**fields: Any) -> Observed:
    stop = {"build": reservation(2, "Stop", "ManualPause", "Succeeded")}
    return observed(
        task(**NAMES_TEMPLATE, status=stop),
        builds=(build(phase="Succeeded"), build(2, "Stop", "ManualPause", "Succeeded")),
        **{"template": TEMPLATE, **fields},
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(observed(), "shell-v1", id="the one that the Task names"),
        pytest.param(of_template(), "shell-v2", id="the active one of the Template that it names"),
        pytest.param(of_template(template=None, template_version=None), None, id="nobody knows without the Template"),
        pytest.param(started(), "shell-v1", id="that of the newest start, whatever the Template says"),
        pytest.param(started(template=None), "shell-v1", id="though the Template is gone"),
        pytest.param(started(reserved=(2, "Stop", "ManualPause")), "shell-v1", id="while its stop is reserved"),
        pytest.param(started(reserved=(2, "Start", "Recover")), "shell-v2", id="a recovery is a start like any other"),
        pytest.param(after_stop(), "shell-v2", id="after a stop the active one"),
        pytest.param(
            observed(
                task(**NAMES_TEMPLATE, status={"build": reservation(phase="Canceled")}),
                builds=(build(phase="Canceled"),),
                template=TEMPLATE,
            ),
            "shell-v2",
            id="after a start that was canceled too",
        ),
    ],
)
def test_the_version_in_use_or_that_the_next_start_takes(seen: Observed, expected: str | None) -> None:
    assert version_name(seen) == expected


@pytest.mark.parametrize(
    ("seen", "transition", "expected"),
    [
        pytest.param(of_template(), Transition.START, "shell-v2", id="a start has the active one"),
        pytest.param(started(reserved=(2, "Start", "Recover")), Transition.START, "shell-v2", id="a recovery too"),
        pytest.param(
            started(reserved=(2, "Stop", "ManualPause")), Transition.STOP, "shell-v1", id="a stop: what it stops"
        ),
        pytest.param(
            of_template(template=None, template_version=None, task={"status": {"templateVersion": "shell-v1"}}),
            Transition.START,
            "shell-v1",
            id="one that is created to be canceled has the last one known",
        ),
        pytest.param(
            started(reserved=(2, "Start", "Recover"), template=None), Transition.START, "shell-v1", id="from its build"
        ),
    ],
)
def test_the_version_of_a_new_build(seen: Observed, transition: Transition, expected: str) -> None:
    assert version_for(seen, transition) == expected


DECLARED = [{"name": "branch", "type": "string", "required": True}]


@pytest.mark.parametrize(
    ("seen", "reason", "says"),
    [
        pytest.param(
            of_template(template=None, template_version=None),
            "TemplateNotFound",
            'There is no Template "shell" in namespace "team"; the Task starts when it is applied.',
            id="no Template",
        ),
        pytest.param(
            of_template(template_version=None),
            "TemplateVersionNotFound",
            'There is no TemplateVersion "shell-v2" in namespace "team", which is the active version of Template '
            '"shell"; apply it, or make another one active.',
            id="no active version",
        ),
        pytest.param(
            of_template(template_version=template_version(name="shell-v2", template="other")),
            "TemplateMismatch",
            'TemplateVersion "shell-v2", the active version of Template "shell", belongs to template "other"; make one '
            'active whose spec.template is "shell".',
            id="a version of another Template",
        ),
        pytest.param(
            of_template(template_version=template_version(agent=None)), "NoAgent", "has no spec.agent", id="no agent"
        ),
        pytest.param(
            of_template(template_version=template_version(parameters=DECLARED)),
            "ParameterMissing",
            '"branch" is required',
            id="choices",
        ),
        pytest.param(observed(task(preset="large")), "PresetNotFound", 'no preset "large"', id="a preset"),
        pytest.param(
            started(template_version=None),
            "TemplateVersionNotFound",
            'no TemplateVersion "shell-v1"',
            id="the version in use is gone",
        ),
    ],
)
def test_what_keeps_a_task_from_its_start(seen: Observed, reason: str, says: str) -> None:
    found = resolution(seen)
    assert (found.resolved, found.reason) == (False, reason)
    assert says in found.message


def test_changes_of_its_template_do_not_affect_a_running_task() -> None:
    for changed in (None, template("missing"), TEMPLATE):
        assert resolution(started(template=changed)).resolved


def test_a_choice() -> None:
    given = [{"name": "branch", "value": "main"}]
    seen = observed(task(parameters=given), template_version=template_version(parameters=DECLARED))
    assert resolution(seen).resolved
    assert chosen(seen) == Chosen(env=({"name": "BRANCH", "value": "main"},))
    assert isinstance(chosen(observed(template_version=template_version(parameters=DECLARED))), Violation)
    assert chosen(observed(template_version=None)) == Chosen()
