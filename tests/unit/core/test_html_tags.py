"""Tags of HTML are removed; other text in angle brackets stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.html_tags import without_tags

TEXT = [
    "use vector<int>",
    "see <https://example.org/pr/1>",
    "List<Object> and Map<String, List<Object>>",
    "Promise<object>",
    "Map<I, S>",
    "std::vector<map>",
    "<user@example.org>",
    "<name> of the <branch>",
    "if a < b and c > d",
    "x <3 y",
    "a <- b -> c",
    "<?php echo 1 ?>",
    "#include <stdio.h>",
    "cat <<EOF > out.txt",
]


@pytest.mark.parametrize("text", [pytest.param(text, id=text) for text in TEXT])
def test_what_only_looks_like_a_tag_stays(text: str) -> None:
    """T9"""
    assert without_tags(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("<b>bold</b> move", "bold move", id="a pair"),
        pytest.param("H<sub>2</sub>O", "H2O", id="a pair within a word"),
        pytest.param("one<br>two<br/>", "onetwo", id="no end tag needed"),
        pytest.param('<a href="https://x/?a>b">here</a>', "here", id="an attribute with a bracket"),
        pytest.param("x<IMG SRC=x onerror=alert(1)>", "x", id="upper case"),
        pytest.param("x<svg/onload=alert(1)>", "x", id="a slash before the attribute"),
        pytest.param("<scr<b>ipt>x", "x", id="tag within a tag"),
        pytest.param("a<!-- c -->b<!doctype html>", "ab", id="comment and document type"),
        pytest.param("<b>cut off", "cut off", id="end tag cut off"),
    ],
)
def test_tags_go(text: str, left: str) -> None:
    assert without_tags(text) == left


@given(st.text(alphabet="<>/ab='\"! -int", max_size=60))
def test_what_is_left_has_no_more_tags(text: str) -> None:
    assert without_tags(without_tags(text)) == without_tags(text)
