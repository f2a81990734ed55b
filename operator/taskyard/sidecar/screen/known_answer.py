"""Finds a known program's answer on its screen: what is below the message's echo and above the input box, less the
program's own chatter. Pure.
"""

import textwrap

from taskyard.sidecar.screen import generic_answer
from taskyard.sidecar.screen.generic_answer import Mark
from taskyard.sidecar.screen.programs import Program, Reading
from taskyard.sidecar.screen.terminal import Terminal

# What frames and prompts add to a message that a program shows.
NO_BREAK_SPACE = "\xa0"
ADDED = str.maketrans("", "", " \xa0\t\n┃│>❯›")  # noqa: RUF001


def read(program: Program, reading: Reading, terminal: Terminal, mark: Mark, typed: str) -> str:
    """The answer since `mark` to the message `typed` (empty: the greeting). Bounded like `generic_answer.read`."""
    end = terminal.end if reading.box is None else reading.box
    if typed:
        start = _after_echo(program, terminal, mark, typed, end)
    else:
        start = max(terminal.oldest, mark.cursor if mark.lines else 0)
        # A program that resumes an earlier session shows that first; it is not a greeting.
        end = next((number for number in range(start, end) if _is_echo(program, terminal, number)), end)
    lines = program.without_chatter(generic_answer.joined(terminal, start, end))
    return generic_answer.bounded(textwrap.dedent("\n".join(lines).replace(NO_BREAK_SPACE, " ")))


def shows(program: Program, terminal: Terminal, mark: Mark, typed: str) -> bool:
    """Whether the message is visible since `mark`, in the conversation or in the input box."""
    start = generic_answer.start(terminal, mark, terminal.end)
    return _echo_end(program, terminal, typed, start, terminal.end) is not None


def _after_echo(program: Program, terminal: Terminal, mark: Mark, typed: str, end: int) -> int:
    """The first line after the message, wherever the program shows it. A message that is shown in another form ends
    at a blank line.
    """
    start = generic_answer.start(terminal, mark, end)
    found = _echo_end(program, terminal, typed, start, end)
    if found is not None:
        return found
    number = next((number for number in range(start, end) if _is_echo(program, terminal, number)), None)
    if number is None or not mark.lines:
        return start
    while number < end and terminal.line(number).text.translate(ADDED):
        number += 1
    return number


def _echo_end(program: Program, terminal: Terminal, typed: str, start: int, end: int) -> int | None:
    """One past the newest lines that together are the message, None if there are none."""
    wanted = typed.translate(ADDED)
    for first in range(end - 1, start - 1, -1):
        if not _is_echo(program, terminal, first):
            continue
        shown = ""
        for number in range(first, end):
            shown += program.echo.sub("", terminal.line(number).text).translate(ADDED) if program.echo else ""
            if shown == wanted:
                return number + 1
            if not wanted.startswith(shown):
                break
    return None


def _is_echo(program: Program, terminal: Terminal, number: int) -> bool:
    return program.echo is not None and program.echo.match(terminal.line(number).text) is not None
