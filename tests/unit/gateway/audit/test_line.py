"""What a line of the audit log has in it, and how long it may become."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taskyard.gateway.audit import line as lines
from taskyard.gateway.audit.line import KIND, MAX_LINE_BYTES, Line, Text, Verb, encoded, outcome, shortened

NOW = datetime(2026, 1, 31, 12, 0, 0, 7_999, tzinfo=UTC)


def line(**fields: Any) -> Line:
    given = {
        "audit": KIND,
        "time": lines.moment(NOW),
        "request": "5f2d1c04",
        "who": lines.who("jane", "", ("dev",)),
        "from_": lines.source("10.0.3.7", None),
        "verb": Verb.DELETE,
        "task": lines.of_task("team", "hello", None),
        "outcome": "allowed",
        "status": 202,
        "reason": None,
        "text": None,
        "input": None,
        "left_out": 0,
    }
    return Line.model_validate(given | fields)


def test_a_line_begins_with_its_kind_and_ends_with_a_line_feed() -> None:
    text = encoded(line())
    assert text.startswith(b'{"audit":"taskyard.dev/v1","time":"2026-01-31T12:00:00.007Z",')
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    assert json.loads(text)["from"] == {"address": "10.0.3.7", "forwarded_for": None}


@pytest.mark.parametrize("character", ["x", '"', "\\", "\n", "\x1b", "ü", "\u202e", "🦊"])
def test_the_longest_line_is_written_to_a_pipe_as_a_whole(character: str) -> None:
    long = character * 20_000
    text = encoded(
        line(
            request="r" * 64,
            who=lines.who(long, long, [long] * 300),
            from_=lines.source(long, long),
            verb=Verb.CHANGE_PROMPT,
            task=lines.of_task(long, long, long),
            reason=lines.reason(long),
            text=Text.of(long),
            input="i" * 80,
            left_out=10**9,
        )
    )
    assert len(text) <= MAX_LINE_BYTES
    assert text.isascii()
    assert text.count(b"\n") == 1, "nobody can begin a line of their own"
    assert not any(byte < 32 for byte in text[:-1])


def test_groups_that_do_not_fit_are_counted() -> None:
    few, many = lines.who("jane", "", ("a", "b")), lines.who("jane", "", [f"group-{n}" for n in range(400)])
    assert (few.groups, few.groups_left_out) == (["a", "b"], 0)
    assert len(many.groups) + many.groups_left_out == 400
    assert many.groups == [f"group-{n}" for n in range(len(many.groups))]
    assert 50 < len(many.groups) < 400


@pytest.mark.parametrize(
    ("text", "size"),
    [
        pytest.param("Fix the build", 13, id="ASCII"),
        pytest.param("für 🦊", 9, id="more bytes than characters"),
        pytest.param("", 0, id="nothing"),
        pytest.param("a\ud800", 4, id="half of a surrogate pair"),
    ],
)
def test_of_a_text_there_is_its_length_and_its_hash(text: str, size: int) -> None:
    found = Text.of(text)
    assert found.bytes == size
    assert found.sha256 == hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(101, "allowed"), (204, "allowed"), (400, "refused"), (404, "refused"), (429, "refused"), (499, "failed"),
     (500, "failed"), (503, "failed")],
)  # fmt: skip
def test_the_outcome_is_that_of_the_status(status: int, expected: str) -> None:
    assert outcome(status) == expected


def test_a_text_is_shortened_at_its_end() -> None:
    assert shortened("x" * 64, 64) == "x" * 64
    assert shortened("x" * 65, 64) == "x" * 61 + "..."
    assert shortened("ü" * 20, 64) == "ü" * 10 + "...", "each takes six bytes in a line"
