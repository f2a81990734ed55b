from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.sidecar.drivers.acp import protocol

OPTIONS = (
    protocol.Option("a", "Always allow", "allow_always"),
    protocol.Option("o", "Allow once", "allow_once"),
    protocol.Option("r", "Reject", "reject_once"),
)


def chunk(text: str) -> dict[str, Any]:
    return {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3), max_size=6), st.integers(1, 40))
def test_lines_are_the_same_however_the_bytes_are_cut(messages: list[dict[str, str]], size: int) -> None:
    stream = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    lines = protocol.Lines()
    found = [line for start in range(0, len(stream), size) for _, line in lines.feed(stream[start : start + size])]
    assert found == messages


def test_endless_line_is_not_kept() -> None:
    lines = protocol.Lines()
    for _ in range(10):
        assert lines.feed(b"x" * (1 << 20)) == []
    assert [line for _, line in lines.feed(b'\n{"a":1}\n')] == [None, {"a": 1}]


def test_first_line_of_a_replay_may_be_cut() -> None:
    assert protocol.Lines(skip_first=True).feed(b'"b":2}\n{"a":1}\n') == [(7, None), (15, {"a": 1})]


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        pytest.param("o", "o", id="the id"),
        pytest.param(" always  ALLOW ", "a", id="the name"),
        pytest.param("yes", "o", id="yes: this time"),
        pytest.param("No!", "r", id="no"),
        pytest.param("whatever", None, id="neither"),
    ],
)
def test_the_option_that_a_person_means_is_chosen(answer: str, option: str | None) -> None:
    found = protocol.chosen(OPTIONS, answer)
    assert (found.id if found else None) == option


def test_policy_chooses_among_the_offered_options() -> None:
    assert protocol.by_kind(OPTIONS, protocol.ALLOW) == OPTIONS[1]
    assert protocol.by_kind(OPTIONS[:1], protocol.ALLOW) == OPTIONS[0]
    assert protocol.outcome(protocol.by_kind(OPTIONS[:2], protocol.REJECT)) == {"outcome": {"outcome": "cancelled"}}


def test_answer_shows_what_the_agent_does() -> None:
    answer = protocol.Answer()
    for update in (
        chunk("I "),
        chunk("look."),
        {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}},
        {"sessionUpdate": "tool_call", "toolCallId": "1", "title": "read\na file", "status": "pending"},
        chunk("Then I "),
        {"sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "failed"},
        chunk("stop."),
        {"sessionUpdate": "plan", "entries": [{"content": "x", "status": "in_progress"}]},
        {"sessionUpdate": "of another kind"},
    ):
        answer.update(update)
    assert answer.text() == "I look.\n✗ read a file\nThen I stop.\nPlan:\n[>] x"


def test_a_character_that_was_cut_within_utf_16_is_whole() -> None:
    answer = protocol.Answer()
    for piece in ("10\u00a0€ \ud83d", "\ude00 你好\u3000世界"):
        answer.update(chunk(piece))
    assert answer.text() == "10\u00a0€ 😀 你好\u3000世界"


def test_a_tools_title_keeps_its_spaces() -> None:
    """T8"""
    assert protocol.title({"title": "read\n10\u00a0000\u3000files\x1b[0m"}) == "read 10\u00a0000\u3000files"
    assert protocol.chosen([protocol.Option("x", "Allow\u00a0once", "allow_once")], "allow once") is not None


def test_endless_answer_keeps_its_end() -> None:
    answer = protocol.Answer()
    answer.update({"sessionUpdate": "tool_call", "toolCallId": "1", "title": "first"})
    for number in range(100_000):
        answer.update(chunk(f"line {number}\n"))
    answer.update({"sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "completed"})
    text = answer.text()
    assert len(text) <= protocol.MAX_ANSWER_CHARACTERS + len(protocol.CUT)
    assert text.startswith(protocol.CUT)
    assert text.endswith("line 99999")


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["agent_message_chunk", "tool_call", "tool_call_update", "plan", "?"])
NAMES = st.sampled_from(["content", "toolCallId", "title", "status", "entries", "text", "type"])


@given(st.lists(st.tuples(KINDS, st.dictionaries(NAMES, NESTED, max_size=5)), max_size=6), NESTED)
def test_agent_may_send_anything(updates: list[tuple[str, dict[str, Any]]], other: Any) -> None:
    answer = protocol.Answer()
    for kind, body in updates:
        answer.update({"sessionUpdate": kind, **body})
    answer.update(other)
    answer.text()
    protocol.Abilities.of(other)
    protocol.error_text(other)
    protocol.question("run", {"id": other, "params": other}).body()
    protocol.question("run", {"id": 1, "params": {"toolCall": other, "options": other}}).shown()
