"""What is kept of a NotificationSink."""

from __future__ import annotations

import pytest

from taskyard.api.notificationsink import NotificationSinkSpec
from taskyard.core.names import MAX_NAME_CHARACTERS, TEST_SINK
from taskyard.core.notifications.sink_view import working
from taskyard.limits import MAX_SINKS
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


def test_the_eight_oldest_sinks_of_a_namespace_work() -> None:
    sinks = [sink(name=f"s{number}", uid=str(number), created=number) for number in reversed(range(MAX_SINKS + 2))]
    assert [each.name for each in working(sinks)] == [f"s{number}" for number in range(MAX_SINKS)]


def test_a_sink_that_is_deleted_gives_its_place_to_the_next() -> None:
    sinks = [sink(name=f"s{number}", created=number, deleting=number == 0) for number in range(MAX_SINKS + 1)]
    assert [each.name for each in working(sinks)] == [f"s{number}" for number in range(1, MAX_SINKS + 1)]


def test_of_the_same_age_the_names_decide() -> None:
    sinks = [sink(name=name) for name in "ihgfedcba"]
    assert [each.name for each in working(sinks)] == list("abcdefgh")
