"""What known programs ask, as recorded (tests/agents/record.py), and how it is answered."""

# ruff: noqa: RUF001 - the programs' prompts are what they are

from __future__ import annotations

from collections.abc import Iterable

import pytest

from taskyard.sidecar.screen import question
from taskyard.sidecar.screen.question import AnsweredBy
from unit.sidecar.screen.test_known_answer import scene

ASKED = [
    ("claude-permission", "asks", AnsweredBy.OPTION, ("1", "Yes")),
    ("claude-trust", "asks", AnsweredBy.OPTION, ("2", "No, exit")),
    ("claude-key", "asks", AnsweredBy.OPTION, ("2", "No (recommended)")),
    ("claude-bypass", "asks", AnsweredBy.OPTION, ("2", "Yes, I accept")),
    ("claude-control", "/model asks", AnsweredBy.OPTION, ("5", "Haiku Haiku 4.5 · Fastest for quick answers · $1/$5")),
    ("claude-control", "/cost asks", AnsweredBy.KEYS, None),
    ("claude-control", "/resume asks", AnsweredBy.KEYS, None),
    ("claude-login", "asks", AnsweredBy.KEYS, None),
    ("claude-code", "asks", AnsweredBy.TEXT, None),
    ("codex-login", "asks", AnsweredBy.OPTION, ("3", "Sign in another way")),
    ("codex-control", "/review asks", AnsweredBy.OPTION, ("3", "Review a commit")),
    ("codex-control", "/theme asks", AnsweredBy.KEYS, None),
    ("codex-code", "asks", AnsweredBy.TEXT, None),
    ("gemini-permission", "asks", AnsweredBy.OPTION, ("3", "No, suggest changes (esc)")),
    ("gemini-trust", "asks", AnsweredBy.OPTION, ("3", "Don't trust")),
    ("gemini-control", "/settings asks", AnsweredBy.KEYS, None),
    ("opencode-permission", "asks", AnsweredBy.KEYS, None),
    ("opencode-control", "/help asks", AnsweredBy.KEYS, None),
    ("opencode-control", "/models asks", AnsweredBy.KEYS, None),
    ("aider-git", "asks", AnsweredBy.TEXT, None),
]


@pytest.mark.parametrize(
    ("name", "shown", "by", "option"), ASKED, ids=[f"{name} {shown}".removesuffix(" asks") for name, shown, *_ in ASKED]
)
def test_recorded_question_tells_what_answers_it(
    name: str, shown: str, by: AnsweredBy, option: tuple[str, str] | None
) -> None:
    """A2, A3, T15"""
    reading = scene(name, shown).reading
    assert reading.dialog is not None
    assert (reading.dialog.text, reading.dialog.answered_by) == (reading.question, by)
    assert option in reading.dialog.options if option is not None else reading.dialog.options == ()


LISTS = [
    pytest.param("Which one?\n\n1. one\n2. two", id="numbered"),
    pytest.param("Which one do you want?\n\n> 1. First\n> 2. Second", id="quoted"),
    pytest.param("What does it show?\n\n❯ 1. Yes\n  2. No", id="quoted menu"),
    pytest.param("Which one?\n\n● 1. one\n  2. two\n\nPick the first.", id="with a bullet"),
]


@pytest.mark.parametrize("text", LISTS)
def test_list_in_an_answer_is_no_menu(text: str) -> None:
    """T15, A10"""
    assert question.menu(text) is None


CLAUDE = """● Bash(npm test)
  ⎿  Waiting…

────────────────────────────────────────────────────────────────────────────────
 Bash command

   npm test
   Run 3 tests

 Do you want to proceed?
 ❯ 1. Yes
   2. No

 Esc to cancel"""


def test_menu_has_its_keys_below_or_a_frame() -> None:
    """T15"""
    below = question.menu("Which one?\n\n❯ 1. Yes\n  2. No\n\nEnter to confirm · Esc to cancel")
    framed = question.menu("│ Which one?\n│ ● 1. Yes\n│   2. No\n╰──────────")
    assert below is not None and framed is not None
    assert below.text == framed.text == "Which one?"
    assert below.options == framed.options == (("1", "Yes"), ("2", "No"))


def test_menu_tells_what_it_is_about_and_where_it_stands() -> None:
    """A2: the question alone is that of any command."""
    found = question.menu(CLAUDE, start=100)
    assert found is not None
    assert (found.text, found.pointed, found.row) == ("Do you want to proceed?", "1", 104)
    assert found.lines == ("Bash command", "npm test", "Run 3 tests", "Do you want to proceed?", "Yes", "No")
    assert found.above == ("Bashnpmtest", "Waiting")


def test_pointer_that_moves_makes_no_other_menu() -> None:
    """A2"""
    here, there = question.menu(CLAUDE), question.menu(CLAUDE.replace("❯ 1", "  1").replace("  2.", "❯ 2."))
    assert here is not None and there is not None
    assert (here.pointed, there.pointed) == ("1", "2")
    assert (here.lines, here.options, here.row, here.above) == (there.lines, there.options, there.row, there.above)


def test_lines_that_move_by_themselves_are_no_part_of_a_menu() -> None:
    """A2"""

    def spoken(rows: Iterable[str]) -> list[str]:
        return [row for row in rows if "esc to interrupt" not in row]

    text = (
        "────────────\n• Working ({}s • esc to interrupt)\n\nRun it, yes or no?\n\n› 1. Yes\n  2. No\n\nesc to cancel"
    )
    first, later = (question.menu(text.format(seconds), spoken=spoken) for seconds in (1, 2))
    assert first is not None and first == later


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["Which?", "❯ 1. One", "2. Two"], (("1", "One"), ("2", "Two"))),
        (["1. first", "2. second", "Now?", "● 1. Yes", "2. No"], (("1", "Yes"), ("2", "No"))),
        (["no menu"], ()),
        (["2. begins late"], ()),
    ],
)
def test_options(lines: list[str], options: tuple[tuple[str, str], ...]) -> None:
    assert question.options(lines) == options


@pytest.mark.parametrize(
    ("line", "wants"),
    [
        ("Paste code here if prompted >", True),
        ("Enter your API key:", True),
        ("Type your answer", True),
        ("Type to filter themes...", False),
        ("Type to search", False),
        ("Enter to select · Esc to cancel", False),
        ("Press enter to continue", False),
        ("Allow once   Allow always   Reject", False),
    ],
)
def test_dialog_that_wants_a_text_says_so(line: str, wants: bool) -> None:
    """T15"""
    assert question.wants_text(line) is wants
    found = question.dialog(f"Log in\n\n{line}\n\nEsc to cancel")
    assert found is not None and (found.answered_by is AnsweredBy.TEXT) is wants
