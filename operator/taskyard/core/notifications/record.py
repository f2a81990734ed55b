"""What a Task's status says that one sink was told: an entry of `status.notifications`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import State
from taskyard.core import text_limits, times
from taskyard.core.api_object import Manifest


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification, and when it was taken, or given up."""

    id: str
    event: str
    time: str

    @classmethod
    def of(cls, entry: Manifest | None) -> Sent | None:
        return cls(entry["id"], entry["event"], entry["time"]) if entry else None

    @property
    def document(self) -> Manifest:
        return {"id": self.id, "event": self.event, "time": self.time}


@dataclass(frozen=True, slots=True)
class Failing:
    """A notification that was not taken, since when it waits, and what prevented it the last time."""

    id: str
    event: str
    since: str
    message: str

    @classmethod
    def of(cls, entry: Manifest | None) -> Failing | None:
        return cls(entry["id"], entry["event"], entry["time"], entry["message"]) if entry else None

    @property
    def document(self) -> Manifest:
        return {"id": self.id, "event": self.event, "time": self.since, "message": self.message}


@dataclass(frozen=True, slots=True)
class Record:
    """How far a sink was told of a Task. `build`: the pauses and resumes up to this number are settled. `state` is the
    agent's state that was told last or passed over, `question` the id of the question, `error` the time of the fault.
    `since`: the Task's labels were not selected until then.
    """

    sink: str
    sink_uid: str
    build: int = 0
    state: State | None = None
    state_build: int = 0
    state_time: str | None = None
    question: str | None = None
    error: str | None = None
    sent: Sent | None = None
    failing: Failing | None = None
    given_up: Sent | None = None
    since: str | None = None

    @classmethod
    def of(cls, entry: Manifest) -> Record:
        state = entry.get("state")
        return cls(
            sink=entry["sink"],
            sink_uid=entry["sinkUID"],
            build=entry.get("build", 0),
            state=State(state) if state else None,
            state_build=entry.get("stateBuild", 0),
            state_time=entry.get("stateTime"),
            question=entry.get("question"),
            error=entry.get("error"),
            sent=Sent.of(entry.get("sent")),
            failing=Failing.of(entry.get("failing")),
            given_up=Sent.of(entry.get("givenUp")),
            since=entry.get("since"),
        )

    @property
    def document(self) -> Manifest:
        """The entry as it is stored."""
        plain: Manifest = {
            "sink": self.sink,
            "sinkUID": self.sink_uid,
            "since": self.since,
            "build": self.build,
            "state": self.state,
            "stateBuild": self.state_build or None,
            "stateTime": self.state_time,
            "question": self.question,
            "error": self.error,
        }
        parts = {"sent": self.sent, "failing": self.failing, "givenUp": self.given_up}
        plain |= {name: part.document for name, part in parts.items() if part is not None}
        return {name: value for name, value in plain.items() if value is not None}

    def taken(self, id_: str, event: str, *, now: datetime) -> Record:
        """The sink has taken a notification."""
        return dataclasses.replace(self, sent=Sent(id_, event, times.rfc3339(now)), failing=None)

    def not_taken(self, id_: str, event: str, message: str, *, since: datetime) -> Record:
        """An attempt has failed, of a notification that waits since then."""
        return dataclasses.replace(
            self, failing=Failing(id_, event, times.rfc3339(since), text_limits.message(message))
        )

    def without(self, id_: str, event: str, *, now: datetime) -> Record:
        """A notification was given up."""
        return dataclasses.replace(self, given_up=Sent(id_, event, times.rfc3339(now)), failing=None)


def of_sink(records: tuple[Record, ...], *, name: str, uid: str) -> Record:
    """The record of a sink; a new one for a sink that was told nothing."""
    return next((each for each in records if (each.sink, each.sink_uid) == (name, uid)), Record(name, uid))


def with_record(records: tuple[Record, ...], record: Record, *, sinks: dict[str, str]) -> list[Manifest]:
    """`status.notifications` with this record, without those of sinks that are gone: `sinks` has the UIDs by name."""
    kept = [each for each in records if each.sink != record.sink and sinks.get(each.sink) == each.sink_uid]
    return [each.document for each in sorted([*kept, record], key=lambda each: each.sink)]
