"""Display names, derived from prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.task_title import display_name
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS

WORD = "a" * 30


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        pytest.param("", "web", id="empty"),
        pytest.param(" \n\t ", "web", id="blank"),
        pytest.param("fix user's dashboard", "Fix user's dashboard", id="a short one"),
        pytest.param("BUILD MY APP", "BUILD MY APP", id="capitals stay"),
        pytest.param("  one\n\ttwo  three ", "One two three", id="one line, single spaces"),
        pytest.param("a" * 64, "A" + "a" * 63, id="64 characters fit"),
        pytest.param("a" * 65, "A" + "a" * 62 + "…", id="a long word is cut"),
        pytest.param(f"{WORD} {WORD} {WORD}", f"A{'a' * 29} {WORD}…", id="cut at a word"),
        pytest.param("über den Fluss", "Über den Fluss", id="a first letter of two bytes"),
        pytest.param("修理门" * 30, "修理门" * 21 + "…", id="characters, not bytes"),
        pytest.param("ß" * 64, "SS" + "ß" * 62, id="a letter that grows in upper case"),
        pytest.param("🚪 mend it", "🚪 mend it", id="no letter at all"),
    ],
)
def test_display_name(prompt: str, expected: str) -> None:
    assert display_name(prompt, fallback="web") == expected


@given(st.text(max_size=200))
def test_a_title_is_one_line_of_at_most_64_characters_and_never_empty(prompt: str) -> None:
    title = display_name(prompt, fallback="web")
    assert 0 < len(title) <= MAX_DISPLAY_NAME_CHARACTERS
    assert title == " ".join(title.split())
    assert display_name(prompt, fallback="web") == title
