"""A NotificationSink as the notifier sees it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import NotificationEvent, SinkType
from taskyard.core import names, times
from taskyard.core.api_object import Manifest, shared, version_of
from taskyard.core.notifications.label_selector import LabelSelector
from taskyard.limits import MAX_SINKS


@dataclass(frozen=True, slots=True)
class SinkView:
    """A NotificationSink. `test` is the value of the annotation that asks for a test message, `tested` the one that was
    answered; `ready` is the condition as it is stored."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created_at: datetime
    deleting: bool
    type: SinkType
    secret: str
    key: str
    signing_key: str
    events: frozenset[NotificationEvent]
    selector: LabelSelector
    links: str | None
    max_per_minute: int
    test: str | None
    tested: str | None
    ready: Manifest | None
    observed_generation: int | None

    @classmethod
    def of(cls, sink: Manifest) -> SinkView:
        metadata, spec, status = sink["metadata"], sink["spec"], sink.get("status") or {}
        secret = spec["secretRef"]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(sink),
            generation=metadata["generation"],
            created_at=times.parse(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            type=SinkType(spec["type"]),
            secret=secret["name"],
            key=secret["key"],
            signing_key=secret["signingKey"],
            events=frozenset(map(NotificationEvent, spec["events"])),
            selector=LabelSelector.of(spec.get("selector")),
            links=spec.get("links"),
            max_per_minute=spec["maxPerMinute"],
            test=(metadata.get("annotations") or {}).get(names.TEST_SINK),
            tested=(status.get("test") or {}).get("requested"),
            ready=shared(next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)),
            observed_generation=status.get("observedGeneration"),
        )

    @property
    def asked_to_test(self) -> str | None:
        """The value of the annotation for which no test message was sent yet, in the length that the status keeps."""
        wanted = self.test[: names.MAX_NAME_CHARACTERS] if self.test else None
        return wanted if wanted != self.tested else None


def working(sinks: list[SinkView]) -> list[SinkView]:
    """The sinks of a namespace that are served: the eight oldest."""
    alive = [sink for sink in sinks if not sink.deleting]
    return sorted(alive, key=lambda sink: (sink.created_at, sink.name))[:MAX_SINKS]
