"""Finds where a known program shows the message that it got, in its conversation or its input box. Pure.

A conversation is read as its lines with text, less the program's own chatter: those stay the same while a program
draws its screen anew, in other places.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.generic_answer import Mark
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.question import RULE

# What frames and prompts add to a message that a program shows.
ADDED = str.maketrans("", "", " \xa0\t\n┃│>❯›")  # noqa: RUF001
# What programs show in place of a long message or of its middle.
ELIDED = re.compile(r"\[Pasted [^\]]*\]|─+ \(\d+ lines hidden\) ─+")


@dataclass(frozen=True)
class Before:
    """The conversation at a mark: its lines, and those among them that begin the echo of a message."""

    lines: tuple[str, ...]
    heads: tuple[str, ...]


def before(program: Program, mark: Mark) -> Before:
    """What the conversation was at the mark."""
    rows = list(mark.lines)
    while rows and not rows[-1]:
        rows.pop()
    box = programs.box_row(program, rows)
    rows = rows[:box]
    if len(rows) > 1 and rows[1] and is_head(program, rows[0]):
        del rows[0]
    lines = tuple(line for line in program.without_chatter(rows) if line)
    return Before(lines, tuple(_squeezed(program, line) for line in lines if is_head(program, line)))


def is_head(program: Program, line: str) -> bool:
    """Whether the line begins the echo of a message."""
    return program.echo is not None and program.echo.match(line) is not None


def heads(program: Program, terminal: Terminal, start: int, end: int) -> list[int]:
    """The lines that begin the echo of a message."""
    return [number for number in range(start, end) if is_head(program, terminal.line(number).text)]


def below_header(program: Program, terminal: Terminal, start: int, end: int, typed: str) -> int:
    """`start`, or the line below it where it only heads the screen: a program may keep a message in sight there while
    what answers it scrolls, with no blank line between the two. The whole message `typed` at that place is no header.
    """
    if start != terminal.top or not is_head(program, terminal.line(start).text) or not terminal.line(start + 1).text:
        return start
    past = end_of(program, terminal, start, end, typed)
    return start if past is not None and not terminal.line(past).text else start + 1


def end_of(program: Program, terminal: Terminal, first: int, end: int, typed: str) -> int | None:
    """One past the lines from `first` on that together are the message, None if they are another one."""
    wanted = typed.translate(ADDED)
    at, gap = 0, False
    for number in range(first, end):
        text = terminal.line(number).text
        if gap and (not text.translate(ADDED) or RULE.match(text)):
            return number
        pieces = ELIDED.split(program.echo.sub("", text) if program.echo else text)
        for index, piece in enumerate(pieces):
            gap = gap or index > 0
            shown = piece.translate(ADDED)
            if not shown:
                continue
            found = wanted.find(shown, at) if gap else at if wanted.startswith(shown, at) else -1
            if found < 0:
                return None
            at, gap = found + len(shown), False
        if at == len(wanted) and not gap:
            return number + 1
    return end if gap else None


def paragraph_end(terminal: Terminal, number: int, end: int) -> int:
    """The next line without text, where a message ends that a program shows in another form."""
    while number < end and terminal.line(number).text.translate(ADDED):
        number += 1
    return number


def new_heads(program: Program, terminal: Terminal, was: Before, start: int, end: int) -> list[int]:
    """The echoes that were not there before: those after the lines that were. Where these have changed, the order of
    the echoes alone tells.
    """
    found = heads(program, terminal, start, end)
    if not found or not was.heads:
        return found
    known = known_end(program, terminal, was, start, end)
    if known is not None:
        return [number for number in found if number >= known]
    return found[overlap(was.heads, [_squeezed(program, terminal.line(number).text) for number in found]) :]


def known_end(program: Program, terminal: Terminal, was: Before, start: int, end: int) -> int | None:
    """One past the lines that were there before, None if they are not to be found."""
    numbers = _numbered(program, terminal, start, end)
    known = overlap(was.lines, [terminal.line(number).text for number in numbers])
    return numbers[known - 1] + 1 if known else None


def shows_any(terminal: Terminal, wanted: Sequence[str], start: int, end: int) -> bool:
    """Whether one of these lines is there."""
    return any(line.text in wanted for line in terminal.lines(start, end))


def overlap(old: Sequence[str], new: Sequence[str]) -> int:
    """How many of the first elements of `new` are old: `new` begins somewhere in `old`, and goes on like it until one
    of the two ends.
    """
    if not new:
        return 0
    for first in range(len(old)):
        common = min(len(old) - first, len(new))
        if old[first] == new[0] and all(old[first + index] == new[index] for index in range(common)):
            return common
    return 0


def _numbered(program: Program, terminal: Terminal, start: int, end: int) -> list[int]:
    """The numbers of the conversation's lines."""
    kept = program.spoken(terminal.line(number).text for number in range(start, end))
    return [start + index for index, (text, spoken) in enumerate(kept) if text and spoken]


def _squeezed(program: Program, line: str) -> str:
    return (program.echo.sub("", line) if program.echo else line).translate(ADDED)
