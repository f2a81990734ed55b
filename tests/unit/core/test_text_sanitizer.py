"""An agent's text is made safe for a user's terminal and browser, and nothing but control characters is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.text_sanitizer import CONTROLS, one_line, printable_text, sanitize_message, visible_controls, whole


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
        pytest.param("a\u202eb\u200bc", "ab\u200bc", id="a direction without an end"),
        pytest.param("\u2067אבגד\u2069 x", "\u2067אבגד\u2069 x", id="a direction that ends"),
        pytest.param("10\u00a0000\u202f€", "10\u00a0000\u202f€", id="T8: spaces that do not break"),
        pytest.param("你好\u3000世界", "你好\u3000世界", id="T8: ideographic space"),
        pytest.param(
            "می\u200cشود 👩\u200d🚀 ❤\ufe0f", "می\u200cشود 👩\u200d🚀 ❤\ufe0f", id="T8: joiners and selectors"
        ),
        pytest.param("\ue0b0 \U0001fae9\U00011d99", "\ue0b0 \U0001fae9\U00011d99", id="T8: private and new characters"),
        pytest.param("a\x9db c", "ab c", id="a window title without an end hides nothing"),
        pytest.param("a\x1b]b c", "a]b c", id="the same in seven bits"),
        pytest.param("one\u2028two", "one two", id="line separator"),
        pytest.param("use vector<int>", "use vector<int>", id="T9: a type's parameter"),
        pytest.param("see <https://example.org/pr/1>", "see <https://example.org/pr/1>", id="T9: an address"),
        pytest.param("naïve 日本 🎉", "naïve 日本 🎉", id="other scripts stay"),
    ],
)
def test_a_message_becomes_one_clean_line(text: str, shown: str) -> None:
    assert sanitize_message(text) == shown


@given(st.text(max_size=200))
def test_whatever_comes_in_one_printable_line_goes_out(text: str) -> None:
    shown = sanitize_message(text)
    assert not CONTROLS.search(shown)
    assert not set("\n\t\u2028\u2029") & set(shown)
    assert len(shown.encode("utf-8", "replace")) <= len(text.encode("utf-8", "replace"))


def test_longer_text_keeps_its_lines() -> None:
    assert printable_text("one\r\n\x1b[1mtwo\x1b[0m\n\tthree\rfour\x07") == "one\ntwo\n\tthree\nfour"


@given(st.text())
def test_only_control_characters_are_lost(text: str) -> None:
    """T8, for any text without escape sequences; what is shown once is shown the same again."""
    plain = text.replace("\x1b", "").translate(dict.fromkeys(range(0x80, 0xA0)))
    kept = CONTROLS.sub("", plain.replace("\r\n", "\n").replace("\r", "\n"))
    assert printable_text(plain) == kept
    assert printable_text(printable_text(text)) == printable_text(text)
    assert one_line(one_line(text)) == one_line(text)


@given(st.text())
def test_control_characters_of_a_user_are_seen_and_do_nothing(text: str) -> None:
    shown = visible_controls(text)
    assert not CONTROLS.search(shown)
    assert len(shown) >= len(text) - text.count("\r\n")
    assert visible_controls(shown) == shown


def test_a_users_escape_is_a_picture() -> None:
    assert visible_controls("echo A\x1b[201~\x03\x7f\x9b1m\tB\r\n") == "echo A␛[201~␃␡␛[1m\tB\n"


def test_an_emoji_that_was_cut_within_utf_16_is_whole_again() -> None:
    assert whole("a\ud83d\ude00b") == "a😀b"
    assert whole("a\ud83db\ude00") == "a?b?"
