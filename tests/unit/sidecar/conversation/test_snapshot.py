from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.limits import CUT_NOTE
from taskyard.sidecar.conversation import snapshot
from taskyard.sidecar.conversation.conversation import Message, Role

CONTENTS = st.text(st.characters(codec="utf-8", max_codepoint=0x1F64F), max_size=400)


def conversation(contents: list[str]) -> list[Message]:
    return [
        Message(number, Role.USER if number % 2 else Role.AGENT, content, "2026-01-01T00:00:00Z", key="secret")
        for number, content in enumerate(contents)
    ]


def test_everything_is_kept_when_it_fits() -> None:
    taken = snapshot.take(conversation(["hi", "do it", "done"]))
    assert json.loads(taken.body) == {
        "messages": [
            {"id": 0, "content": "hi", "role": "agent", "time": "2026-01-01T00:00:00Z"},
            {"id": 1, "content": "do it", "role": "user", "time": "2026-01-01T00:00:00Z"},
            {"id": 2, "content": "done", "role": "agent", "time": "2026-01-01T00:00:00Z"},
        ]
    }
    assert (taken.messages, taken.truncated) == (3, False)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(CONTENTS, max_size=12), st.integers(300, 2000))
def test_snapshot_never_exceeds_its_limit_and_keeps_the_newest(contents: list[str], limit: int) -> None:
    messages = conversation(contents)
    taken = snapshot.take(messages, limit)
    assert len(taken.body) <= limit
    body = json.loads(taken.body.decode())
    kept = body["messages"]
    assert body.get("truncated", False) == taken.truncated
    assert taken.messages == len(kept)
    assert [message["id"] for message in kept] == [message.id for message in messages[len(messages) - len(kept) :]]
    assert bool(kept) == bool(messages)
    if len(kept) > 1 or not taken.truncated:
        assert [message["content"] for message in kept] == contents[len(contents) - len(kept) :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("x" * 200_000 + "the end", id="ASCII"),
        pytest.param("😀" * 50_000 + "the end", id="four bytes each"),
        pytest.param('\n"\\' * 50_000 + "the end", id="escaped in JSON"),
    ],
)
def test_message_too_large_by_itself_keeps_its_end_after_a_note(content: str) -> None:
    taken = snapshot.take(conversation(["old", content]))
    (message,) = json.loads(taken.body)["messages"]
    assert message["content"].startswith(CUT_NOTE)
    assert message["content"].endswith("the end")
    assert snapshot.MAX_BODY_BYTES - 8 < len(taken.body) <= snapshot.MAX_BODY_BYTES
    assert taken.truncated


def test_oldest_messages_are_dropped_first() -> None:
    taken = snapshot.take(conversation(["a" * 40_000, "b" * 40_000, "c" * 10_000]))
    assert [message["id"] for message in json.loads(taken.body)["messages"]] == [1, 2]


@pytest.mark.parametrize(
    ("messages", "truncated"),
    [
        pytest.param([Message(0, Role.AGENT, CUT_NOTE + "20000", "")], True, id="cut when it was read"),
        pytest.param([Message(0, Role.USER, CUT_NOTE + "20000", "")], False, id="the note is a person's"),
        pytest.param([Message(7, Role.AGENT, "hi", "")], True, id="older messages are not known any more"),
    ],
)
def test_any_cut_is_told(messages: list[Message], truncated: bool) -> None:
    """T7."""
    taken = snapshot.take(messages)
    assert taken.truncated is truncated
    assert json.loads(taken.body).get("truncated", False) is truncated
