"""Templates, parameters and presets at the API server: refusals at apply time, and the columns of lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

import manifests
from integration.api.conftest import Kubectl

Object = dict[str, Any]


def parameters(*given: Object, **spec: Any) -> Object:
    """A template version that declares these parameters."""
    return manifests.template_version(parameters=list(given), **spec)


def presets(*given: Object, declared: tuple[Object, ...] = ({"name": "branch"},)) -> Object:
    return parameters(*declared, presets=list(given))


def agent(**fields: Any) -> Object:
    """A template version with these fields of its agent."""
    return manifests.template_version(agent=fields)


REFUSED = [
    pytest.param(
        manifests.task(template="shell", templateVersion="shell-v1"),
        "exactly one of template (name of a Template) and templateVersion (name of a TemplateVersion) is needed",
        id="both a template and a version",
    ),
    pytest.param(
        manifests.task(parameters=[{"name": "branch"}]),
        "exactly one of value and secretRef is required",
        id="neither value nor secretRef",
    ),
    pytest.param(
        manifests.task(
            parameters=[{"name": "branch", "value": "main", "secretRef": {"name": "token", "key": "value"}}]
        ),
        "exactly one of value and secretRef is required",
        id="both value and secretRef",
    ),
    pytest.param(
        manifests.task(parameters=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]),
        "Duplicate value",
        id="a parameter given twice",
    ),
    pytest.param(
        manifests.task(parameters=[{"name": "a", "value": "x\0y"}]), "must not contain NUL characters", id="NUL"
    ),
    pytest.param(
        manifests.task(parameters=[{"name": "a", "secretRef": {"name": "../token", "key": "value"}}]),
        "secretRef.name in body should match",
        id="an invalid Secret name",
    ),
    pytest.param(
        manifests.task(parameters=[{"name": "a", "secretRef": {"name": "token", "key": "value", "namespace": "x"}}]),
        'unknown field "spec.parameters[0].secretRef.namespace"',
        id="a Secret of another namespace",
    ),
    pytest.param(
        parameters({"name": "token", "type": "secret", "default": "x"}),
        "a parameter of type secret has neither a default nor a pattern",
        id="a secret with a default",
    ),
    pytest.param(
        parameters({"name": "token", "type": "secret", "pattern": "x"}),
        "a parameter of type secret has neither a default nor a pattern",
        id="a secret with a pattern",
    ),
    pytest.param(agent(type="vim"), "Unsupported value", id="a type of agent that is not known"),
    pytest.param(agent(protocol="ACP", type="claude"), "type is for protocol Terminal", id="a type for ACP"),
    pytest.param(agent(protocol="Command", ready="^> $"), "ready is for protocol Terminal", id="a pattern for Command"),
    pytest.param(agent(ready="(a"), "missing closing )", id="an invalid pattern of the screen"),
    pytest.param(agent(ready="(?=a)"), "invalid or unsupported Perl syntax", id="a pattern that RE2 does not know"),
    pytest.param(agent(ready="x" * 257), "may not be more than 256", id="a pattern of the screen that is too long"),
    pytest.param(parameters({"name": "a", "type": "number"}), "Unsupported value", id="a type that does not exist"),
    pytest.param(parameters({"name": "a", "pattern": "[a-"}), "missing closing ]", id="an invalid pattern"),
    pytest.param(
        parameters({"name": "a", "pattern": "a)|(b"}), "unexpected )", id="a pattern that is valid only in parentheses"
    ),
    pytest.param(
        parameters({"name": "a", "pattern": "[a-z]+", "default": "main2"}),
        "default must match pattern as a whole",
        id="a default that matches partially",
    ),
    pytest.param(
        parameters({"name": "a", "env": "TASKYARD_TASK_UID"}),
        "env must not begin with TASKYARD_ or CODER_",
        id="a reserved variable",
    ),
    pytest.param(
        parameters({"name": "coder-url"}),
        "env must not begin with TASKYARD_ or CODER_",
        id="a reserved variable by its name",
    ),
    pytest.param(parameters({"name": "a", "env": "1ST"}), "env in body should match", id="an invalid variable name"),
    pytest.param(parameters({"name": "Branch"}), "name in body should match", id="a name in upper case"),
    pytest.param(
        parameters({"name": "api-key"}, {"name": "api_key"}),
        "parameters must have different variables",
        id="the same variable twice by name",
    ),
    pytest.param(
        parameters({"name": "a", "env": "B"}, {"name": "b"}),
        "parameters must have different variables",
        id="the same variable twice by env",
    ),
    pytest.param(
        presets({"name": "small", "default": True}, {"name": "large", "default": True}),
        "at most one preset can be the default",
        id="two default presets",
    ),
    pytest.param(
        presets({"name": "small", "parameters": [{"name": "tag", "value": "x"}]}),
        "presets can set only parameters of type string that spec.parameters declares",
        id="a preset of an undeclared parameter",
    ),
    pytest.param(
        presets(
            {"name": "small", "parameters": [{"name": "token", "value": "x"}]},
            declared=({"name": "token", "type": "secret"},),
        ),
        "presets can set only parameters of type string that spec.parameters declares",
        id="a preset of a secret",
    ),
    pytest.param(
        manifests.template_version(presets=[{"name": "small", "parameters": [{"name": "tag", "value": "x"}]}]),
        "presets can set only parameters of type string that spec.parameters declares",
        id="a preset without declared parameters",
    ),
    pytest.param(
        presets({"name": "small", "resources": {"limits": {"memory": "much"}}}),
        "should match",
        id="resources that are not a quantity",
    ),
    pytest.param(
        manifests.template(name="a.b"), "metadata.name must be a DNS label of at most 63", id="a template's name"
    ),
    pytest.param({**manifests.template(), "spec": {}}, "spec.activeVersion: Required value", id="no active version"),
]


@pytest.mark.parametrize(("manifest", "message"), REFUSED)
def test_it_is_refused_with_the_cause(kubectl: Kubectl, manifest: Object, message: str) -> None:
    result = kubectl("apply", "-f", "-", stdin=manifest)
    assert result.returncode != 0
    assert message in result.stderr


def test_values_at_all_limits_are_accepted(kubectl: Kubectl) -> None:
    names = [f"parameter-{number}" for number in range(32)]
    values = [{"name": name, "value": "v" * 8192} for name in names]
    declared = [{"name": name, "pattern": "(v+|" + "w" * 249 + ")", "default": "v" * 2048} for name in names]
    limits = {"cpu": 2, "memory": "2Gi", "nvidia.com/gpu": "1"}
    most = [
        {
            "name": f"preset-{number}",
            "default": number == 0,
            "parameters": [{"name": name, "value": "v" * 256} for name in names],
            "resources": {"requests": limits, "limits": limits},
        }
        for number in range(16)
    ]
    for manifest in (
        parameters(*declared, presets=most),
        manifests.template("x" * 63, name="x" * 63),
        manifests.task(parameters=values, preset="preset-1"),
        manifests.task("secret", template="shell", parameters=[
            {"name": "token", "secretRef": {"name": "x" * 253, "key": ".dockerconfigjson"}}
        ]),
    ):  # fmt: skip
        result = kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
        assert result.returncode == 0, result.stderr


VALUE = [{"name": "branch", "value": "main"}]
LOCKED = "Unable to update task template version, task must be paused."
CHOICE_LOCKED = "Unable to update task preset or parameters, task must be paused."


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        pytest.param({"template": "shell"}, {"template": "other"}, LOCKED, id="another template"),
        pytest.param(
            {"template": "shell"}, {"template": None, "templateVersion": "v1"}, LOCKED, id="a version instead"
        ),
        pytest.param(
            {"templateVersion": "v1"}, {"templateVersion": None, "template": "v1"}, LOCKED, id="a template instead"
        ),
        pytest.param({}, {"preset": "small"}, CHOICE_LOCKED, id="a preset"),
        pytest.param({"preset": "small"}, {"preset": None}, CHOICE_LOCKED, id="the preset removed"),
        pytest.param({}, {"parameters": VALUE}, CHOICE_LOCKED, id="parameters"),
        pytest.param({"parameters": VALUE}, {"parameters": None}, CHOICE_LOCKED, id="the parameters removed"),
        pytest.param(
            {"parameters": VALUE}, {"parameters": [{"name": "branch", "value": "x"}]}, CHOICE_LOCKED, id="another value"
        ),
        pytest.param(
            {"parameters": [{"name": "t", "secretRef": {"name": "a", "key": "k"}}]},
            {"parameters": [{"name": "t", "secretRef": {"name": "b", "key": "k"}}]},
            CHOICE_LOCKED,
            id="another Secret",
        ),
    ],
)
def test_fields_that_a_start_uses_change_only_while_paused_or_before_the_first_build(
    kubectl: Kubectl, before: Object, after: Object, message: str
) -> None:
    build = {
        "name": "hello-1", "number": 1, "transition": "Start", "reason": "Initial", "phase": "Pending",
        "createdAt": "2026-01-31T12:00:00Z",
    }  # fmt: skip

    def status(**fields: Any) -> None:
        patch = json.dumps({"status": fields})
        assert kubectl("patch", "task", "hello", "--subresource=status", "--type=merge", "-p", patch).returncode == 0

    def change() -> tuple[int, str]:
        result = kubectl("patch", "task", "hello", "--type=merge", "-p", json.dumps({"spec": after}))
        return result.returncode, result.stderr

    assert kubectl("apply", "-f", "-", stdin=manifests.task(**before)).returncode == 0
    status(phase="Active", build=build)
    refused, said = change()
    assert refused != 0
    assert message in said
    other = kubectl("patch", "task", "hello", "--type=merge", "-p", '{"spec": {"paused": true}}')
    assert other.returncode == 0, "fields that are not locked change at any time"
    status(phase="Paused")
    assert change() == (0, "")


def test_the_order_of_parameters_is_no_change(kubectl: Kubectl) -> None:
    both = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert kubectl("apply", "-f", "-", stdin=manifests.task(parameters=both)).returncode == 0
    build = {
        "name": "hello-1", "number": 1, "transition": "Start", "reason": "Initial", "phase": "Pending",
        "createdAt": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    patch = json.dumps({"status": {"phase": "Active", "build": build}})
    assert kubectl("patch", "task", "hello", "--subresource=status", "--type=merge", "-p", patch).returncode == 0
    result = kubectl("apply", "-f", "-", stdin=manifests.task(parameters=both[::-1]))
    assert result.returncode == 0, result.stderr


def test_the_columns_of_templates(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=manifests.template()).returncode == 0
    header, row = kubectl("get", "tpl").stdout.splitlines()
    assert header.split() == ["NAME", "ACTIVE", "VERSION", "RESOLVED", "AGE"]
    assert row.split()[:2] == ["shell", "shell-v1"]
    assert "<no description>" not in kubectl("explain", "template.spec").stdout
