"""The log of a Task that is not active: what its snapshot has."""

import json
from typing import Any

import pytest

from taskyard.core import names
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.routes.conversation import snapshot_entries, stored_log
from unit.core.builders import owned_by_tekton
from unit.gateway.rest.objects import metadata

EMPTY = {"logs": [], "snapshot": True}
TAKEN_AT = "2026-01-31T12:00:00Z"
MESSAGE = {"id": 0, "role": "user", "content": "hello", "time": ""}
DOCUMENT = {"format": "agentapi", "data": {"messages": [MESSAGE]}}


def config_map(uid: str = "uid-hello") -> dict[str, Any]:
    owner = names.owner_reference(name="hello", uid=uid)
    return {
        "metadata": metadata("hello-snapshot", ownerReferences=[owner]),
        "data": {"snapshot.json": json.dumps(DOCUMENT)},
    }


def test_the_log_is_what_the_tasks_config_map_has() -> None:
    log = stored_log(config_map(), task_uid="uid-hello", taken_at=TAKEN_AT)
    assert log == EMPTY | {
        "logs": [{"id": 0, "content": "hello", "type": "input", "time": ""}],
        "snapshot_at": TAKEN_AT,
    }


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(None, id="none"),
        pytest.param(config_map("uid-former"), id="a former Task's"),
        pytest.param(config_map() | {"metadata": metadata("hello-snapshot")}, id="nobody's"),
        pytest.param(owned_by_tekton(config_map(), name="hello", uid="uid-hello"), id="a Tekton Task's"),
    ],
)
def test_of_a_config_map_that_is_not_the_tasks_nothing_is_shown(found: dict[str, Any] | None) -> None:
    assert stored_log(found, task_uid="uid-hello", taken_at=TAKEN_AT) == EMPTY


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("[]", id="no object"),
        pytest.param(json.dumps(DOCUMENT | {"format": "other"}), id="another format"),
        pytest.param(json.dumps(DOCUMENT | {"data": []}), id="no data"),
        pytest.param(json.dumps(DOCUMENT | {"data": {"messages": [{}]}}), id="no messages"),
    ],
)
def test_a_snapshot_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(HttpError) as raised:
        snapshot_entries(text)
    assert raised.value.status == 500
