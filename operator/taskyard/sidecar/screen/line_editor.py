"""Where a program's line editor says that a command's output begins and ends. Pure.

Shells and REPLs switch bracketed paste on while they read a line and off while they run it (readline, zle, reline,
prompt_toolkit, pyrepl). Readline and most others do it before they print the prompt, zle after.
"""

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen.mark import Mark

PROMPT_LINES = 3


def first_line(terminal: Terminal, mark: Mark) -> int | None:
    """The first line after the message's echo; None where the program has not told, or has since drawn there anew."""
    closing = terminal.closing(mark.closed)
    if closing is None:
        return None
    echo = closing.line - (1 if closing.column == 0 else 0)
    if echo < mark.cursor or (echo >= terminal.oldest and terminal.line(echo).text != closing.echo):
        return None
    return echo + 1


def runs(terminal: Terminal, mark: Mark) -> bool:
    """Whether the message was taken and no line is read since: whatever is shown is no prompt of the line editor."""
    return terminal.closed > mark.closed and not terminal.bracketed_paste


def prompt(terminal: Terminal, mark: Mark, first: int, end: int) -> tuple[int, str] | None:
    """The line where the prompt after the answer begins, and the text left of it; None where the program has not told.
    What is larger than a prompt was started by the message.
    """
    opened = terminal.opened
    if not terminal.bracketed_paste or terminal.closed == mark.closed or opened.line < max(first, terminal.top):
        return None
    if end - opened.line > PROMPT_LINES or terminal.cursor[0] != end - 1:
        return None
    left = terminal.left_of(opened.line, opened.column)
    if end - 1 == opened.line and terminal.line(opened.line).text == left:
        return None
    return opened.line, left
