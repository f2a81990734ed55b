"""Finds the agent's answer on its screen: what appeared since the message, less the message's echo and the next
prompt. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taskyard.sidecar.screen.terminal import Terminal

MAX_ANSWER_CHARACTERS = 65_536
CUT_NOTE = "[… the beginning of this message was cut off …]\n"
PARTIAL_ECHO = 8
ECHO_REACH = 100
PROMPT = re.compile("[$#%>:\u00bb\u203a\u276f]$")  # the last three are angle quotes, prompts of many themes
FRAME = re.compile(r"^[\s─-▟|+_=-]*$")
FRAME_ENDS = re.compile(r"^[\s─-▟]+|[\s─-▟]+$")


@dataclass(frozen=True)
class Mark:
    """The screen just before a message was typed.

    `position` counts the bytes of output until then: the same bytes, fed again from the start, give the same mark.
    `cursor` is the line of the cursor, `first` the absolute number of `lines[0]`.
    """

    position: int
    cursor: int
    first: int
    lines: tuple[str, ...]
    clears: int

    @classmethod
    def of(cls, terminal: Terminal, position: int) -> "Mark":
        """Where the answer to the next message starts. The terminal must have been refreshed."""
        first = terminal.top
        end = max(terminal.end, terminal.cursor[0] + 1)
        lines = tuple(line.text for line in terminal.lines(first, end))
        return cls(position, terminal.cursor[0], first, lines, terminal.clears)

    @property
    def prompt(self) -> str:
        """The text of the line that the cursor was on."""
        return self.lines[self.cursor - self.first] if self.lines else ""

    @property
    def input_lines(self) -> tuple[str, ...]:
        """The input line and what is below it (the rest of an input box, a status line)."""
        return self.lines[self.cursor - self.first :]


def beginning(position: int) -> Mark:
    """The mark of a program that has not written anything yet: all of its output is the answer."""
    return Mark(position, cursor=0, first=0, lines=(), clears=0)


def read(terminal: Terminal, mark: Mark, typed: str, *, settled: bool) -> str:
    """The answer since `mark`, to the message `typed` (empty: everything as it is, a greeting).

    `settled`: the screen has come to rest, so a line that looks like a prompt is one. The result has no blank lines
    at its ends and at most MAX_ANSWER_CHARACTERS characters; of a longer answer the end is kept, with a note.
    """
    end = terminal.end
    if not typed:
        return bounded("\n".join(joined(terminal, mark.cursor if mark.lines else 0, end)))
    first = start(terminal, mark, end)
    if first == mark.cursor and first + 1 < end and mark.prompt and terminal.line(first).text == mark.prompt:
        first += 1  # the message was not echoed, so its input line is only the prompt
    end, rest = _without_prompt(terminal, mark, first, end, settled)
    lines = _without_echo(joined(terminal, first, end), mark.prompt, typed)
    if rest:
        lines.append(rest)
    return bounded("\n".join(lines))


def shows(terminal: Terminal, mark: Mark, typed: str) -> bool:
    """Whether the message is visible since `mark`."""
    text = "".join(_squeezed(line.text) for line in terminal.lines(mark.cursor, terminal.end))
    lines = [squeezed for line in typed.split("\n") if (squeezed := _squeezed(line))]
    return bool(lines) and all(line in text for line in lines)


def waits(terminal: Terminal, mark: Mark, typed: str) -> bool:
    """Whether the message is still in the input line, typed but not sent."""
    row = terminal.cursor[0]
    shown = "".join(_squeezed(FRAME_ENDS.sub("", line.text)) for line in terminal.lines(mark.cursor, row + 1))
    message = _squeezed(typed)
    if not message:
        return False
    return shown == _squeezed(mark.prompt) + message or (len(message) >= PARTIAL_ECHO and shown.endswith(message))


def bounded(text: str) -> str:
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    if len(text) <= MAX_ANSWER_CHARACTERS:
        return text
    return CUT_NOTE + text[-(MAX_ANSWER_CHARACTERS - len(CUT_NOTE)) :]


def start(terminal: Terminal, mark: Mark, end: int) -> int:
    """The first line that differs from `mark`. Lines that a program redraws above the cursor are skipped as far as
    they were there before.
    """
    number = max(mark.first, terminal.oldest)
    while number < end and number - mark.first < len(mark.lines) and _same(terminal, mark, number):
        number += 1
    if number >= mark.cursor or terminal.clears != mark.clears:
        return number
    before = {line for line in mark.lines if line}
    while number < end and (terminal.line(number).text in before or not terminal.line(number).text):
        number += 1
    return number


def _same(terminal: Terminal, mark: Mark, number: int) -> bool:
    if number == mark.cursor:
        return False  # was typed into, even when the program has cleared it
    return terminal.line(number).text == mark.lines[number - mark.first]


def _without_prompt(terminal: Terminal, mark: Mark, start: int, end: int, settled: bool) -> tuple[int, str]:
    """Where the answer ends, and the part of its last line before the prompt (output without a final newline)."""
    expected = [line for line in mark.input_lines if line]
    tail_start = end - len(expected)
    if expected and tail_start >= start and [line.text for line in terminal.lines(tail_start, end)] == expected:
        while tail_start > start and FRAME.match(terminal.line(tail_start - 1).text):
            tail_start -= 1
        return tail_start, ""
    last = terminal.line(end - 1).text if end > start else ""
    if mark.prompt and last.endswith(mark.prompt) and PROMPT.search(mark.prompt):
        return end - 1, last.removesuffix(mark.prompt)
    if settled and terminal.cursor[0] == end - 1 and end - 1 > mark.cursor and PROMPT.search(last):
        return end - 1, ""
    return end, ""


def joined(terminal: Terminal, start: int, end: int) -> list[str]:
    """The lines as the program wrote them: wrapped rows are joined again."""
    put_together: list[str] = []
    wrapped = False
    for line in terminal.lines(start, end):
        text = line.text.ljust(terminal.columns) if line.wrapped else line.text
        if wrapped:
            put_together[-1] += text
        else:
            put_together.append(text)
        wrapped = line.wrapped
    return put_together


def _without_echo(lines: Sequence[str], prompt: str, typed: str) -> list[str]:
    """Drops the lines in which the program showed the message: after its prompt, wrapped, in a frame, or line by
    line.
    """
    pieces = [squeezed for line in typed.split("\n") if (squeezed := _squeezed(line))]
    kept: list[str] = []
    awaited = list(pieces)
    echo = len(pieces) + len(typed) // 20 + ECHO_REACH
    for line in lines[:echo]:
        shown = _squeezed(FRAME_ENDS.sub("", line))
        if awaited and shown and (length := _echoed(shown, awaited[0])):
            awaited[0] = awaited[0][length:]
            if not awaited[0]:
                awaited.pop(0)
        elif not (prompt and shown in [_squeezed(prompt) + piece for piece in pieces]):
            # In the last case the terminal echoed the message before the program was ready, which then showed it again.
            kept.append(line)
    kept.extend(lines[echo:])
    return kept


def _echoed(shown: str, awaited: str) -> int:
    """How many characters of the awaited message this line ends with: all that remain, or at least PARTIAL_ECHO of
    them (a wrapped line).
    """
    if shown.endswith(awaited):
        return len(awaited)
    for length in range(min(len(shown), len(awaited)) - 1, PARTIAL_ECHO - 1, -1):
        if shown.endswith(awaited[:length]):
            return length
    return 0


def _squeezed(text: str) -> str:
    return "".join(text.split())
