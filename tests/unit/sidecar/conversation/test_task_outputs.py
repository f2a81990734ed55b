from __future__ import annotations

import pytest

from taskyard.limits import MAX_OUTPUTS
from taskyard.sidecar.conversation import task_outputs
from taskyard.sidecar.conversation.task_outputs import OutputError

FULL = {f"name-{number}": "x" for number in range(MAX_OUTPUTS)}


def test_a_value_is_added_at_the_end_or_replaced_where_it_is() -> None:
    found = task_outputs.with_value({}, "pr", "1")
    found = task_outputs.with_value(found, "branch.name", "fix/1\n\tü")
    found = task_outputs.with_value(found, "pr", "2")
    assert list(found.items()) == [("pr", "2"), ("branch.name", "fix/1\n\tü")]
    assert task_outputs.body(found)["outputs"][0] == {"name": "pr", "value": "2"}
    assert task_outputs.kept(found) == found


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        pytest.param("", "x", "name must", id="no name"),
        pytest.param("1st", "x", "name must", id="name that begins with a digit"),
        pytest.param("a b", "x", "name must", id="name with a blank"),
        pytest.param("a\n", "x", "name must", id="name with a line feed"),
        pytest.param("a" * 64, "x", "name must", id="long name"),
        pytest.param(7, "x", "name must", id="name that is not text"),
        pytest.param("a", None, "value must be text", id="value that is not text"),
        pytest.param("a", "\x1b[2J", "printable", id="control characters"),
        pytest.param("a", "\ud800", "printable", id="half a surrogate pair"),
        pytest.param("a", "ü" * 513, "1024 bytes", id="long value"),
    ],
)
def test_invalid_outputs_are_refused(name: object, value: object, fault: str) -> None:
    with pytest.raises(OutputError, match=fault):
        task_outputs.with_value({}, name, value)


def test_after_sixteen_outputs_a_value_can_only_be_replaced() -> None:
    with pytest.raises(OutputError, match="16"):
        task_outputs.with_value(FULL, "one-more", "x")
    assert task_outputs.with_value(FULL, "name-3", "y")["name-3"] == "y"


@pytest.mark.parametrize("record", [None, [], {"a": 1, "b": "x" * 2000, "ok": "v"}, {**FULL, "ok": "v"}])
def test_invalid_outputs_on_the_disk_are_skipped(record: object) -> None:
    assert len(task_outputs.kept(record)) <= MAX_OUTPUTS


@pytest.mark.parametrize(
    "value",
    ["10\u00a0000 €", "你好\u3000世界", "👩\u200d🚀 ❤\ufe0f", "می\u200cشود", "\u2067א\u2069", "\ue0b0\U0001fae9"],
)
def test_every_text_is_a_value(value: str) -> None:
    """T8"""
    assert task_outputs.with_value({}, "a", value) == {"a": value}


def test_a_refusal_names_the_control_characters() -> None:
    with pytest.raises(OutputError, match="ESC, Ctrl-C"):
        task_outputs.with_value({}, "a", "\x1b[31mred\x03")


def test_line_ends_become_line_feeds() -> None:
    assert task_outputs.with_value({}, "a", "one\r\ntwo\rthree") == {"a": "one\ntwo\nthree"}
