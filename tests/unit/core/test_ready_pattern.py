from __future__ import annotations

import time

import pytest

from taskyard.core import ready_pattern
from taskyard.core.ready_pattern import ReadyPattern

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
        pytest.param("(?P<version>[0-9]+)", id="a named group"),
        pytest.param("%.{,2}", id="a brace that is one"),
        pytest.param(r"\s+\w+\b", id="kinds of characters"),
        pytest.param(r"\p{L}+", id="a class of Unicode"),
        pytest.param("(?U)a+", id="a flag of RE2"),
        pytest.param("[[:^alpha:]]", id="the inverse of a class"),
        pytest.param("a(?i)GENT", id="flags in the middle"),
    ],
)
def test_screen_shows_what_the_pattern_says(pattern: str) -> None:
    assert ReadyPattern(pattern).is_shown(SCREEN)
    assert ready_pattern.problem(pattern) is None


@pytest.mark.parametrize("pattern", ["^>$", r"^\? for$", "[^\\x00-\\x7f]", r"\Q.\E\Qx\E"])
def test_screen_does_not_show_anything_else(pattern: str) -> None:
    assert not ReadyPattern(pattern).is_shown(SCREEN)


@pytest.mark.parametrize("pattern", ["[a-", "(", r"\x{110000}", r"(a)\1", "(?=a)"])
def test_what_cannot_be_used_is_said(pattern: str) -> None:
    found = ready_pattern.problem(pattern)
    assert found is not None
    assert found.startswith("spec.agent.ready cannot be used as a pattern: ")


@pytest.mark.parametrize("pattern", ["(x+x+)+y", ".*.*.*="])
def test_screen_of_the_agents_choice_cannot_hold_the_sidecar_up(pattern: str) -> None:
    compiled, began = ReadyPattern(pattern), time.process_time()
    assert not compiled.is_shown("x" * 20_000)
    assert time.process_time() - began < 1


def test_no_pattern_is_no_problem() -> None:
    assert ready_pattern.problem(None) is None
