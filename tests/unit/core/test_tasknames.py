"""Section 4 of the contract: valid and generated names."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import tasknames
from taskyard.core.tasknames import MAX_NAME_CHARACTERS, MAX_STEM_CHARACTERS, Names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("a", None, id="one character"),
        pytest.param("A1-b2", None, id="letters, digits, a hyphen"),
        pytest.param("a" * 32, None, id="as long as may be"),
        pytest.param("a" * 33, "must be <= 32 characters", id="too long"),
        pytest.param("", "must be >= 1 character", id="empty"),
        pytest.param("new", 'cannot use "new" as a name', id="new"),
        pytest.param("create", 'cannot use "create" as a name', id="create"),
        pytest.param("news", None, id="begins like a reserved one"),
        pytest.param("-a", "must be alphanumeric with hyphens", id="hyphen first"),
        pytest.param("a-", "must be alphanumeric with hyphens", id="hyphen last"),
        pytest.param("a--b", "must be alphanumeric with hyphens", id="two hyphens"),
        pytest.param("a b", "must be alphanumeric with hyphens", id="space"),
        pytest.param("ä", "must be alphanumeric with hyphens", id="another script"),
        pytest.param("a\n", "must be alphanumeric with hyphens", id="line feed last"),
    ],
)
def test_fault(name: str, reason: str | None) -> None:
    """4-valid."""
    assert tasknames.fault(name) == reason


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("   ", None, id="spaces"),
        pytest.param("!@#$%", None, id="only specials"),
        pytest.param("做一个网站", None, id="no Latin letter"),
        pytest.param("BUILD MY APP", Names("build-my-app", "BUILD MY APP"), id="capitals"),
        pytest.param("fix user's dashboard", Names("fix-users-dashboard", "Fix user's dashboard"), id="apostrophe"),
        pytest.param("a" * 100, Names("a" * 27, "A" + "a" * 62 + "…"), id="one long word: cut hard"),
        pytest.param(
            "implement real-time notifications dashboard",
            Names("implement-real-time", "Implement real-time notifications dashboard"),
            id="cut at a word",
        ),
        pytest.param("build\tmy\n\n app", Names("build-my-app", "Build my app"), id="tabs and line feeds"),
        pytest.param("abc -- def -", Names("abc-def", "Abc -- def -"), id="hyphens collapse and are trimmed"),
        pytest.param("élan vital", Names("lan-vital", "Élan vital"), id="first letter of two bytes"),
        pytest.param(
            "twenty-seven characters now yes",
            Names("twenty-seven-characters-now", "Twenty-seven characters now yes"),
            id="a word that ends at the limit",
        ),
    ],
)
def test_from_prompt(prompt: str, names: Names | None) -> None:
    """4-prompt."""
    assert tasknames.from_prompt(prompt) == names


@given(st.text(max_size=200))
def test_a_name_of_any_prompt_is_valid(prompt: str) -> None:
    """4-prompt, 4-valid."""
    names = tasknames.from_prompt(prompt) or tasknames.by_chance(len(prompt), prompt=prompt)
    whole = tasknames.with_digits(names.stem, "0f3a")
    assert tasknames.fault(whole) is None
    assert whole == whole.lower()
    assert 0 < len(names.display_name) <= 64


@given(st.integers(min_value=0))
def test_a_name_by_chance_fits(number: int) -> None:
    """4-random."""
    names = tasknames.by_chance(number)
    assert re.fullmatch(r"[a-z]+-[a-z]+", names.stem)
    assert len(names.stem) <= MAX_STEM_CHARACTERS
    assert len(tasknames.with_digits(names.stem, "0000")) <= MAX_NAME_CHARACTERS
    assert names.display_name.lower().replace(" ", "-") == names.stem


def test_a_prompt_in_another_script_keeps_its_title() -> None:
    """4-title."""
    assert tasknames.by_chance(0, prompt="做一个网站") == Names("amber-anchor", "做一个网站")
    assert tasknames.by_chance(0, prompt="ёлка и дом").display_name == "Ёлка и дом"
    assert tasknames.by_chance(0, prompt="!!!").display_name == "Amber Anchor"


def answer(**fields: object) -> str:
    return json.dumps({"task_name": "fix-login", "display_name": "Fix the login", **fields})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(answer(), Names("fix-login", "Fix the login"), id="as asked for"),
        pytest.param(f"```json\n{answer()}\n```", Names("fix-login", "Fix the login"), id="in a fence"),
        pytest.param(answer(task_name="Fix-Login--"), Names("fix-login", "Fix the login"), id="capitals, hyphens last"),
        pytest.param("Fix the login", None, id="no JSON"),
        pytest.param("[]", None, id="no object"),
        pytest.param("[" * 100_000, None, id="nested too deeply"),
        pytest.param("{}", None, id="no names"),
        pytest.param(answer(task_name=""), None, id="empty name"),
        pytest.param(answer(display_name=" "), None, id="empty title"),
        pytest.param(answer(task_name="task-unnamed"), None, id="unnamed name"),
        pytest.param(answer(display_name="Task Unnamed"), None, id="unnamed title"),
        pytest.param(answer(task_name="a" * 28), None, id="name too long"),
        pytest.param(answer(display_name="a" * 65), None, id="title too long"),
        pytest.param(answer(task_name="fix login"), None, id="name that is none"),
        pytest.param(answer(display_name="a\x1b[31m"), None, id="title with an escape sequence"),
        pytest.param(answer(task_name=3), None, id="a number"),
    ],
)
def test_from_model(text: str, names: Names | None) -> None:
    """4-model."""
    assert tasknames.from_model(text) == names
