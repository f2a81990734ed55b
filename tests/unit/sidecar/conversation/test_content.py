"""The part of a message's content that reaches an agent."""

from __future__ import annotations

import pytest

from taskyard.sidecar.conversation.content import typable


@pytest.mark.parametrize(
    ("content", "typed"),
    [
        pytest.param("hello", "hello", id="plain"),
        pytest.param("a\r\nb\rc\n", "a\nb\nc", id="line ends"),
        pytest.param("a\x1b[201~\x03b\x00\x7f\x9b", "a[201~b", id="nothing that ends the paste or the program"),
        pytest.param("tab\tü😀", "tab\tü😀", id="tabs and all of Unicode"),
    ],
)
def test_only_text_is_typed(content: str, typed: str) -> None:
    assert typable(content) == typed
