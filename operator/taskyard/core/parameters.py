"""A Task's choices checked against what its template version declares, and their effect on the agent's container.

A Task can use a Secret only for a parameter of type secret, and only one whose owner has labelled it
`taskyard.dev/usable-by: tasks`. The values of Secrets are never read here: the kubelet hands them to the container.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from taskyard.api.vocabulary import ParameterType
from taskyard.core import regular_expression
from taskyard.core.api_object import Manifest, unpacked
from taskyard.core.parameter_views import USABLE_LABEL, USABLE_VALUE, GivenView, ParameterView, PresetView, SecretKey
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView

NOT_FOUND = "PresetNotFound"
INVALID = "ParameterInvalid"
MISSING = "ParameterMissing"
NOT_USABLE = "SecretNotUsable"
SWITCHED_OFF = "SecretParametersOff"


@dataclass(frozen=True)
class Violation:
    """What is wrong, as reason and message of a condition: the parameter or preset, the cause, what helps."""

    reason: str
    message: str


@dataclass(frozen=True)
class Chosen:
    """What goes into the agent's container: variables (EnvVars), and resources unless the template's apply."""

    env: tuple[Manifest, ...] = ()
    resources: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found about the choices of a Task at this generation with the version of this UID: what is wrong with
    them, if anything."""

    task_uid: str
    generation: int
    version_uid: str
    violation: Violation | None

    def is_about(self, task: TaskView, version: TemplateVersionView) -> bool:
        """Whether it still holds."""
        return (self.task_uid, self.generation, self.version_uid) == (task.uid, task.generation, version.uid)


def choose(version: TemplateVersionView, task: TaskView, *, usable_secrets: Set[str] | None) -> Chosen | Violation:
    """The result of a Task's choices. The Task's own value wins over the preset's, the preset's over the default.

    `usable_secrets` are the names of the Secrets in the Task's namespace that their owners let Tasks use; None when
    this installation has no parameters of type secret.
    """
    preset = preset_of(version, task.preset)
    if isinstance(preset, Violation):
        return preset
    given = {entry.name: entry for entry in task.parameters}
    declared = {parameter.name for parameter in version.parameters}
    for name in given:
        if name not in declared:
            return Violation(
                INVALID,
                f'Parameter "{name}" is not one of TemplateVersion "{version.name}", '
                f"which has {listing(declared, none='no parameters')}; remove it from spec.parameters.",
            )
    values = dict(preset.values) if preset else {}
    env: list[Manifest] = []
    for parameter in version.parameters:
        found = variable(parameter, given.get(parameter.name), values, preset, task, usable_secrets)
        if isinstance(found, Violation):
            return found
        if found is not None:
            env.append({"name": parameter.env, **found})
    return Chosen(tuple(env), preset.resources if preset else None)


def preset_of(version: TemplateVersionView, name: str | None) -> PresetView | Violation | None:
    """The preset that is named, or the default one, or None."""
    if name is None:
        return next((preset for preset in version.presets if preset.default), None)
    for preset in version.presets:
        if preset.name == name:
            return preset
    known = {preset.name for preset in version.presets}
    return Violation(
        NOT_FOUND,
        f'TemplateVersion "{version.name}" has no preset "{name}"; it has {listing(known, none="no presets")}. '
        "Name one of them in spec.preset, or none.",
    )


def variable(
    parameter: ParameterView,
    given: GivenView | None,
    preset_values: Mapping[str, str | bytes],
    preset: PresetView | None,
    task: TaskView,
    usable_secrets: Set[str] | None,
) -> Manifest | Violation | None:
    """An EnvVar without its name; None for a parameter that is left out."""
    if given is not None and isinstance(given.chosen, SecretKey):
        return secret_variable(parameter, given.chosen, task, usable_secrets)
    if parameter.type is ParameterType.SECRET:
        if given is not None:
            return Violation(
                INVALID,
                f'Parameter "{parameter.name}" is of type secret and takes no value: put it into a Secret labelled '
                f"{USABLE_LABEL}: {USABLE_VALUE}, and name that with secretRef in spec.parameters.",
            )
        return missing(parameter)
    source, value = "spec.parameters", given.chosen if given else None
    if value is None and preset is not None and parameter.name in preset_values:
        source, value = f'preset "{preset.name}"', preset_values[parameter.name]
    if value is None:
        source, value = "its default", parameter.default
    if value is None:
        return missing(parameter)
    assert isinstance(value, str | bytes)
    text = unpacked(value)
    return mismatch(parameter, text, source=source) or {"value": literal(text)}


