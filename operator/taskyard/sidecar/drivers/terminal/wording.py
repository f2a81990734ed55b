"""The words for what a program asks at its terminal, where no pattern of a known program says them. Pure.

What people type is no part of a question: it may be a secret, and it stands on the same screen. So only what the
program alone can have written is quoted:

| since the turn began | is quoted |
|---|---|
| nobody has pressed a key | the line at which the program waits |
| an answer was typed in line mode | the cursor's line if it is below the answer: the next question |
| keys were pressed (Raw, or an answer in key mode) | what was quoted before, as long as nobody has left that line |
| the connection to the program began anew | the same: which keys were pressed before is not known |

Words that differ in numbers and signs alone, as a clock makes them differ, are the same words.
"""

from typing import NamedTuple

from taskyard.lazypattern import pattern
from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import TerminalState
from taskyard.sidecar.screen import prompt_line
from taskyard.sidecar.screen.prompt_line import PromptLine

NO_LETTERS = pattern(r"[\W\d_]+")
CONTROL = pattern(r"[\x00-\x1f\x7f-\x9f]")


class Quoted(NamedTuple):
    """The words of the program that is named so, and the line where they were."""

    who: str
    canonical: bool
    line: PromptLine


class Wording:
    """`certain`: all of the run's output was seen, so nobody has pressed a key before."""

    def __init__(self, *, certain: bool) -> None:
        self._certain, self._alone = certain, False
        self._quoted: Quoted | None = None
        self._answered_in: int | None = None
        self._last = "", ""

    # What happens.

    def begin_turn(self, typed: str) -> None:
        """What is shown from now on answers `typed`, of which each line may be shown in one of its own. It may be the
        answer to an open question, which keeps its words until that is typed.
        """
        self._certain, self._alone, self._answered_in = True, "\n" in typed, None

    def pressed(self, keys: str, kernel: TerminalState | None) -> None:
        """Keys are about to be pressed."""
        self._certain = False
        if kernel is None or not kernel.canonical or CONTROL.search(keys):
            self._quoted = None  # they may have an effect

    def answered(self, kernel: TerminalState | None, terminal: Terminal) -> None:
        """A line of an answer is about to be typed, with Enter."""
        self._certain = self._certain and kernel is not None and kernel.canonical
        self._answered_in, self._alone, self._quoted = terminal.cursor[0], True, None

    # What is asked.

    def question(self, kernel: TerminalState, terminal: Terminal, after: int) -> str:
        """Who waits for input, with the words for it, looked for below the screen's row `after`. Of a program that
        reads without echo, as a password is read, nothing on the screen is told.
        """
        who = activity.waits_for_input(kernel)
        if activity.hides_input(kernel):
            who = text = f"{who} without echo"
        else:
            words = self._words(who, kernel, terminal, after)
            text = f'{who}: "{words}"' if words else who
        self._last = text, who
        return text

    def name(self, text: str) -> str:
        """What tells the question of that text from others of its turn: who asks. An answer begins another turn. What
        was not worded here has its text for a name.
        """
        return self._last[1] if text == self._last[0] else text

    def is_shown(self, kernel: TerminalState, terminal: Terminal, after: int) -> bool:
        """Whether the words that were quoted are shown still, but for a clock, and nobody has pressed a key."""
        before = self._quoted
        return (
            self._certain
            and before is not None
            and before.line.text != ""
            and before[:2] == (activity.waits_for_input(kernel), kernel.canonical)
            and _is_same(before.line, self._line(kernel, terminal, after))
        )

    def line(self, terminal: Terminal) -> str:
        """The last line of a program that has not begun to read; empty where a person may have typed it."""
        return prompt_line.at_cursor(terminal, after=-1).text if self._certain and self._answered_in is None else ""

    def _words(self, who: str, kernel: TerminalState, terminal: Terminal, after: int) -> str:
        line = self._line(kernel, terminal, after)
        before = self._quoted
        if before is not None and before[:2] != (who, kernel.canonical):
            before = None
        if not self._certain:
            before = before if before is not None and _is_typed_on(before.line, line) else None
        elif before is None or not (_is_same(before.line, line) or self._is_open(before.line, line, after)):
            before = Quoted(who, kernel.canonical, line)
        self._quoted = before
        return before.line.text if before is not None else ""

    @staticmethod
    def _is_open(before: PromptLine, line: PromptLine, after: int) -> bool:
        """Whether a turn has just begun in the line that was quoted, with an answer to it."""
        return line.row <= after and _is_typed_on(before, line)

    def _line(self, kernel: TerminalState, terminal: Terminal, after: int) -> PromptLine:
        if self._answered_in is None:
            return prompt_line.at_cursor(terminal, after, alone=self._alone)
        line = prompt_line.at_cursor(terminal, max(after, self._answered_in), alone=True)
        return line if kernel.canonical else line._replace(text="")


def _is_typed_on(before: PromptLine, line: PromptLine) -> bool:
    """Whether it is the same line, to which somebody may have added something."""
    return line.row == before.row and line.own is not None and line.own.startswith(before.own or "")


def _is_same(before: PromptLine, line: PromptLine) -> bool:
    """Whether the words are the same but for a clock."""
    return NO_LETTERS.sub("", before.text) == NO_LETTERS.sub("", line.text)
