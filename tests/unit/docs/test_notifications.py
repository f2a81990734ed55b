"""docs/notifications.md tells what the code does."""

from __future__ import annotations

import json
import re

from localcluster.locations import REPOSITORY
from taskyard.api.notificationsink import EVENTS, TOLD_UNLESS_NAMED
from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.notifications import payload
from taskyard.core.notifications.due import WHY_PAUSED, Notification
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.limits import MAX_SELECTIONS, MAX_SINKS
from taskyard.notifier import fault, shared_threads, sink_worker, turns
from unit.core.builders import NOW
from unit.notifier.telling import sink_manifest, told_task

PAGE = (REPOSITORY / "docs" / "notifications.md").read_text()
SOURCES = REPOSITORY / "operator" / "taskyard" / "notifier"
REASON = re.compile(r'(?:DeliveryError\(|ready\([^"]*?)\s*"([A-Z][A-Za-z]+)"')


def first_cells(header: str) -> list[list[str]]:
    """The rows of the table whose header begins so."""
    table = PAGE[PAGE.index(f"\n| {header} |") :].strip().split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def test_the_events_and_their_defaults_match_the_table() -> None:
    rows = {cells[0].strip("`"): cells[2] for cells in first_cells("event | when")}
    assert tuple(rows) == EVENTS
    assert {event for event, told in rows.items() if told == "told"} == set(TOLD_UNLESS_NAMED)
    paused = first_cells("event | when")[EVENTS.index("Paused")][1]
    assert all(reason in paused for reason in WHY_PAUSED.values())


def test_the_reasons_of_ready_match_the_table() -> None:
    used = {name for path in SOURCES.glob("*.py") for name in REASON.findall(path.read_text())}
    assert "SecretForbidden" in used and "TooManySinks" in used
    told = {cells[0].strip("`") for cells in first_cells("reason of Ready")}
    assert told == used | {"Configured", "Delivered"}


def test_the_example_has_the_fields_of_a_payload() -> None:
    example = json.loads(PAGE[PAGE.index("```json") + 7 :].partition("```")[0])
    task, sink = NotifiedTask.of(told_task()), SinkView.of(sink_manifest(links="https://tasks.example.com"))
    event = NotificationEvent.INPUT_REQUIRED
    notification = Notification("id", event, NOW, 3, Record("hook", "1"), message="Really?", question="q-7")
    made = payload.data(notification, task, sink)
    attributes = payload.attributes(notification, task)
    assert set(example) == {*attributes, "specversion", "datacontenttype", "data"}
    assert set(example["data"]) == set(made)
    assert set(example["data"]["task"]) == set(made["task"])
    assert set(example["data"]["question"]) == set(made["question"])


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"up to every {sink_worker.MAX_RETRY_SECONDS / 60:.0f} minutes" in PAGE
    assert f"| {MAX_SINKS}, the oldest |" in PAGE
    assert turns.BURST == 10 and "ten at once" in PAGE
    assert sink_worker.MAX_SECRET_RETRY_SECONDS == 60 and "looked at again within a minute" in PAGE
    assert f"threads of one namespace for services, and for lookups | {shared_threads.SHARE} each" in PAGE
    assert f"the last {MAX_SELECTIONS} selections" in PAGE


def test_the_statuses_that_are_about_one_message_are_told() -> None:
    rows = {cells[0]: cells[1] for cells in first_cells("answer")}
    (row,) = (first for first in rows if all(str(status) in first for status in fault.OF_THE_MESSAGE))
    assert "this notification alone" in rows[row]
    assert [status for status in range(400, 600) if str(status) in row] == list(fault.OF_THE_MESSAGE)
