"""The tables of docs/contracts.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localcluster.locations import REPOSITORY
from taskyard import environment_reference
from taskyard.api.vocabulary import AgentProtocol
from taskyard.core.manifests import sidecar
from unit.core import podmaking
from unit.core.builders import installation, task, template_version

PAGE = (REPOSITORY / "docs" / "contracts.md").read_text()
TEMPLATES = REPOSITORY / "charts" / "taskyard" / "templates"

# What taskyard-init adds to the agent's environment.
FROM_THE_GO_FRAME = {"TASKYARD_TASK_PROMPT", "CODER_TASK_PROMPT"}
FROM_TASKYARD_INIT = {"LANG"}
# A part of its own in _parts.tpl, which the notifier has no use for.
QUEUE_LIMITS = {"TASKYARD_MAX_QUEUED_PER_TASK", "TASKYARD_MAX_QUEUED_PER_NAMESPACE"}
FOR_SPECIAL_CASES = {
    "TASKYARD_LISTEN",
    "TASKYARD_SIDECAR_PORT",
    "TASKYARD_HEALTH_PORT",
    "TASKYARD_REPORT_PORT",
    "TASKYARD_STABLE_SECONDS",
}


def variables(process: str) -> set[str]:
    """The first column of the process's table."""
    section = PAGE.partition("\n## Environment\n")[2].partition(f"\n### {process}\n")[2].partition("\n##")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE))


def in_template(path: Path) -> set[str]:
    return set(re.findall(r"- name: (TASKYARD_[A-Z_]+)", path.read_text()))


def test_the_tables_of_the_environment_are_up_to_date() -> None:
    assert environment_reference.page(PAGE) == PAGE, "run `make generate`"


@pytest.mark.parametrize(
    ("process", "templates", "without"),
    [
        pytest.param("Operator", ("operator/deployment.yaml", "_parts.tpl"), set(), id="operator"),
        pytest.param("Gateway", ("gateway/deployment.yaml", "_parts.tpl"), set(), id="gateway"),
        pytest.param("Notifier", ("notifier/deployment.yaml", "_parts.tpl"), QUEUE_LIMITS, id="notifier"),
    ],
)
def test_what_the_chart_sets_is_in_the_table(process: str, templates: tuple[str, ...], without: set[str]) -> None:
    given = set[str]().union(*(in_template(TEMPLATES / name) for name in templates))
    assert "TASKYARD_NAMESPACE" in given
    assert given - without <= variables(process)


def test_no_other_template_sets_variables() -> None:
    known = {"operator/deployment.yaml", "gateway/deployment.yaml", "notifier/deployment.yaml", "_parts.tpl"}
    setting = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*") if in_template(path)}
    assert setting == known


def test_the_operator_sets_the_sidecars_variables_but_for_special_cases() -> None:
    agents = [{"protocol": protocol} for protocol in AgentProtocol]
    agents.append({"protocol": AgentProtocol.TERMINAL, "ready": "^> $", "type": "codex"})
    versions = [template_version(agent={"container": "agent", **agent}) for agent in agents]
    given = {
        variable["name"]
        for version in versions
        for variable in sidecar.environment(task(), version, installation(), build=1)
    }
    assert given == variables("Sidecar") - FOR_SPECIAL_CASES


def test_the_agents_variables_are_those_of_the_table() -> None:
    (agent,) = podmaking.made()["spec"]["containers"]
    expected = variables("Agent container") - FROM_THE_GO_FRAME - FROM_TASKYARD_INIT
    assert {variable["name"] for variable in agent["env"]} == expected
    assert variables("Agent container") >= FROM_THE_GO_FRAME
