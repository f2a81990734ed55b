"""Parameters and presets: what a template version lets its Tasks choose, and what a Task chooses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from taskyard.api.schema import DNS_LABEL, DNS_SUBDOMAIN, Model, rules
from taskyard.api.vocabulary import ParameterType

MAX_PARAMETERS = 32
MAX_PRESETS = 16
MAX_VALUE_CHARACTERS = 8192
MAX_PATTERN_CHARACTERS = 256

PARAMETER_NAME = "^[a-z]([-_a-z0-9]*[a-z0-9])?$"

# The variable of a parameter, also of one that names none (core.parameter_views does the same).
_ENV = "(has({0}.env) ? {0}.env : {0}.name.upperAscii().replace('-', '_'))"

MAP_BY_NAME: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}

ParameterName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=PARAMETER_NAME, description="Name of the parameter."),
]

Value = Annotated[
    str,
    Field(
        max_length=MAX_VALUE_CHARACTERS,
        description="The value, used as it is: $ has no special meaning.",
        json_schema_extra=rules(("!self.contains('\\u0000')", "must not contain NUL characters")),
    ),
]

Quantity = Annotated[
    Any,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$",
        }
    ),
]


class TemplateParameter(Model):
    """One value that a Task may choose; the agent's container gets it as an environment variable."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.type != 'secret' || (!has(self.default) && !has(self.pattern))",
                "a parameter of type secret has neither a default nor a pattern: its value is never read",
            ),
            # An expression that does not compile makes the rule itself fail, and the API server quotes the error.
            (
                "!has(self.pattern) || ''.matches(self.pattern) in [true, false]",
                "pattern must be a regular expression",
            ),
            (
                "!has(self.pattern) || !has(self.default) || "
                "self.default.matches('\\\\A(?:' + self.pattern + ')\\\\z')",
                "default must match pattern as a whole",
            ),
            (
                f"!{_ENV.format('self')}.startsWith('TASKYARD_') && !{_ENV.format('self')}.startsWith('CODER_')",
                "env must not begin with TASKYARD_ or CODER_, which Taskyard sets itself (without env it is the name "
                "in upper case)",
            ),
        )
    )

    name: ParameterName
    description: Annotated[str | None, Field(max_length=1024, description="What it is for.")] = None
    type: Annotated[
        ParameterType,
        Field(description="string: text. secret: a key of a Secret that is labelled taskyard.dev/usable-by: tasks."),
    ] = ParameterType.STRING
    required: Annotated[bool, Field(description="Whether a Task waits until it has a value for it.")] = False
    default: Annotated[
        Value | None, Field(max_length=2048, description="Value when neither the Task nor its preset gives one.")
    ] = None
    pattern: Annotated[
        str | None,
        Field(
            max_length=MAX_PATTERN_CHARACTERS,
            description="Regular expression (RE2) that the whole value has to match.",
        ),
    ] = None
    env: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=128,
            pattern="^[A-Za-z_][A-Za-z0-9_]*$",
            description="Environment variable of the agent's container that holds the value; by default the name in "
            "upper case, with underscores for hyphens.",
        ),
    ] = None


class PresetParameter(Model):
    """A value that a preset gives."""

    name: ParameterName
    value: Value


class PresetResources(Model):
    """Resources of the agent's container, in place of those in the template's Pod."""

    requests: Annotated[
        dict[str, Quantity] | None, Field(max_length=16, description="Reserved on the node, such as cpu: 500m.")
    ] = None
    limits: Annotated[
        dict[str, Quantity] | None, Field(max_length=16, description="Never exceeded, such as memory: 2Gi.")
    ] = None


class TemplatePreset(Model):
    """A named choice of values and resources."""

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL, description="Name of the preset.")]
    description: Annotated[str | None, Field(max_length=1024, description="What it is for.")] = None
    default: Annotated[bool, Field(description="Whether Tasks that name no preset get this one.")] = False
    parameters: Annotated[
        list[PresetParameter] | None,
        Field(
            max_length=MAX_PARAMETERS,
            description="Values of parameters of type string.",
            json_schema_extra=MAP_BY_NAME,
        ),
    ] = None
    resources: Annotated[
        PresetResources | None,
        Field(description="Resources of the agent's container, in place of those in the template's Pod."),
    ] = None


class SecretKeyReference(Model):
    """A key of a Secret in the Task's namespace."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN, description="Name of the Secret.")]
    key: Annotated[
        str, Field(min_length=1, max_length=253, pattern="^[-._a-zA-Z0-9]+$", description="Key in its data.")
    ]


class TaskParameter(Model):
    """A Task's choice for one parameter."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.value) != has(self.secretRef)", "exactly one of value and secretRef is required")
        )
    )

    name: ParameterName
    value: Annotated[Value | None, Field(description="Value of a parameter of type string.")] = None
    secret_ref: Annotated[
        SecretKeyReference | None,
        Field(
            description="For a parameter of type secret: a key of a Secret in the namespace that is labelled "
            "taskyard.dev/usable-by: tasks."
        ),
    ] = None


# Rules of a template version's spec, which check parameters and presets together.
SPEC_RULES = (
    (
        "!has(self.parameters) || self.parameters.all(p, self.parameters.exists_one(q, "
        f"{_ENV.format('p')} == {_ENV.format('q')}))",
        "parameters must have different variables (env; without it the name in upper case, hyphens as underscores)",
    ),
    (
        "!has(self.presets) || self.presets.filter(p, p.default).size() <= 1",
        "at most one preset can be the default",
    ),
    (
        "!has(self.presets) || self.presets.all(p, !has(p.parameters) || p.parameters.all(v, "
        "has(self.parameters) && self.parameters.exists(d, d.name == v.name && d.type == 'string')))",
        "presets can set only parameters of type string that spec.parameters declares",
    ),
)
