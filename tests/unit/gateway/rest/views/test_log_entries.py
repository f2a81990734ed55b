"""A sidecar's words as entries of a log, whatever it says."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest

from taskyard.gateway.rest.views.log_entries import MESSAGE_CHARACTERS, log_entries, messages_of
from taskyard.limits import CUT_NOTE


def document(*messages: Any) -> bytes:
    return json.dumps({"messages": messages}).encode()


def entries(text: bytes) -> list[dict[str, Any]] | None:
    found = messages_of(text)
    return None if found is None else [message.entry() for message in found]


MESSAGE = {"id": 1, "role": "agent", "content": "héllo\n\U0001f642", "time": "2026-01-31T12:00:00Z"}


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        pytest.param(MESSAGE, {"content": "héllo\n\U0001f642"}, id="as it is"),
        pytest.param({"id": 1, "role": "user"}, {"content": "", "time": "", "type": "input"}, id="no content"),
        pytest.param(MESSAGE | {"content": "a\ud800b"}, {"content": "ab"}, id="half of a surrogate pair"),
        pytest.param(MESSAGE | {"content": "\\ud800 \\"}, {"content": "\\ud800 \\"}, id="what only looks like one"),
        pytest.param(MESSAGE | {"content": "\ud800\U0001f642"}, {"content": "\U0001f642"}, id="one, and a whole pair"),
        pytest.param(MESSAGE | {"content": 5}, {"content": "5"}, id="content that is no text"),
        pytest.param(MESSAGE | {"more": [{"a": [1]}]}, {"id": 1}, id="what nobody asked for"),
        pytest.param(MESSAGE | {"time": "x" * 1000}, {"time": "x" * 64}, id="a long time"),
        pytest.param(
            MESSAGE | {"content": "a" + "b" * MESSAGE_CHARACTERS},
            {"content": CUT_NOTE + "b" * MESSAGE_CHARACTERS},
            id="a message that is too long keeps its end",
        ),
    ],
)
def test_a_message(message: dict[str, Any], entry: dict[str, Any]) -> None:
    [found] = entries(document(message)) or []
    usual = {"id": 1, "content": MESSAGE["content"], "type": "output", "time": MESSAGE["time"]}
    assert found == usual | entry
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no JSON", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"messages": {}}', id="no list"),
        pytest.param(document(5), id="no message"),
        pytest.param(document({"id": 1, "role": "system"}), id="an unknown role"),
        pytest.param(document({"id": "1", "role": "user"}), id="an id that is no number"),
        pytest.param(document({"id": -1, "role": "user"}), id="a negative id"),
        pytest.param(document({"id": 10**30, "role": "user"}), id="an enormous id"),
        pytest.param(b'{"messages":' + b"[" * 100_000, id="deeply nested"),
        pytest.param(b'{"messages":[{"id":1,"role":"user","x":' + b"[" * 100_000, id="deeply nested, beside"),
    ],
)
def test_what_is_no_conversation(text: bytes) -> None:
    assert messages_of(text) is None


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param('{"id":1,"role":"user"}', id="many messages"),
        pytest.param('{"id":1,"role":"user","x":[' + "[]," * 1000 + "1]}", id="much beside them"),
        pytest.param('{"id":1,"role":"user","content":"' + "x" * 10_000 + '\U0001f642"}', id="wide characters"),
        pytest.param('{"id":1,"role":"user","content":"' + "\\u0001" * 2000 + '"}', id="escapes"),
    ],
)
def test_reading_takes_little_more_memory_than_the_document_and_no_time(unit: str) -> None:
    text = (f'{{"messages":[{",".join([unit] * (4_000_000 // len(unit)))}]}}').encode()
    began = time.perf_counter()
    assert messages_of(text)
    assert time.perf_counter() - began < 1
    tracemalloc.start()
    found = messages_of(text)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found
    assert max(kept, peak) < 6 * len(text)


@pytest.mark.parametrize("id", [-1, 10**12, True, "1", None])
def test_an_entry_of_a_stream_has_a_number_that_can_be_one(id: Any) -> None:
    found = log_entries([{"id": id, "role": "user", "content": "x"}])
    assert found is None or id is True