def missing(parameter: ParameterView) -> Violation | None:
    """The verdict on a parameter without a value."""
    if not parameter.required:
        return None
    how = "secretRef" if parameter.type is ParameterType.SECRET else "value"
    return Violation(
        MISSING, f'Parameter "{parameter.name}" is required and has no value; give it with {how} in spec.parameters.'
    )


def secret_variable(
    parameter: ParameterView, secret: SecretKey, task: TaskView, usable_secrets: Set[str] | None
) -> Manifest | Violation:
    """An EnvVar, without its name, that takes its value from a key of a Secret."""
    if parameter.type is not ParameterType.SECRET:
        return Violation(
            INVALID,
            f'Parameter "{parameter.name}" is of type string and takes no Secret: give it with value in '
            "spec.parameters.",
        )
    if usable_secrets is None:
        return Violation(
            SWITCHED_OFF,
            f'Parameter "{parameter.name}" is of type secret, which is switched off in this installation '
            "(secretParameters.enabled in the chart's values); leave it out, or have this switched on.",
        )
    if secret.name not in usable_secrets:
        return Violation(
            NOT_USABLE,
            f'Parameter "{parameter.name}": Secret "{secret.name}" does not exist in namespace "{task.namespace}", or '
            f"its owner does not let Tasks use it; create it, or have its owner label it "
            f"{USABLE_LABEL}: {USABLE_VALUE}.",
        )
    return {"valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}


def mismatch(parameter: ParameterView, value: str, *, source: str) -> Violation | None:
    """The violation by a value that does not match the pattern. The value itself is not repeated: it may be a secret in
    the wrong place."""
    if parameter.pattern is None:
        return None
    matches = compiled(parameter.pattern)
    if isinstance(matches, str):
        return Violation(
            INVALID,
            f'Parameter "{parameter.name}": its pattern {parameter.pattern} cannot be used ({matches}); '
            "create a template version with one that can.",
        )
    if matches.fullmatch(value):
        return None
    return Violation(
        INVALID,
        f'Parameter "{parameter.name}": the value of {source} does not match the pattern {parameter.pattern} as a '
        "whole; give one that does.",
    )


@functools.lru_cache(maxsize=64)
def compiled(pattern: str) -> Any:
    """The compiled expression, or the error in it as text. The API server checked it by the same syntax, RE2's."""
    try:
        return regular_expression.compiled(pattern)
    except ValueError as error:
        return str(error)


def literal(value: str) -> str:
    """The value, escaped for the kubelet, which expands $(NAME) in variables and makes one dollar of $$."""
    return value.replace("$", "$$")


def preset_problem(version: TemplateVersionView) -> str | None:
    """What is wrong with the values in a template version's presets, if anything; the API server checks the rest."""
    declared = {parameter.name: parameter for parameter in version.parameters}
    for preset in version.presets:
        for name, value in preset.values:
            source, parameter = f'preset "{preset.name}"', declared.get(name)
            found = mismatch(parameter, unpacked(value), source=source) if parameter else None
            if found:
                return found.message.rstrip(".")
    return None


def default_resources(version: TemplateVersionView) -> Manifest | None:
    """Resources of the agent in a Task that chooses nothing."""
    preset = preset_of(version, None)
    return preset.resources if isinstance(preset, PresetView) else None


def listing(names: Set[str], *, none: str) -> str:
    """Names for a message, sorted; `none` when there are none."""
    return ", ".join(sorted(names)) if names else none
