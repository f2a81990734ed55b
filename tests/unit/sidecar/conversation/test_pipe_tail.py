from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.sidecar.conversation.pipe_tail import MAX_TAIL_BYTES, NOTE, PipeTail


@pytest.mark.parametrize(
    ("written", "text"),
    [
        pytest.param(b"one\ntwo\n", "one\ntwo", id="lines"),
        pytest.param(b"one\r\ntwo\r\n", "one\ntwo", id="lines that end with CRLF"),
        pytest.param(b" 10 %\r 50 %\r100 %\n", "100 %", id="an overwritten line"),
        pytest.param(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07end", "red end", id="colours and a title"),
        pytest.param(b"a\x00b\x07c\td", "abc\td", id="control characters"),
        pytest.param(
            "10\u00a0000 €\n你好\u3000世界\n👩\u200d🚀".encode(),
            "10\u00a0000 €\n你好\u3000世界\n👩\u200d🚀",
            id="T8: all of Unicode",
        ),
        pytest.param(b"caf\xc3\xa9 \xff", "café �", id="bytes that are not text"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_output_is_read_as_a_person_would(written: bytes, text: str) -> None:
    tail = PipeTail()
    tail.feed(written)
    assert tail.text() == text


def test_only_the_end_of_long_output_is_kept_in_whole_lines() -> None:
    tail = PipeTail()
    for number in range(20_000):
        tail.feed(f"line {number}\n".encode())
    text = tail.text()
    assert len(text) <= MAX_TAIL_BYTES + len(NOTE)
    assert text.startswith(f"{NOTE}line ")
    assert text.endswith("line 19999")


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_it_does_not_matter_how_the_bytes_are_cut(pieces: list[bytes]) -> None:
    whole, cut = PipeTail(), PipeTail()
    whole.feed(b"".join(pieces))
    for piece in pieces:
        cut.feed(piece)
    assert whole.text() == cut.text()
