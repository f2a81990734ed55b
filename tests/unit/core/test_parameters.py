"""A Task's choices, checked against its template version's declarations."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import parameters
from taskyard.core.parameters import Chosen, Violation, choose, literal, preset_problem
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from unit.core.builders import task, template_version

NONE: frozenset[str] = frozenset()


def declared(name: str = "branch", type: str = "string", **fields: Any) -> dict[str, Any]:
    """A parameter with the defaults that the API server fills in."""
    return {"name": name, "type": type, "required": False, **fields}


def value(text: str, name: str = "branch") -> dict[str, Any]:
    return {"name": name, "value": text}


def secret(name: str = "mine", parameter: str = "token") -> dict[str, Any]:
    return {"name": parameter, "secretRef": {"name": name, "key": "k"}}


def version(*given: dict[str, Any], presets: tuple[dict[str, Any], ...] = ()) -> TemplateVersionView:
    return template_version(parameters=list(given), presets=[{"default": False, **preset} for preset in presets])


def wants(*given: dict[str, Any], preset: str | None = None) -> TaskView:
    return task(parameters=list(given), preset=preset)


def chosen(of: TemplateVersionView, by: TaskView, usable: frozenset[str] | None = NONE) -> Chosen:
    found = choose(of, by, usable_secrets=usable)
    assert isinstance(found, Chosen), found
    return found


TOKEN = declared("token", "secret")
REQUIRED = declared("branch", required=True)
LOWER = declared("branch", pattern="[a-z]+")
LARGE = {"name": "large", "parameters": [value("big")], "resources": {"limits": {"memory": "2Gi"}}}


@pytest.mark.parametrize(
    ("of", "by", "usable", "reason", "says"),
    [
        pytest.param(
            version(declared("branch"), declared("tag")),
            wants(value("x", "brnach")),
            NONE,
            "ParameterInvalid",
            'Parameter "brnach" is not one of TemplateVersion "shell-v1", which has branch, tag; remove it',
            id="an unknown parameter",
        ),
        pytest.param(
            version(), wants(value("x")), NONE, "ParameterInvalid", "which has no parameters", id="none known"
        ),
        pytest.param(
            version(REQUIRED),
            wants(),
            NONE,
            "ParameterMissing",
            'Parameter "branch" is required and has no value; give it with value in spec.parameters.',
            id="a required one is missing",
        ),
        pytest.param(
            version(declared("token", "secret", required=True)),
            wants(),
            NONE,
            "ParameterMissing",
            'Parameter "token" is required and has no value; give it with secretRef in spec.parameters.',
            id="a required secret is missing",
        ),
        pytest.param(
            version(LOWER),
            wants(value("main2")),
            NONE,
            "ParameterInvalid",
            'Parameter "branch": the value of spec.parameters does not match the pattern [a-z]+ as a whole',
            id="a value that matches in part",
        ),
        pytest.param(version(LOWER), wants(value("main\n")), NONE, "ParameterInvalid", "as a whole", id="a line feed"),
        pytest.param(version(LOWER), wants(value("")), NONE, "ParameterInvalid", "as a whole", id="an empty value"),
        pytest.param(
            version(LOWER, presets=({**LARGE, "parameters": [value("BIG")]},)),
            wants(preset="large"),
            NONE,
            "ParameterInvalid",
            'the value of preset "large" does not match',
            id="a preset's value that does not match",
        ),
        pytest.param(
            version(declared(pattern="[a-")),
            wants(value("x")),
            NONE,
            "ParameterInvalid",
            "its pattern [a- cannot be used (missing ]: [a-)",
            id="a pattern with a fault",
        ),
        pytest.param(
            version(TOKEN),
            wants(value("s3cret", "token")),
            frozenset({"mine"}),
            "ParameterInvalid",
            'Parameter "token" is of type secret and takes no value: put it into a Secret labelled '
            "taskyard.dev/usable-by: tasks",
            id="a value for a secret",
        ),
        pytest.param(
            version(declared("token")),
            wants(secret()),
            frozenset({"mine"}),
            "ParameterInvalid",
            'Parameter "token" is of type string and takes no Secret',
            id="a Secret for a string",
        ),
        pytest.param(
            version(TOKEN),
            wants(secret()),
            frozenset({"other"}),
            "SecretNotUsable",
            'Parameter "token": Secret "mine" does not exist in namespace "team", or its owner does not let Tasks use '
            "it; create it, or have its owner label it taskyard.dev/usable-by: tasks.",
            id="a Secret that is not there or not labelled",
        ),
        pytest.param(
            version(TOKEN),
            wants(secret()),
            None,
            "SecretParametersOff",
            "secretParameters.enabled",
            id="secret parameters are switched off",
        ),
        pytest.param(
            version(presets=(LARGE, {"name": "small"})),
            wants(preset="huge"),
            NONE,
            "PresetNotFound",
            'TemplateVersion "shell-v1" has no preset "huge"; it has large, small. Name one of them in spec.preset',
            id="a preset that does not exist",
        ),
        pytest.param(version(), wants(preset="huge"), NONE, "PresetNotFound", "it has no presets", id="no presets"),
    ],
)
def test_a_violation_names_the_parameter_the_cause_and_what_helps(
    of: TemplateVersionView, by: TaskView, usable: frozenset[str] | None, reason: str, says: str
) -> None:
    found = choose(of, by, usable_secrets=usable)
    assert isinstance(found, Violation)
    assert found.reason == reason
    assert says in found.message
    assert "s3cret" not in found.message, "what was given may be a secret in the wrong place"


def test_a_parameter_that_is_left_out_sets_nothing() -> None:
    assert chosen(version(declared(), TOKEN), wants()) == Chosen()


def test_the_variable_is_the_name_in_upper_case_or_the_one_that_is_named() -> None:
    given = wants(value("1", "base-branch"), value("2", "tag"))
    found = chosen(version(declared("base-branch"), declared("tag", env="ImageTag")), given)
    assert found.env == ({"name": "BASE_BRANCH", "value": "1"}, {"name": "ImageTag", "value": "2"})


def test_a_secret_is_handed_over_by_the_kubelet() -> None:
    found = chosen(version(TOKEN), wants(secret("mine")), frozenset({"mine"}))
    assert found.env == ({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "k"}}},)


def test_an_optional_secret_does_not_need_them_switched_on() -> None:
    assert chosen(version(TOKEN), wants(), None) == Chosen()


def test_an_empty_value_is_a_value() -> None:
    of = version(declared(default="main", required=True))
    assert chosen(of, wants(value(""))).env == ({"name": "BRANCH", "value": ""},)


def test_resources_are_those_of_the_named_preset_or_of_the_default_one() -> None:
    small = {"name": "small", "default": True, "resources": {"limits": {"memory": "1Gi"}}}
    of = version(declared(), presets=(LARGE, small))
    assert chosen(of, wants(preset="large")).resources == {"limits": {"memory": "2Gi"}}
    assert chosen(of, wants()).resources == {"limits": {"memory": "1Gi"}}
    assert chosen(version(), wants()).resources is None
    assert parameters.default_resources(of) == {"limits": {"memory": "1Gi"}}


TEXT = st.text(min_size=1, max_size=5)


@given(
    own=st.none() | TEXT,
    named=st.none() | TEXT,
    default_preset=st.none() | TEXT,
    default=st.none() | TEXT,
    names_it=st.booleans(),
)
def test_the_tasks_own_value_goes_before_the_presets_and_that_before_the_default(
    own: str | None, named: str | None, default_preset: str | None, default: str | None, names_it: bool
) -> None:
    def preset(name: str, text: str | None, *, default: bool) -> dict[str, Any]:
        return {"name": name, "default": default, "parameters": [value(text)] if text is not None else None}

    parameter = declared(default=default) if default is not None else declared()
    of = version(
        parameter, presets=(preset("named", named, default=False), preset("usual", default_preset, default=True))
    )
    by = wants(*([value(own)] if own is not None else []), preset="named" if names_it else None)
    in_order = [own, named if names_it else default_preset, default]
    expected = next((text for text in in_order if text is not None), None)
    env = chosen(of, by).env
    assert env == (() if expected is None else ({"name": "BRANCH", "value": literal(expected)},))


def kubelet(text: str) -> str:
    """Expands a variable's value like the kubelet when no other variable is defined: $$ is a dollar, $(X) is kept."""
    return re.sub(r"\$\$|\$\([^)]*\)", lambda found: "$" if found.group() == "$$" else found.group(), text)


