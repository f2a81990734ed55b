"""NotificationSink: where the owner of Tasks is told what becomes of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.schema import DNS_SUBDOMAIN, Conditions, Model, Time, rules
from taskyard.api.vocabulary import NotificationEvent, SinkType
from taskyard.limits import MAX_LINK_CHARACTERS, MAX_SELECTIONS

EVENTS = tuple(event.value for event in NotificationEvent if event is not NotificationEvent.TEST)
TOLD_UNLESS_NAMED = [event for event in EVENTS if event not in (NotificationEvent.WORKING, NotificationEvent.IDLE)]
SECRET_KEY = "^[-._a-zA-Z0-9]+$"


class SinkSecret(Model):
    """The Secret that has the address. Who creates or changes the sink must be able to read it, and so must the
    notifier: the namespace grants it that right on this one Secret."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN, description="Name of a Secret of this namespace."),
    ]
    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=SECRET_KEY,
            description="Key of the address. Webhook: an https URL. Apprise: a URL of Apprise's, such as "
            "mailtos://USER:PASSWORD@HOST or slack://TOKEN/#CHANNEL.",
        ),
    ] = "url"
    signing_key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=SECRET_KEY,
            description="Key of the secret with which messages are signed (Webhook): base64, with or without the "
            "prefix whsec_, of 24 to 64 bytes, as Standard Webhooks has it. Messages are not signed when the Secret "
            "has no such key.",
        ),
    ] = "signing-secret"


class SelectorRequirement(Model):
    """One requirement of a label selector."""

    key: Annotated[str, Field(min_length=1, max_length=317, description="The label's name.")]
    operator: Annotated[
        str,
        Field(
            json_schema_extra={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            description="In, NotIn, Exists or DoesNotExist.",
        ),
    ]
    values: Annotated[
        list[Annotated[str, Field(max_length=63)]] | None,
        Field(max_length=64, description="The values, for In and NotIn."),
    ] = None


class TaskSelector(Model):
    """Labels of Tasks, as Kubernetes' label selectors have them."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.matchExpressions) || self.matchExpressions.all(e, "
                "(e.operator in ['In', 'NotIn']) == (has(e.values) && e.values.size() > 0))",
                "matchExpressions: values are for In and NotIn, which need at least one",
            ),
            (
                "!has(self.matchLabels) || self.matchLabels.all(k, k.size() <= 317)",
                "matchLabels: a label's name has at most 317 characters",
            ),
        )
    )

    match_labels: Annotated[
        dict[str, Annotated[str, Field(max_length=63)]] | None,
        Field(max_length=32, description="Labels that a Task must have, with these values."),
    ] = None
    match_expressions: Annotated[
        list[SelectorRequirement] | None,
        Field(max_length=16, description="Requirements that a Task's labels must meet, all of them."),
    ] = None


class NotificationSinkSpec(Model):
    """Where notifications go, and which."""

    type: Annotated[
        SinkType,
        Field(
            description="Webhook: each notification is a POST of a CloudEvent (1.0, structured JSON), signed as "
            "Standard Webhooks does. Apprise: a text for people, by mail or to a chat service; the installation says "
            "which services."
        ),
    ]
    secret_ref: Annotated[SinkSecret, Field(description="The Secret that has the address.")]
    events: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(EVENTS)})]],
        Field(
            min_length=1,
            max_length=len(EVENTS),
            default_factory=TOLD_UNLESS_NAMED.copy,
            json_schema_extra={"x-kubernetes-list-type": "set", "default": TOLD_UNLESS_NAMED},
            description=f"What is told: {', '.join(EVENTS)}. By default all but Working and Idle.",
        ),
    ]
    selector: Annotated[
        TaskSelector | None, Field(description="The Tasks of this namespace that are told of. By default all.")
    ] = None
    links: Annotated[
        str | None,
        Field(
            max_length=MAX_LINK_CHARACTERS,
            description="Base URL of a page that shows Tasks: a notification has the link LINKS/tasks/NAMESPACE/NAME.",
            json_schema_extra=rules(
                (
                    "isURL(self) && url(self).getScheme() in ['https', 'http']",
                    "links must be a URL that begins with https:// or http://",
                )
            ),
        ),
    ] = None
    max_per_minute: Annotated[
        int,
        Field(ge=1, le=600, description="How many notifications are sent in a minute at most; the others wait."),
    ] = 60


class SinkTest(Model):
    """The last test message."""

    requested: Annotated[
        str, Field(max_length=253, description="Value of the annotation taskyard.dev/test that asked for it.")
    ]
    time: Annotated[Time, Field(description="When it was sent, or given up.")]
    message: Annotated[str, Field(description="Sent, or what prevented it.")]


class SinkSelection(Model):
    """Events and Tasks that the sink has selected from a moment on."""

    since: Annotated[Time, Field(description="When the notifier saw it; of the first one, when the sink was created.")]
    events: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(EVENTS)})]],
        Field(max_length=len(EVENTS), description="spec.events of then."),
    ]
    selector: Annotated[TaskSelector | None, Field(description="spec.selector of then.")] = None


class NotificationSinkStatus(Model):
    """Whether notifications arrive."""

    observed_generation: Annotated[
        int | None, Field(description="Generation of the spec that the status is based on.")
    ] = None
    conditions: Annotated[
        Conditions | None,
        Field(description="Ready: the address can be read and is allowed, and the last notification was taken."),
    ] = None
    failing_since: Annotated[
        Time | None,
        Field(
            description="Since when the receiver takes nothing; absent once it has taken a message, or refused one "
            "alone. What has waited for a day since then is given up."
        ),
    ] = None
    selections: Annotated[
        list[SinkSelection] | None,
        Field(
            max_length=MAX_SELECTIONS,
            description="What spec.events and spec.selector have selected since when, the present selection last: what "
            "happened before it was selected is not told.",
        ),
    ] = None
    test: Annotated[SinkTest | None, Field(description="The last test message.")] = None


class NotificationSink(Model):
    """An address that is told when the agents of a namespace's Tasks wait, end or fail, and when Tasks are paused or
    resumed. What happened before the sink selected it is not told. A new value of the annotation taskyard.dev/test
    sends a test message. Of a namespace's sinks the eight oldest work."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must be a DNS label of at most 63 characters: a-z, 0-9 and hyphens",
            )
        )
    )

    spec: Annotated[NotificationSinkSpec, Field(description="Where notifications go, and which.")]
    status: Annotated[NotificationSinkStatus | None, Field(description="Whether notifications arrive.")] = None
