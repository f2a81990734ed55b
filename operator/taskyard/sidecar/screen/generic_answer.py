"""Finds the agent's answer on its screen: what appeared since the message, less the message's echo and the next
prompt. Pure.
"""

import re
from collections.abc import Sequence

from taskyard.limits import CUT_NOTE
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import line_editor
from taskyard.sidecar.screen.mark import PROMPT
from taskyard.sidecar.screen.mark import Mark as Mark
from taskyard.sidecar.screen.mark import beginning as beginning

MAX_ANSWER_CHARACTERS = 65_536
PARTIAL_ECHO = 8
ECHO_REACH = 100
FRAME = re.compile(r"^[\s─-▟|+_=-]*$")
FRAME_ENDS = re.compile(r"^[\s─-▟]+|[\s─-▟]+$")


def read(terminal: Terminal, mark: Mark, typed: str, *, settled: bool) -> str:
    """The answer since `mark`, to the message `typed` (empty: everything as it is, a greeting).

    `settled`: the screen has come to rest, so a line that looks like a prompt is one. The result has no blank lines
    at its ends and at most MAX_ANSWER_CHARACTERS characters; where its beginning is missing, CUT_NOTE stands there.
    """
    end = terminal.end
    cut = is_cut(terminal, mark)
    if not typed:
        return bounded("\n".join(joined(terminal, mark.cursor if mark.lines else 0, end)), cut=cut)
    told = line_editor.first_line(terminal, mark)
    first = _first(terminal, mark, typed, end) if told is None else max(told, terminal.oldest)
    end, rest = _without_prompt(terminal, mark, first, end, settled)
    lines = joined(terminal, first, end)
    if told is None and not cut:
        lines = _without_echo(lines, mark.before, typed)
    if rest and lines and end > first and terminal.line(end - 1).wrapped:
        lines[-1] += rest
    elif rest:
        lines.append(rest)
    return bounded("\n".join(lines), cut=cut)


def is_cut(terminal: Terminal, mark: Mark) -> bool:
    """Whether the terminal no longer knows all lines since `mark`."""
    if not mark.lines:
        return mark.position > 0 or terminal.oldest > 0
    return terminal.oldest > mark.cursor


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


def bounded(text: str, *, cut: bool = False) -> str:
    """The text without blanks at the ends of its lines, at most MAX_ANSWER_CHARACTERS of it. The end is kept, after
    CUT_NOTE; `cut`: the beginning was missing before.
    """
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    if len(text) <= MAX_ANSWER_CHARACTERS - (len(CUT_NOTE) if cut else 0):
        return CUT_NOTE + text if cut else text
    return CUT_NOTE + text[-(MAX_ANSWER_CHARACTERS - len(CUT_NOTE)) :]


def start(terminal: Terminal, mark: Mark, end: int, typed: str = "") -> int:
    """The first line that differs from `mark`. Where the program has drawn anew above the cursor, the lines that it
    carried over are skipped; with `typed` only where that message follows them.
    """
    if mark.alternate and not terminal.alternate:
        return min(terminal.returned, end)  # what is above was there before the alternate screen was
    number = max(mark.first, terminal.oldest)
    while number < end and number - mark.first < len(mark.lines) and _same(terminal, mark, number):
        number += 1
    if number >= mark.cursor:
        return number
    new = [line.text for line in terminal.lines(number, end)]
    carried = _carried_over(mark.above[number - mark.first :], new)
    if typed and _squeezed(typed.split("\n", 1)[0])[:ECHO_REACH] not in _squeezed("".join(new[carried:])):
        return number
    return number + carried


def _same(terminal: Terminal, mark: Mark, number: int) -> bool:
    if number == mark.cursor:
        return False  # was typed into, even when the program has cleared it
    return terminal.line(number).text == mark.lines[number - mark.first]


