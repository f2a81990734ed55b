"""What is kept of a NotificationSink."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.notificationsink import NotificationSinkSpec
from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.names import MAX_NAME_CHARACTERS, TEST_SINK
from taskyard.core.notifications.sink_view import seniority
from taskyard.core.times import rfc3339
from unit.core.builders import at
from unit.core.notifications.notified import sink, sink_manifest


def test_a_view_has_what_the_object_says() -> None:
    view = sink(type="Apprise", links="https://x.test", maxPerMinute=5, events=["Idle"])
    assert (view.namespace, view.name, view.created_at) == ("team", "owner", at(-3600))
    assert (view.secret, view.key, view.signing_key) == ("receiver", "url", "signing-secret")
    assert (view.type, view.links, view.max_per_minute, view.events) == ("Apprise", "https://x.test", 5, {"Idle"})
    assert (view.test, view.tested, view.ready, view.observed_generation) == (None, None, None, None)


def test_the_model_takes_what_the_view_reads() -> None:
    spec = NotificationSinkSpec.model_validate(sink_manifest()["spec"])
    assert spec.secret_ref.signing_key == "signing-secret"


LONG = "x" * 300


@pytest.mark.parametrize(
    ("annotation", "tested", "expected"),
    [
        pytest.param(None, None, None, id="nobody asks"),
        pytest.param("1", None, "1", id="the first time"),
        pytest.param("2", "1", "2", id="a new value"),
        pytest.param("1", "1", None, id="a value that was answered"),
        pytest.param("", None, None, id="an empty value"),
        pytest.param(None, "1", None, id="the annotation is removed"),
        pytest.param(LONG, None, LONG[:MAX_NAME_CHARACTERS], id="a value that is too long to be kept"),
        pytest.param(LONG, LONG[:MAX_NAME_CHARACTERS], None, id="a long one that was answered"),
    ],
)
def test_any_new_value_of_the_annotation_asks_for_a_test(
    annotation: str | None, tested: str | None, expected: str | None
) -> None:
    status = {"test": {"requested": tested}} if tested else {}
    annotations = {TEST_SINK: annotation} if annotation is not None else None
    assert sink(annotations=annotations, status=status).asked_to_test == expected


def test_the_oldest_sink_comes_first_and_of_the_same_age_the_names_decide() -> None:
    sinks = [sink(name="b", created=2), sink(name="c", created=1), sink(name="a", created=2)]
    assert [each.name for each in sorted(sinks, key=seniority)] == ["c", "a", "b"]


def selection(second: float, *events: str, **labels: str) -> dict[str, Any]:
    """An entry of `status.selections`."""
    found: dict[str, Any] = {"since": rfc3339(at(second)), "events": list(events)}
    return found | ({"selector": {"matchLabels": labels}} if labels else {})


def test_what_a_sink_selects_is_as_old_as_the_sink_until_its_status_says_more() -> None:
    view = sink(events=["Idle"])
    assert view.selected_since(NotificationEvent.IDLE, {}) == at(-3600) and not view.has_other_selection
    assert view.selection == {"events": ["Idle"]}


def test_what_was_selected_before_and_still_is_is_selected_since_then() -> None:
    stored = [selection(-3600, "Idle"), selection(60, "Idle", "Paused")]
    view = sink(events=["Paused", "Idle"], status={"selections": stored})
    assert not view.has_other_selection
    assert view.selected_since(NotificationEvent.IDLE, {}) == at(-3600)
    assert view.selected_since(NotificationEvent.PAUSED, {}) == at(60)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"events": ["Idle"]}, False, id="the same"),
        pytest.param({"events": ["Idle", "Paused"]}, True, id="one event more"),
        pytest.param({"events": ["Idle"], "selector": {"matchLabels": {"team": "a"}}}, True, id="a selector"),
        pytest.param({"events": ["Idle"], "selector": {}}, False, id="a selector that selects all"),
    ],
)
def test_a_spec_that_selects_something_else_than_the_status_says_is_told_apart(
    spec: dict[str, Any], expected: bool
) -> None:
    view = sink(status={"selections": [selection(-3600, "Idle")]}, **spec)
    assert view.has_other_selection is expected
