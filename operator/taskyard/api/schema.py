"""What the models share: camel-case names, recurring field types, CEL rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """JSON schema extra with a CEL rule for each (rule, message) pair."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


class Model(BaseModel):
    """Base of every part of an object; Kubernetes writes field names in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


Duration = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(
            (
                "self.matches('^([0-9]+(h|m|s))+$')",
                "must be a duration in hours, minutes and seconds, such as 45s, 30m or 1h30m",
            )
        ),
    ),
]

DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

DNS_SUBDOMAIN = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Condition(Model):
    """One condition, in the form of Kubernetes' own `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316, description="Name of the condition.")]
    status: Annotated[
        str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]}, description="Whether it holds.")
    ]
    reason: Annotated[str, Field(max_length=1024, description="The cause as one word, for programs.")]
    message: Annotated[str, Field(max_length=32768, description="The cause and the remedy, for people.")]
    last_transition_time: Annotated[Time, Field(description="When the status last changed.")]
    observed_generation: Annotated[
        int | None, Field(description="Generation of the object that the condition is based on.")
    ] = None


Conditions = Annotated[
    list[Condition],
    Field(
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
