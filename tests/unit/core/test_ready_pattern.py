from __future__ import annotations

import warnings

import pytest

from taskyard.core import ready_pattern

SCREEN = "Installing 3 packages\n\nagent 2.0 [dev]\n> \n? for help | 100% {,2}"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("^> $", id="a row"),
        pytest.param(r"\AInstalling", id="the screen's beginning"),
        pytest.param(r"2}\z", id="its end"),
        pytest.param(r"\Q? for help | 100%\E", id="a quotation"),
        pytest.param(r"\Q? for", id="a quotation without its end"),
        pytest.param(r"^[[:alpha:]]+ [[:digit:].]+ \[[[:lower:]]+\]$", id="classes"),
        pytest.param(r"\x{3e} $", id="a character by its number"),
        pytest.param("[]v]]$", id="a set that begins with a bracket"),
        pytest.param("[[(]dev", id="a bracket in a set"),
        pytest.param("[&&||~~^x]", id="signs in a set"),
        pytest.param("(?i)AGENT", id="flags"),
        pytest.param("(?<version>[0-9]+)", id="a named group"),
        pytest.param("%.{,2}", id="a brace that is one"),
        pytest.param(r"\s+\w+\b", id="kinds of characters"),
    ],
)
def test_screen_shows_what_the_pattern_says(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ready_pattern.compiled(pattern).search(SCREEN)
    assert ready_pattern.problem(pattern) is None


@pytest.mark.parametrize("pattern", ["^>$", r"^\? for$", "[^\\x00-\\x7f]", r"\Q.\E\Qx\E"])
def test_screen_does_not_show_anything_else(pattern: str) -> None:
    assert not ready_pattern.compiled(pattern).search(SCREEN)


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        pytest.param("[a-", "unterminated character set", id="open set"),
        pytest.param(r"\p{Greek}", r"\p is not supported", id="a class of Unicode"),
        pytest.param("(?U)a+", "(?U is not supported", id="an unknown flag"),
        pytest.param("[[:^alpha:]]", "[:^alpha:] is not supported", id="the inverse of a class"),
        pytest.param("a(?i)b", "global flags not at the start", id="flags in the middle"),
        pytest.param(r"\x{110000}", "is no character", id="no character"),
    ],
)
def test_what_cannot_be_used_is_said(pattern: str, cause: str) -> None:
    found = ready_pattern.problem(pattern)
    assert found is not None
    assert found.startswith("spec.agent.ready cannot be used as a pattern: ")
    assert cause in found


def test_no_pattern_is_no_problem() -> None:
    assert ready_pattern.problem(None) is None
