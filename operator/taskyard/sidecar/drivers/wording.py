"""The words for what a program asks at its terminal, where no pattern of a known program says them. Pure."""

from taskyard.sidecar.drivers import activity
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import TerminalState
from taskyard.sidecar.screen import prompt_line
from taskyard.sidecar.screen.prompt_line import PromptLine


class Wording:
    """Remembers the line at which a program waits as it was when that was first looked at: what a person types there is
    no part of the question, and neither is shown to others nor makes it another question.
    """

    def __init__(self) -> None:
        self._kept: PromptLine | None = None
        self._clears = 0

    def question(self, kernel: TerminalState, terminal: Terminal, after: int) -> str:
        """Who waits for input, with the line of its screen at which it waits, looked for below the row `after`. Of a
        program that reads without echo, as a password is read, nothing on the screen is told.
        """
        waits = activity.waits_for_input(kernel)
        if activity.hides_input(kernel):
            return f"{waits} without echo"
        line = self._line(kernel, terminal, after).text
        return f'{waits}: "{line}"' if line else waits

    def _line(self, kernel: TerminalState, terminal: Terminal, after: int) -> PromptLine:
        kept = self._kept if terminal.clears == self._clears else None
        after = max(after, kept.row) if kept is not None and terminal.cursor[0] > kept.row else after
        found = prompt_line.at_cursor(terminal, after)
        if kept is None or not _is_typed_on(kept, found, kernel):
            self._kept, self._clears = found, terminal.clears
            return found
        return kept


def _is_typed_on(kept: PromptLine, found: PromptLine, kernel: TerminalState) -> bool:
    """Whether it is the line that was kept, and somebody may have typed there since. A program that takes keys draws
    its line itself, maybe a little late.
    """
    is_drawn = bool(kept.text) or kernel.canonical
    return is_drawn and found.row == kept.row and found.own.startswith(kept.own)
