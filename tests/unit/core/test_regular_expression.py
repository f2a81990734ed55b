"""Patterns of template versions: what they take is bounded, however short they are."""

from __future__ import annotations

import time

import pytest

from taskyard.core import regular_expression


@pytest.mark.parametrize("pattern", [r"[a-z0-9-]{1,63}", r"\pL{1,20}", r"https://[^\s]{1,200}", r"(?i)feature/\w+"])
def test_patterns_that_people_write_are_taken(pattern: str) -> None:
    assert regular_expression.compiled(pattern).pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        pytest.param("(", "missing \\)", id="no expression"),
        pytest.param(r"\pL{1,100}", "too large", id="a class of Unicode a hundred times"),
        pytest.param(r"(\pL{10}){10}", "too large", id="the same, nested"),
    ],
)
def test_what_is_none_or_too_large_says_so_soon(pattern: str, cause: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=cause):
        regular_expression.compiled(pattern)
    assert time.process_time() - began < 0.03


def test_matching_takes_no_more_than_was_allowed() -> None:
    """The states of this one double with each character that it looks back."""
    expression = regular_expression.compiled("(a|b)*a(a|b){20}")
    assert expression.fullmatch("ab" * 4_000 + "a" * 21)
    assert not expression.fullmatch("ab" * 4_000 + "b" * 21)
