"""What a known program asks on its screen: a numbered menu, a text that it wants, or a dialog that takes keys. Pure."""

# ruff: noqa: RUF001 - the programs' prompts are what they are

import enum
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from taskyard.lazypattern import pattern
from taskyard.limits import MAX_OPTION_CHARACTERS, MAX_QUESTION_OPTIONS

PAGE = 24
REACH = 14
# Lines above a dialog that tell where it is.
ABOVE = 6
FRAME = " \t│┃|"
MENU = pattern(r"^(?:[❯›>●] *)?(\d)\. +\S")
OPTION = pattern(r"^(?:[❯›>●] *)?(\d)\. +(\S.*)$")
POINTED = pattern(r"^[❯›>●] *(\d)\. +\S")
RULE = pattern(r"^[─━═_╭╮╰╯┌┐└┘-]{10,}$")
DIALOG_END = 6
# The keys that answer or close a dialog, as the programs show them.
HINT = pattern(
    r"\besc(?:ape)? (?:to (?!interrupt)|back|close|exit|cancel|dismiss)|\b(?:press|use) (?:enter|esc)\b"
    r"|\benter (?:to |select|resume)|\bquit: q\b|\bq (?:close|quit)\b",
    re.IGNORECASE,
)
DIALOG_TOP = pattern(r"^ ?[─╭┌]─{9,}")
# What is typed to narrow a list is no answer.
WANTS_TEXT = pattern(r"^(?:enter|paste|type|provide)\b(?! to (?:search|filter))", re.IGNORECASE)
SENTENCE = pattern(r"(?:(?<=[.?!:]) |^)([^.?!]*\?)")
NO_LETTERS = pattern(r"[\W\d_]+")


class AnsweredBy(enum.Enum):
    """What answers a question: a line of its menu, a text with Enter, or keys alone."""

    OPTION = "option"
    TEXT = "text"
    KEYS = "keys"


@dataclass(frozen=True)
class Dialog:
    """One question as the screen shows it now.

    `options`: the lines of a menu, as (number, name); `pointed`: the number of the one that Enter would take. `lines`
    is what else it shows, less frames and pointer. `row`: the absolute number of the line in which it begins; `above`:
    the letters of the lines above that. The text of two dialogs may be the same, and what is asked another thing.
    """

    text: str
    answered_by: AnsweredBy
    options: tuple[tuple[str, str], ...] = ()
    pointed: str = ""
    lines: tuple[str, ...] = ()
    row: int = 0
    above: tuple[str, ...] = ()


def _all(rows: Iterable[str]) -> Iterable[str]:
    return rows


def menu(text: str, start: int = 0, spoken: Callable[[Iterable[str]], Iterable[str]] = _all) -> Dialog | None:
    """The numbered menu at the end of a screen of which `text` are the last lines, from the absolute number `start` on;
    None without one. `spoken` leaves out lines that move by themselves, such as a spinner's.

    A menu has a pointer at one of its lines, and is in a frame or has the keys below that answer it. A list that an
    answer quotes has neither.
    """
    rows = text.split("\n")
    lines = [line.strip(FRAME) for line in rows]
    near = max(0, len(rows) - 40)
    numbers = [found.group(1) if (found := MENU.match(line)) else "" for line in lines]
    first = max((index for index in range(near, len(rows)) if numbers[index] == "1"), default=None)
    if first is None:
        return None
    pointed = [found.group(1) for line in lines[first:] if (found := POINTED.match(line))]
    if len(pointed) != 1:
        return None
    last = max(index for index, number in enumerate(numbers) if number)
    framed = all(row.lstrip()[:1] in ("│", "╰") for row in rows[first:] if row.strip())
    if not framed and not any(HINT.search(line) for line in lines[last + 1 :]):
        return None
    asked, top = _asked(lines, first)
    top = max((index + 1 for index, row in enumerate(rows[:first]) if DIALOG_TOP.match(row)), default=top)
    found_options = options(lines[first:])
    return Dialog(
        asked,
        AnsweredBy.OPTION if found_options else AnsweredBy.KEYS,
        found_options,
        pointed[0],
        # A pane beside the menu shows what the pointer is at.
        (
            *(line for row in spoken(rows[top:first]) if (line := row.strip(FRAME))),
            *(name.split("│")[0] for _, name in found_options),
        ),
        start + top,
        _letters(spoken(rows[max(0, top - ABOVE) : top])),
    )


def options(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The lines of the last numbered menu among these lines without frames, as (number, name); empty without one."""
    found = [match.groups() for line in lines if (match := OPTION.match(line))]
    first = max((at for at, (number, _) in enumerate(found) if number == "1"), default=len(found))
    return tuple(
        (number, " ".join(name.split())[:MAX_OPTION_CHARACTERS])
        for expected, (number, name) in enumerate(found[first : first + MAX_QUESTION_OPTIONS], 1)
        if number == str(expected)
    )


def dialog(text: str, start: int = 0) -> Dialog | None:
    """A dialog at the end: what it wants to be told, else its title; None without the keys that close a dialog."""
    rows = text.split("\n")
    lines = [line.strip(FRAME) for line in rows]
    filled = [line for line in lines if line and not RULE.match(line)]
    if not any(HINT.search(line) for line in filled[-DIALOG_END:]):
        return None
    gap = max((index for index in range(1, len(rows)) if not rows[index] and not rows[index - 1]), default=-1)
    top = max((index for index, row in enumerate(rows) if DIALOG_TOP.match(row)), default=gap)
    block = [line for line in lines[top + 1 :] if line and not RULE.match(line)] or filled
    wanted = next((line for line in filled[-DIALOG_END * 2 :] if wants_text(line)), None)
    if wanted is not None:
        return Dialog(wanted, AnsweredBy.TEXT, row=start + top + 1)
    # The top of a long dialog is out of sight: then its keys say what it is.
    title = block[0] if len(block) < PAGE * 2 else next(line for line in reversed(filled) if HINT.search(line))
    return Dialog(title, AnsweredBy.KEYS, row=start + top + 1)


def wants_text(line: str) -> bool:
    """Whether a line of a dialog says that it takes a text."""
    return WANTS_TEXT.match(line) is not None and not HINT.search(line)


def _asked(lines: Sequence[str], first: int) -> tuple[str, int]:
    """What is asked above the menu that begins at that index, and the index where the paragraph begins that asks it."""
    paragraphs: list[tuple[str, int]] = []
    above = itertools.takewhile(lambda at: not RULE.match(lines[at]), range(first - 1, max(-1, first - REACH - 1), -1))
    for blank, group in itertools.groupby(above, key=lambda at: not lines[at]):
        if not blank:
            numbers = sorted(group)
            paragraphs.append((" ".join(lines[at] for at in numbers), numbers[0]))
    for paragraph, at in paragraphs:
        if sentence := SENTENCE.search(paragraph):
            return sentence.group(1), at
    return next(((paragraph, at) for paragraph, at in paragraphs if paragraph.count(" ") >= 2), (lines[first], first))


def _letters(rows: Iterable[str]) -> tuple[str, ...]:
    """The rows without signs and numbers, as a clock or a spinner changes them."""
    return tuple(letters for row in rows if (letters := NO_LETTERS.sub("", row)))
