"""Whether the gateway refuses one more input."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import InputReason
from taskyard.core.input_bounds import Bounds
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.queue_room import QueueRoom
from taskyard.gateway.rest.cache.cache import Cache
from unit.gateway.rest.objects import metadata

Object = dict[str, Any]

ENDED = [{"phase": "Delivered"}, {"phase": "Rejected"}]


def entry(
    name: str, *, task: str = "hello", namespace: str = "team", status: Object | None = None, **spec: Any
) -> Object:
    return {
        "metadata": metadata(name) | {"namespace": namespace},
        "spec": {"task": task, "content": "hi", **spec},
        "status": status or {},
    }


class Room:
    """A QueueRoom for two inputs of a Task and three of a namespace, with inputs that wait already."""

    def __init__(self, *entries: Object) -> None:
        self.cache = Cache()
        self.told: list[InputReason] = []
        for each in entries:
            self.cache.inputs.put(each)
        bounds = Bounds(per_task=2, per_namespace=3)
        self._room = QueueRoom(self.cache, bounds, refused=self.told.append)

    def refusal(self, **spec: Any) -> HttpError | None:
        """The answer to one more input of Task hello in namespace team."""
        try:
            self._room.check("team", {"task": "hello", "content": "hi", **spec})
        except HttpError as error:
            return error
        return None


def test_a_full_queue_is_refused_with_object_cause_and_remedy() -> None:
    room = Room(entry("a"), entry("b", status={"phase": "Queued", "order": 7}))
    error = room.refusal()
    assert error is not None
    assert (error.status, error.message) == (429, "Too many inputs are waiting.")
    assert error.detail == (
        'The queue of Task "hello" is full: 2 messages wait for its agent, and more may not. Create the input '
        "again when some of them have been delivered, or delete some."
    )
    assert error.response().headers["Retry-After"] == "30"
    assert room.told == [InputReason.QUEUE_FULL]


def test_a_full_namespace_is_refused_too() -> None:
    room = Room(entry("a"), entry("b", task="other"), entry("c", task="other"))
    error = room.refusal()
    assert error is not None
    assert error.detail.startswith('The queues of namespace "team" are full: 3 messages')
    assert room.told == [InputReason.NAMESPACE_QUEUE_FULL]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none"),
        pytest.param([entry("a")], id="one"),
        pytest.param([entry("a"), *(entry(each["phase"], status=each) for each in ENDED)], id="others have ended"),
        pytest.param([entry("a"), entry("b", task="other"), entry("c", namespace="else")], id="others are elsewhere"),
        pytest.param([entry("a", type="Raw"), entry("b", type="Raw"), entry("c", answers="q")], id="no messages"),
    ],
)
def test_there_is_room(others: list[Object]) -> None:
    room = Room(*others)
    assert room.refusal() is None
    assert room.told == []


@pytest.mark.parametrize(
    "spec", [pytest.param({"type": "Raw"}, id="keystrokes"), pytest.param({"answers": "q-1"}, id="an answer")]
)
def test_what_does_not_wait_in_line_finds_room_though_messages_fill_it(spec: Object) -> None:
    room = Room(entry("a"), entry("b", type="Control"))
    assert room.refusal() is not None
    assert room.refusal(**spec) is None
    for name in "cd":
        room.cache.inputs.put(entry(name, **spec))
    assert room.refusal(**spec) is not None, "and is bounded by itself"


def test_there_is_room_again_when_one_is_delivered_or_deleted() -> None:
    room = Room(entry("a"), entry("b"))
    room.cache.inputs.put(entry("a", status={"phase": "Delivered"}))
    assert room.refusal() is None
    room.cache.inputs.put(entry("c"))
    assert room.refusal() is not None
    room.cache.inputs.remove(("team", "b"))
    assert room.refusal() is None
