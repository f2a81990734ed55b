"""A NotificationSink as the notifier sees it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import NotificationEvent, SinkType
from taskyard.core import names, times
from taskyard.core.api_object import Manifest, shared, version_of
from taskyard.core.notifications import selection
from taskyard.core.notifications.label_selector import LabelSelector
from taskyard.core.notifications.selection import Selection


@dataclass(frozen=True, slots=True)
class SinkView:
    """A NotificationSink. `test` is the value of the annotation that asks for a test message, `tested` the one that was
    answered, at `tested_at`; `ready` is the condition as it is stored. `selection` is what the spec selects, and
    `selections` what the status says of it and of those before, both as they are stored."""

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
    tested_at: str | None
    ready: Manifest | None
    observed_generation: int | None
    failing_since: datetime | None
    selection: Manifest
    selections: tuple[Manifest, ...]
    selected: tuple[Selection, ...]

    @classmethod
    def of(cls, sink: Manifest) -> SinkView:
        metadata, spec, status = sink["metadata"], sink["spec"], sink.get("status") or {}
        secret, test, failing = spec["secretRef"], status.get("test") or {}, status.get("failingSince")
        selections = tuple(status.get("selections") or ())
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
            tested=test.get("requested"),
            tested_at=test.get("time"),
            ready=shared(next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)),
            observed_generation=status.get("observedGeneration"),
            failing_since=times.parse(failing) if failing else None,
            selection={name: spec[name] for name in ("events", "selector") if spec.get(name)},
            selections=selections,
            selected=tuple(map(Selection.of, selections)),
        )

    @property
    def asked_to_test(self) -> str | None:
        """The value of the annotation for which no test message was sent yet, in the length that the status keeps."""
        wanted = self.test[: names.MAX_NAME_CHARACTERS] if self.test else None
        return wanted if wanted != self.tested else None

    @property
    def has_other_selection(self) -> bool:
        """Whether the spec selects something else than what the status says: since when is not known yet."""
        known = self.selected[-1] if self.selected else None
        return known is not None and (known.events, known.selector) != (self.events, self.selector)

    def selected_since(self, event: NotificationEvent, labels: Mapping[str, str]) -> datetime:
        """Since when this event of Tasks with these labels has been selected. The first selection is as old as the
        sink."""
        since = selection.selected_since(self.selected, event, labels)
        return max(since, self.created_at) if since is not None else self.created_at


def seniority(sink: SinkView) -> tuple[datetime, str, str]:
    """By which the oldest sinks of a namespace come first."""
    return sink.created_at, sink.name, sink.uid
