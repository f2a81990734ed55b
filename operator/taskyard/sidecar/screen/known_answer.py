"""Finds a known program's answer on its screen: what is below the message's echo and above the input box, less the
program's own chatter. Pure.
"""

import textwrap

from taskyard.limits import CUT_NOTE
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import echo, generic_answer, programs
from taskyard.sidecar.screen.generic_answer import MAX_ANSWER_CHARACTERS, Mark
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.programs import Reading

NO_BREAK_SPACE = "\xa0"
# As long as one of this many last lines of what was there before is on the screen, it may be half drawn.
LAST = 5
# A conversation that fills the screen ends this many lines above the input box at most.
NEAR = 12
# So many characters at the end of a message are no coincidence.
PARTIAL = 8


class Reader:
    """Reads the answers of one turn after the other, and remembers of the open one, which its mark names, where the
    message's echo was seen: it may scroll away, and the same message may stand above it.
    """

    def __init__(self) -> None:
        self._mark: Mark | None = None
        self._program: Program | None = None
        self._before = echo.Before((), ())
        self._head: int | None = None

    def read(
        self, program: Program, reading: Reading, terminal: Terminal, mark: Mark, typed: str, *, settled: bool = False
    ) -> str | None:
        """The answer since `mark` to the message `typed` (empty: the greeting), at most MAX_ANSWER_CHARACTERS long: of
        a longer one, or one of which the screen no longer shows the beginning, the end with a note.

        None: the screen does not show the answer now, so what was read before stands. That is so while the program
        draws its screen anew or asks something, before it shows the message, and after it has ended. `settled`: the
        screen has come to rest, so that even a program without its input box has drawn all of it.
        """
        if mark is not self._mark or program is not self._program:
            self._mark, self._program, self._head = mark, program, None
            self._before = echo.before(program, mark)
        if terminal.drawing and not settled:
            return None
        if reading.box is None and ((program.keeps_box and not settled) or programs.has_ended(program, terminal)):
            return None
        end = terminal.end if reading.box is None else reading.box
        if not typed:
            return _greeting(program, terminal, mark, end)
        found = self._start(program, terminal, mark, typed, end, settled=settled)
        if found is None:
            return None
        start, cut = found
        return _bounded(_text(program, terminal, start, end), cut=cut)

    def _start(
        self, program: Program, terminal: Terminal, mark: Mark, typed: str, end: int, *, settled: bool
    ) -> tuple[int, bool] | None:
        """The answer's first line, and whether lines before it are lost."""
        oldest = max(mark.first, terminal.oldest)
        if self._head is not None and oldest < self._head < end:
            past = echo.end_of(program, terminal, self._head, end, typed)
            if past is not None:
                return past, False
        shown = echo.below_header(program, terminal, oldest, end, typed)
        if self._head is None:
            heads = echo.new_heads(program, terminal, self._before, shown, end)
        else:
            heads = echo.heads(program, terminal, shown, end)
        for head in reversed(heads):
            past = echo.end_of(program, terminal, head, end, typed)
            if past is not None:
                self._head = head
                return past, False
        if self._head is not None:
            return _below_tail(terminal, shown, end, typed)
        if heads:
            return echo.paragraph_end(terminal, heads[0], end), False
        lost = oldest > mark.first or _is_full(terminal, shown, end)
        known = echo.known_end(program, terminal, self._before, shown, end)
        if known is not None:
            if not settled:
                return None
            if _text(program, terminal, known, end).strip():
                return known, False
            # All is as it was. Where the message is nowhere, its echo and the beginning of an answer that ends
            # like the one before have scrolled away.
            gone = lost and not _waits(program, terminal, end, typed)
            return _below_tail(terminal, shown, end, typed) if gone else None
        if not settled and echo.shows_any(terminal, self._before.lines[-LAST:], shown, end):
            return None
        if lost:
            return _below_tail(terminal, shown, end, typed)
        return (shown, False) if settled else None


def read(
    program: Program, reading: Reading, terminal: Terminal, mark: Mark, typed: str, *, settled: bool = False
) -> str | None:
    """`Reader.read` of one screen alone."""
    return Reader().read(program, reading, terminal, mark, typed, settled=settled)


def shows(program: Program, terminal: Terminal, mark: Mark, typed: str) -> bool:
    """Whether the message is visible since `mark`, in the conversation or in the input box."""
    was = echo.before(program, mark)
    start, end = max(mark.first, terminal.oldest), terminal.end
    heads = echo.new_heads(program, terminal, was, start, end)
    if any(echo.end_of(program, terminal, head, end, typed) is not None for head in heads):
        return True
    _, cut = _below_tail(terminal, start, end, typed)
    return not cut and echo.known_end(program, terminal, was, start, end) is None


def _greeting(program: Program, terminal: Terminal, mark: Mark, end: int) -> str | None:
    """What the program showed before it got a message. One that resumes an earlier session shows that below its banner,
    or the end of that alone: what was said before is no greeting.
    """
    start = max(terminal.oldest, mark.cursor if mark.lines else 0)
    end = next((number for number in range(start, end) if echo.is_head(program, terminal.line(number).text)), end)
    shown = _text(program, terminal, start, end)
    if _is_full(terminal, start, end) or (program.banner is not None and not program.banner.search(shown)):
        return None
    return _bounded(shown)


def _below_tail(terminal: Terminal, start: int, end: int, typed: str) -> tuple[int, bool]:
    """Where the answer begins on a screen that no longer shows the beginning of the message: below its last lines, if
    those are still there; else `start`, and lines before it are lost.
    """
    wanted = typed.translate(echo.ADDED)
    shown = ""
    below = start
    for number in range(start, end):
        shown += terminal.line(number).text.translate(echo.ADDED)
        if shown not in wanted:
            break
        if len(shown) >= PARTIAL and wanted.endswith(shown):
            below = number + 1
    return below, below == start


def _waits(program: Program, terminal: Terminal, box: int, typed: str) -> bool:
    """Whether the message is in the input box."""
    heads = echo.heads(program, terminal, box, terminal.end)
    return any(echo.end_of(program, terminal, head, terminal.end, typed) is not None for head in heads)


def _is_full(terminal: Terminal, start: int, end: int) -> bool:
    """Whether the conversation fills a screen that nothing scrolls off into the history, so that its beginning may no
    longer be shown.
    """
    texts = [line.text for line in terminal.lines(start, end)]
    return terminal.alternate and sum(map(bool, texts)) * 2 > terminal.rows and any(texts[-NEAR:])


def _text(program: Program, terminal: Terminal, start: int, end: int) -> str:
    lines = list(program.without_chatter(generic_answer.joined(terminal, start, end)))
    while lines and not lines[-1].strip("─"):
        lines.pop()  # the rule above an input box that is being drawn
    return textwrap.dedent("\n".join(lines).replace(NO_BREAK_SPACE, " "))


def _bounded(text: str, *, cut: bool = False) -> str:
    text = generic_answer.bounded(text)
    if not cut or text.startswith(CUT_NOTE):
        return text
    return CUT_NOTE + text[-(MAX_ANSWER_CHARACTERS - len(CUT_NOTE)) :]
