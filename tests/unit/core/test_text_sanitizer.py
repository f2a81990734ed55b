"""An agent's text is made safe for a user's terminal and browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.text_sanitizer import printable_text, sanitize_message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("reading files", "reading files", id="plain"),
        pytest.param("", "", id="empty"),
        pytest.param("  two\n\n lines\t here ", "two lines here", id="whitespace"),
        pytest.param('"quoted \\"twice\\""', 'quoted "twice"', id="quotes around it"),
        pytest.param('"half quoted', '"half quoted', id="one quote"),
        pytest.param('"a" and "b"', '"a" and "b"', id="quotes within"),
        pytest.param('"', '"', id="a lone quote"),
        pytest.param("<b>bold</b> move", "bold move", id="tags"),
        pytest.param("x<script>alert(1)</script>", "xalert(1)", id="script"),
        pytest.param("<scr<b>ipt>x", "x", id="tag within a tag"),
        pytest.param("a<!-- c -->b", "ab", id="comment"),
        pytest.param("if a < b and c > d", "if a < b and c > d", id="comparison stays"),
        pytest.param("x <3 y", "x <3 y", id="heart stays"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b]0;title\x07text", "text", id="window title"),
        pytest.param("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", id="hyperlink"),
        pytest.param("\x9b31mred", "red", id="eight-bit control"),
        pytest.param("\x1b(Bx\x1b7y", "xy", id="short sequences"),
        pytest.param("end\x1b", "end", id="escape at the end"),
        pytest.param("a\x00b\x07c\x7fd", "abcd", id="control characters"),
        pytest.param("a\u202eb\u200bc", "abc", id="direction and zero width"),
        pytest.param("naïve 日本 🎉", "naïve 日本 🎉", id="other scripts stay"),
    ],
)
def test_a_message_becomes_one_clean_line(text: str, shown: str) -> None:
    assert sanitize_message(text) == shown


@given(st.text(max_size=200))
def test_whatever_comes_in_one_printable_line_goes_out(text: str) -> None:
    shown = sanitize_message(text)
    assert shown.isprintable()
    assert len(shown.encode("utf-8", "replace")) <= len(text.encode("utf-8", "replace"))


def test_longer_text_keeps_its_lines() -> None:
    assert printable_text("one\r\n\x1b[1mtwo\x1b[0m\n\tthree\rfour\x07") == "one\ntwo\n\tthree\nfour"
