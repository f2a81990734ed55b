"""The condition Valid of a TemplateVersion."""

from __future__ import annotations

import pytest

from taskyard.core import template_version_dry_run
from taskyard.core.conditions import Verdict
from taskyard.core.manifests import pod
from taskyard.limits import MAX_TASK_NAME_CHARACTERS
from unit.core.builders import build, installation, task, template_version


def test_the_probe_is_the_pod_of_a_task_that_cannot_exist() -> None:
    probe = template_version_dry_run.probe(
        template_version(), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    name = probe["metadata"]["name"]
    assert MAX_TASK_NAME_CHARACTERS < len(name) <= 63
    assert probe["metadata"]["namespace"] == "team"


def test_the_probe_differs_from_a_real_pod_in_its_names_alone() -> None:
    probe = template_version_dry_run.probe(
        template_version(), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    real = pod.manifest(task(), build(), template_version(), installation())
    for key in ("restartPolicy", "securityContext", "automountServiceAccountToken", "terminationGracePeriodSeconds"):
        assert probe["spec"][key] == real["spec"][key]
    for kind in ("initContainers", "containers"):
        for tried, made in zip(probe["spec"][kind], real["spec"][kind], strict=True):
            assert {k: v for k, v in tried.items() if k != "env"} == {k: v for k, v in made.items() if k != "env"}
            assert [entry["name"] for entry in tried["env"]] == [entry["name"] for entry in made["env"]]


def test_the_probe_has_the_resources_of_a_task_that_chooses_nothing() -> None:
    preset = {"name": "large", "default": True, "resources": {"limits": {"memory": "2Gi"}}}
    tried = template_version_dry_run.probe(
        template_version(presets=[preset]), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    assert tried["spec"]["containers"][0]["resources"] == {"limits": {"memory": "2Gi"}}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        pytest.param(None, Verdict("Valid", True, "DryRunPassed", "The API server would accept the Pod."), id="taken"),
        pytest.param(
            "image: Required value",
            Verdict("Valid", False, "PodRefused", "image: Required value. Create a version without this fault."),
            id="refused",
        ),
    ],
)
def test_verdict(refusal: str | None, expected: Verdict) -> None:
    assert template_version_dry_run.verdict(refusal) == expected


def test_what_can_be_told_without_the_api_server() -> None:
    assert template_version_dry_run.problem(template_version()) is None
    assert template_version_dry_run.problem(template_version(agent=None)) is None, (
        "such a version is fine, though no Task can use it"
    )
    preset = {"name": "large", "default": False, "parameters": [{"name": "branch", "value": "x y"}]}
    declared = [{"name": "branch", "type": "string", "required": False, "pattern": "[a-z]+"}]
    assert template_version_dry_run.problem(template_version(parameters=declared, presets=[preset])) == (
        'Parameter "branch": the value of preset "large" does not match the pattern [a-z]+ as a whole; '
        "give one that does"
    )
    assert template_version_dry_run.problem(template_version(pod={"spec": {}})) == (
        'spec.pod has no container "agent", which spec.agent.container names'
    )


def test_a_pattern_of_the_screen_that_cannot_be_used_is_a_fault() -> None:
    version = template_version(agent={"container": "agent", "protocol": "Terminal", "ready": "(a"})
    found = template_version_dry_run.problem(version)
    assert found is not None
    assert found.startswith("spec.agent.ready cannot be used as a pattern: missing )")