@given(text=st.text(alphabet="$()Aa ", max_size=12))
def test_a_value_comes_out_at_the_kubelet_as_it_went_in(text: str) -> None:
    written = literal(text)
    assert kubelet(written) == text
    # It contains no reference, whatever variables exist: each dollar is one of a pair.
    assert "$" not in written.replace("$$", "")


def test_no_pattern_takes_the_operator_long() -> None:
    began = time.monotonic()
    of = version(declared(pattern="(a+)+b|(a*)*c|(.*a){20}d"))
    assert isinstance(choose(of, wants(value("a" * 8192)), usable_secrets=NONE), Violation)
    assert time.monotonic() - began < 1


def test_values_in_any_script_are_as_they_were_given() -> None:
    """They are held in another form."""
    version = template_version(
        parameters=[
            {"name": "greeting", "type": "string", "default": "grüß \N{GRINNING FACE}", "pattern": "gr.*"},
            {"name": "name", "type": "string", "pattern": "名.*"},
            {"name": "note", "type": "string"},
        ],
        presets=[{"name": "cjk", "default": True, "parameters": [{"name": "name", "value": "名前"}]}],
    )
    found = choose(version, task(parameters=[{"name": "note", "value": "ça"}]), usable_secrets=None)
    assert isinstance(found, Chosen)
    assert [variable["value"] for variable in found.env] == ["grüß \N{GRINNING FACE}", "名前", "ça"]
    assert preset_problem(version) is None
