from __future__ import annotations

import pytest

from taskyard.core import control_text


@pytest.mark.parametrize("text", ["/compact", "!ls -l", " /model  gpt-5 ", "/ask 你好 👍🏽 a\u00a0b", "x" * 4096])
def test_one_line_is_a_command(text: str) -> None:
    assert control_text.problem(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "must not be empty", id="nothing"),
        pytest.param("  ", "must not be empty", id="blanks"),
        pytest.param("/a\n/b", "must be one line", id="two lines"),
        pytest.param("/a\r", "must be one line", id="a carriage return"),
        pytest.param("/a\tb", "must be one line", id="a tab, which completes"),
        pytest.param("\x1b[201~", "without control characters", id="an escape sequence"),
        pytest.param("/a\x9b", "without control characters", id="a control character of eight bits"),
        pytest.param("/a\u2028b", "must be one line", id="a line separator"),
        pytest.param("x" * 4097, "at most 4096 characters", id="too long"),
    ],
)
def test_anything_else_is_no_command(text: str, problem: str) -> None:
    assert problem in (control_text.problem(text) or "")
