"""The models of a notification's data take what is sent, and describe it."""

from __future__ import annotations

import pytest
from jsonschema_rs import validator_for
from pydantic import ValidationError

from taskyard.api import notification, notification_schema
from taskyard.core.notifications import payload
from unit.core.notifications.notified import EVENTS, sink
from unit.core.notifications.test_payload import EVERYTHING, LINKED, one

SCHEMA = validator_for(notification_schema.document())
# It names every field: what the schema leaves to later versions is refused here.
MODELS = {"Task": notification.TaskNotification, "Sink": notification.TestNotification}


@pytest.mark.parametrize("linked", [pytest.param(LINKED, id="with a link"), pytest.param(sink(), id="without")])
@pytest.mark.parametrize("event", EVENTS)
def test_every_payload_is_of_the_schema(event: str, linked: object) -> None:
    data = payload.data(one(event), EVERYTHING[event][0], linked)  # type: ignore[arg-type]
    SCHEMA.validate(data)
    found = MODELS["Task"].model_validate(data)
    assert found.model_dump(by_alias=True, exclude_none=True, mode="json") == data


def test_a_test_message_is_of_the_schema() -> None:
    data = payload.test_data(sink())
    SCHEMA.validate(data)
    MODELS["Sink"].model_validate(data)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"event": "Test"}, id="a test message of a Task"),
        pytest.param({"event": "Sleeping"}, id="an event that there is not"),
        pytest.param({"build": -1}, id="a build before the first"),
        pytest.param({"task": {"name": "web"}}, id="a Task without its namespace"),
    ],
)
def test_what_is_never_sent_is_refused(change: dict[str, object]) -> None:
    data = payload.data(one("Idle"), EVERYTHING["Idle"][0], LINKED) | change
    assert not SCHEMA.is_valid(data)
    with pytest.raises(ValidationError):
        MODELS["Task"].model_validate(data)