def _carried_over(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the beginning of `new` are the last ones of `old`: all of them, or as many as fit. Lines are
    compared in their order, so an answer that repeats earlier lines is none of them.
    """
    length = len(old)
    while length and FRAME.match(old[length - 1]):
        length -= 1  # the upper edge of the input box, blank lines
    for count in range(1, len(new) + 1):
        reach = min(count, length)
        if reach and all(new[count - back] == old[length - back] for back in range(1, reach + 1)):
            return count
    return 0


def _first(terminal: Terminal, mark: Mark, typed: str, end: int) -> int:
    first = start(terminal, mark, end, typed)
    if first == mark.cursor and first + 1 < end and mark.prompt and terminal.line(first).text == mark.prompt:
        return first + 1  # the message was not echoed, so its input line is only the prompt
    return first


def _without_prompt(terminal: Terminal, mark: Mark, start: int, end: int, settled: bool) -> tuple[int, str]:
    """Where the answer ends, and the part of its last line before the prompt (output without a final newline)."""
    if line_editor.runs(terminal, mark):
        return end, ""
    told = line_editor.prompt(terminal, mark, start, end)
    if told is not None:
        return told
    expected = [line for line in mark.input_lines if line]
    if len(expected) == 1 and mark.bare_prompt and mark.before != mark.bare_prompt:
        expected = []  # the end of an earlier output stands before the prompt
    tail_start = end - len(expected)
    if expected and tail_start >= start and [line.text for line in terminal.lines(tail_start, end)] == expected:
        return _without_upper_edge(terminal, mark, start, tail_start), ""
    row, last = terminal.cursor[0], terminal.before_cursor
    more = any(mark.input_lines[1:])  # a box or a status line, which may have changed
    if not start <= row < end or (row != end - 1 and not more):
        return end, ""
    if mark.bare_prompt and last.endswith(mark.bare_prompt):
        rest = last.removesuffix(mark.bare_prompt)
        if rest and not (more and FRAME.match(rest)):
            return row, rest
        return _without_upper_edge(terminal, mark, start, row), ""
    if settled and row > mark.cursor and PROMPT.search(last):
        return _without_upper_edge(terminal, mark, start, row), ""
    return end, ""


def _without_upper_edge(terminal: Terminal, mark: Mark, start: int, end: int) -> int:
    """The answer's end above what belongs to the prompt: the edge of an input box, whose lower edge is known, or the
    upper line of a prompt of two lines. The edge of a table in an answer stays.
    """
    upper = mark.line_above_prompt
    if upper and end > start:
        shown = terminal.line(end - 1).text
        framed = shown[:1] == upper[0] and upper[0] in "╭┌┏"
        return end - 1 if shown == upper or framed else end
    edges = list(mark.above)
    in_box = any(line and FRAME.match(line) for line in mark.input_lines[1:])
    while in_box and end > start and edges and FRAME.match(edges[-1]) and terminal.line(end - 1).text == edges.pop():
        end -= 1
    return end


def joined(terminal: Terminal, start: int, end: int) -> list[str]:
    """The lines as the program wrote them: wrapped rows are joined again."""
    put_together: list[str] = []
    wrapped = False
    for line in terminal.lines(start, end):
        text = line.text + " " * line.blanks
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
    awaited, repeated = list(pieces), [_squeezed(prompt) + piece for piece in pieces if prompt]
    echo = len(pieces) + len(typed) // 20 + ECHO_REACH
    for line in lines[:echo]:
        shown = _squeezed(FRAME_ENDS.sub("", line))
        if awaited and shown and (length := _echoed(shown, awaited[0])):
            awaited[0] = awaited[0][length:]
            if not awaited[0]:
                awaited.pop(0)
        elif awaited and not kept and prompt[:1] == line[:1] != "" and awaited[0] in shown:
            awaited.pop(0)  # more is right of it: a right prompt, or what a line editor left of its first drawing
        elif shown in repeated:
            repeated.remove(shown)  # the terminal echoed it before the program was ready, which then showed it again
        else:
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
