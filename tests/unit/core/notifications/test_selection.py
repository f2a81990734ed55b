"""Since when something has been selected, by the selections that a sink has had."""

from __future__ import annotations

import pytest

from taskyard.api.notificationsink import SinkSelection
from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.label_selector import LabelSelector
from taskyard.core.notifications.selection import Selection, selected_since, with_selection
from taskyard.core.times import rfc3339
from taskyard.limits import MAX_SELECTIONS
from unit.core.builders import at, reservation
from unit.core.notifications.notified import Manifest, names, notified, sink, start, state, stop, tell

IDLE, PAUSED = NotificationEvent.IDLE, NotificationEvent.PAUSED
TEAM_A = {"matchLabels": {"team": "a"}}


def chosen(second: float, *events: NotificationEvent, selector: Manifest | None = None) -> Selection:
    return Selection(at(second), frozenset(events), LabelSelector.of(selector))


@pytest.mark.parametrize(
    ("selections", "labels", "expected"),
    [
        pytest.param([], {}, None, id="no selection is known"),
        pytest.param([chosen(1, IDLE)], {}, 1, id="since the first"),
        pytest.param([chosen(1, PAUSED), chosen(2, IDLE)], {}, 2, id="since the second"),
        pytest.param([chosen(1, IDLE), chosen(2, IDLE, PAUSED)], {}, 1, id="since the first, by both"),
        pytest.param([chosen(1, IDLE), chosen(2, PAUSED), chosen(3, IDLE)], {}, 3, id="after a break"),
        pytest.param([chosen(1, IDLE), chosen(2, PAUSED)], {}, None, id="no longer"),
        pytest.param([chosen(1, IDLE, selector=TEAM_A), chosen(2, IDLE)], {"team": "b"}, 2, id="Tasks of others too"),
        pytest.param([chosen(1, IDLE, selector=TEAM_A), chosen(2, IDLE)], {"team": "a"}, 1, id="its Tasks all along"),
        pytest.param([chosen(1, IDLE), chosen(2, IDLE, selector=TEAM_A)], {"team": "b"}, None, id="no such Tasks now"),
    ],
)
def test_a_selection_counts_since_it_holds_without_a_break(
    selections: list[Selection], labels: dict[str, str], expected: float | None
) -> None:
    assert selected_since(selections, IDLE, labels) == (at(expected) if expected is not None else None)


def test_a_new_selection_is_stored_as_the_api_has_it_and_the_oldest_goes() -> None:
    stored: list[Manifest] = []
    for number in range(MAX_SELECTIONS + 2):
        stored = with_selection(stored, {"events": ["Idle"], "selector": TEAM_A}, since=at(number))
    for entry in stored:
        SinkSelection.model_validate(entry)
    assert [entry["since"] for entry in stored] == [rfc3339(at(number)) for number in range(2, MAX_SELECTIONS + 2)]
    assert Selection.of(stored[-1]) == chosen(MAX_SELECTIONS + 1, IDLE, selector=TEAM_A)


# --- what a sink is told after a change


def changed(second: float, events: list[str], before: list[str], **spec: Manifest) -> Manifest:
    """A sink that has selected `events` since then, and `before` since it was created."""
    selections = with_selection([], {"events": before}, since=at(-3600))
    present = {"events": events, **spec}
    return {"events": events, "status": {"selections": with_selection(selections, present, since=at(second))}, **spec}


RESUMED = reservation(3, "Start", "Resume", "Succeeded")
HISTORY = [start(1), stop(2, created=100), start(3, "Resume", created=200)]


def told(task_state: Manifest, fields: Manifest) -> list[str]:
    found: list[Notification]
    found, _ = tell(notified(RESUMED, state=task_state), HISTORY, sink(**fields))
    return names(found)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(50, ["Paused 2", "Resumed 3", "Idle 3"], id="before the pause"),
        pytest.param(150, ["Resumed 3", "Idle 3"], id="between pause and resume"),
        pytest.param(250, ["Idle 3"], id="after both"),
    ],
)
def test_nothing_is_told_of_what_was_before_its_event_was_selected(second: float, expected: list[str]) -> None:
    fields = changed(second, ["Idle", "Paused", "Resumed"], ["Idle"])
    assert told(state("Idle", 205, build=3), fields) == expected


def test_nothing_is_told_of_what_was_before_its_tasks_were_selected() -> None:
    fields = changed(150, ["Paused", "Resumed"], ["Paused", "Resumed"])
    fields["status"]["selections"][0]["selector"] = TEAM_A
    assert told(state("Idle", 205, build=3), fields) == ["Resumed 3"]


def test_an_agent_that_has_worked_before_working_was_selected_does_not_work_for_the_first_time() -> None:
    fields = changed(150, ["Working"], ["Idle"])
    assert told(state("Working", 205, build=3), fields) == ["Working 3"]
