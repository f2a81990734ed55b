"""The screen at the moment before a message was typed: where its answer will begin. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property

from taskyard.sidecar.emulator.terminal import Terminal

PROMPT = re.compile("[$#%>:\u00bb\u203a\u276f]$")  # the last three are angle quotes, prompts of many themes
EARLIER_PROMPTS = 200


@dataclass(frozen=True)
class Mark:
    """The screen just before a message was typed.

    `position` counts the bytes of output until then: the same bytes, fed again from the start, give the same mark.
    `cursor` is the line of the cursor, `before` the text left of it, `first` the absolute number of `lines[0]`.
    `clears`, `closed`, `alternate` and `main_clears` are as in the terminal at that time.
    """

    position: int
    cursor: int
    first: int
    lines: tuple[str, ...]
    clears: int
    before: str = ""
    closed: int = 0
    alternate: bool = False
    main_clears: int = 0

    @classmethod
    def of(cls, terminal: Terminal, position: int) -> "Mark":
        """Where the answer to the next message starts. The terminal must have been refreshed."""
        first = terminal.top
        cursor = terminal.cursor[0]
        end = max(terminal.end, cursor + 1)
        lines = tuple(line.text for line in terminal.lines(first, end))
        return cls(
            position,
            cursor,
            first,
            lines,
            terminal.clears,
            before=terminal.before_cursor,
            closed=terminal.closed,
            alternate=terminal.alternate,
            main_clears=terminal.main_clears,
        )

    @property
    def prompt(self) -> str:
        """The text of the line that the cursor was on."""
        return self.lines[self.cursor - self.first] if self.lines else ""

    @property
    def input_lines(self) -> tuple[str, ...]:
        """The input line and what is below it (the rest of an input box, a status line)."""
        return self.lines[self.cursor - self.first :]

    @property
    def above(self) -> tuple[str, ...]:
        """The lines above the input line, as far as they were on the screen."""
        return self.lines[: self.cursor - self.first]

    @cached_property
    def bare_prompt(self) -> str:
        """The prompt without the end of an output that has no newline: as much of it as the first line that can
        be one begins with. Empty when it does not look like a prompt.
        """
        if not PROMPT.search(self.before):
            return ""
        for line in self.above[-EARLIER_PROMPTS:]:
            for start in range(len(self.before)):
                if line.startswith(self.before[start:]):
                    return self.before[start:].lstrip()
        return self.before

    @cached_property
    def line_above_prompt(self) -> str:
        """The upper line of a prompt of two lines, empty where the prompt has one. Every earlier prompt on the screen
        has it above, or it is drawn as one half of a frame.
        """
        if not self.bare_prompt or not self.above:
            return ""
        above = self.above[-1]
        earlier = [row for row, line in enumerate(self.above) if line.startswith(self.bare_prompt)]
        always = bool(earlier) and all(row > 0 and self.above[row - 1] == above for row in earlier)
        return above if always or above[:1] in ("╭", "┌", "┏") else ""


def beginning(position: int) -> Mark:
    """The mark of a program of which nothing is known before `position`: all of its output since is the answer."""
    return Mark(position, cursor=0, first=0, lines=(), clears=0)
