"""docs/agents.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from localcluster import locations
from taskyard.sidecar.screen import programs, sayable
from unit.sidecar.recording import recording
from unit.sidecar.screen.test_known_answer import scene

PAGE = (locations.REPOSITORY / "docs" / "agents.md").read_text()
TITLES = {habits.title: name for name, habits in sayable.HABITS.items()}


def table(first: str) -> Iterator[list[str]]:
    """The rows of the table whose head begins with that cell; the head is the first of them."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            yield cells(line)
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return
                yield cells(row)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def how(name: str, message: str) -> str:
    match sayable.said(programs.named(name), message):
        case sayable.Refused():
            return "refused"
        case sayable.Typed(text) if text == message:
            return "as it is"
        case sayable.Typed(text) if text == f" {message}":
            return "after a space"
        case sayable.Typed(text) if text == f"{message} ":
            return "before a space"
        case sayable.Typed(text) if text == f" {message} ":
            return "between spaces"
    return "otherwise"


def test_page_names_the_versions_that_were_tried() -> None:
    """A14"""
    _, *rows = table("agent | `agent.type`")
    assert rows == [[habits.title, f"`{name}`", habits.tried] for name, habits in sayable.HABITS.items()]


def test_versions_that_were_tried_are_those_of_the_examples() -> None:
    """A14"""
    pinned = [file.read_text() for file in (locations.REPOSITORY / "deploy" / "examples").glob("*/Dockerfile")]
    for habits in sayable.HABITS.values():
        assert any(f"ARG VERSION={habits.tried}\n" in file for file in pinned), habits.title


HEAD, *ROWS = table("message")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_page_says_how_a_message_is_typed(row: list[str]) -> None:
    """A1, A2, A3"""
    message = row[0].strip("`")
    assert row[1:] == [how(TITLES[title], message) for title in HEAD[1:]]


def test_page_has_a_row_for_every_program_in_each_table() -> None:
    """A14"""
    assert set(HEAD[1:]) == set(TITLES)
    for first in ("agent | `@path` in a message", "agent | a menu is answered with"):
        assert [row[0] for row in table(first)][1:] == list(TITLES)


def numberless(text: str) -> str:
    return re.sub(r"\d+", "N", text)


@pytest.mark.parametrize("row", list(table("agent | `@path` in a message"))[1:], ids=list(TITLES.values()))
def test_page_says_what_the_screen_shows_for_a_long_message(row: list[str]) -> None:
    """A14, T16: the numbers are those of other messages."""
    name = TITLES[row[0]]
    typed = scene(f"{name}-paste", "lines typed") if name != "aider" else scene(name + "-long", "long sent typed")
    shown = numberless(typed.terminal.text())
    told = re.search(r"the screen shows `(.*)`", row[3])
    if told is None:
        assert row[3] == "in full, shown as they are"
        assert "[Pasted" not in shown and "line N of the long message" in shown
    else:
        assert numberless(told.group(1)) in shown


def answered_with(name: str) -> str:
    """What answers a menu or a permission request of the program, as its driver has it."""
    program = programs.named(name)
    if program.confirms:
        return "the number of a line and Enter"
    if program.dialogs:
        return "the number of a line, or Enter for the line with the pointer"
    return "`y` or `n` and Enter" if program.wants is not None else "the arrow keys and Enter"


@pytest.mark.parametrize("row", list(table("agent | a menu is answered with"))[1:], ids=list(TITLES.values()))
def test_page_says_what_answers_a_menu_and_what_closes_a_dialog(row: list[str]) -> None:
    """A2, A3: the recordings were made with Esc."""
    name = TITLES[row[0]]
    assert row[1] == answered_with(name)
    dialogs = [one["name"] for one in recording(f"{name}-control")[0]["scenes"] if one["name"].endswith(" closed")]
    assert row[2].startswith("Esc" if dialogs else "it has none")
    assert all(not scene(f"{name}-control", closed).reading.question for closed in dialogs)
