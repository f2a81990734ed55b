"""The screens of the agents that are known by name: where each has its input box, how it shows that it works, what it
asks. Pure.

The patterns were taken from the real programs; tests check them against recordings. An unknown program is read by its
prompt and its silence alone (`generic_answer`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import known_programs, question
from taskyard.sidecar.screen.known_programs import BANNERS, KNOWN
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.question import FRAME, HINT, PAGE, RULE, AnsweredBy, Dialog

TAIL = 80
MAX_QUESTION_CHARACTERS = 300

CUSTOM = Program("custom")


def named(agent_type: str) -> Program:
    """The program of that type; the screen of an unknown type is read like any program's."""
    if agent_type not in KNOWN:
        return Program(agent_type)
    found: Program = getattr(known_programs, agent_type)()
    return found


def from_screen(terminal: Terminal, otherwise: Program = CUSTOM) -> Program:
    """The program whose banner is on the screen, for one that was started by a script; `otherwise` without a banner."""
    text = terminal.text()
    found = (name for name, banner in BANNERS.items() if banner.search(text))
    name = next(found, None)
    return otherwise if name is None else named(name)


@dataclass(frozen=True)
class Reading:
    """What a known program's screen says: the first line of its input box (None: it has none now), whether it works,
    what it asks (empty: nothing), which is the text of its `dialog`. `says`: Enter would send what is in the box to the
    model, not run it. `empty`: nothing is in the box, and its cursor is at its start.
    """

    box: int | None
    busy: bool
    question: str = ""
    says: bool = True
    empty: bool = False
    dialog: Dialog | None = None

    @property
    def waits(self) -> bool:
        return self.box is not None and not self.busy and not self.question


def read(program: Program, terminal: Terminal) -> Reading:
    """Reads the end of the screen. The terminal must have been refreshed."""
    if program.box is None:
        return Reading(None, busy=False)
    text, start = tail(terminal)
    found = program.box.search(text)
    if found is not None and program.dialogs and HINT.search(text.rpartition("\n")[2]):
        found = None  # a menu that points at its line as the box does
    box = start + text.count("\n", 0, found.start()) if found else None
    near = text[-4_000:] if found is None else text[max(0, found.start() - 1_000) :]
    busy = program.busy is not None and program.busy.search(near) is not None
    dialog = _dialog(program, terminal, text, start, box, busy=busy)
    asked = dialog.text if dialog is not None else ""
    if box is None:
        return Reading(None, busy, asked, dialog=dialog)
    says, empty = _says(program, terminal, box), _empty(program, terminal, box)
    return Reading(box, busy, asked, says=says, empty=empty, dialog=dialog)


def took(program: Program, reading: Reading, box: Sequence[str], filled: str) -> bool:
    """Whether Enter sent the message that filled the input box from the line `filled` on: `box` are its lines now.
    A dialog that opened is no sign of it.
    """
    if reading.question:
        return False
    if reading.box is None:
        return reading.busy or not program.keeps_box
    return reading.busy or filled not in box


def _dialog(
    program: Program, terminal: Terminal, text: str, start: int, box: int | None, *, busy: bool
) -> Dialog | None:
    found = _found(program, terminal, text, start, box, busy=busy)
    if found is None:
        return None
    return replace(found, text=" ".join(found.text.split())[:MAX_QUESTION_CHARACTERS])


def _found(
    program: Program, terminal: Terminal, text: str, start: int, box: int | None, *, busy: bool
) -> Dialog | None:
    if program.wants is not None and (wanted := program.wants.search(text)):
        return Dialog(wanted.group(1), AnsweredBy.TEXT, row=start + text.count("\n", 0, wanted.start(1)))
    menu = question.menu(text, start, program.without_chatter) if box is None else None
    if menu is not None and program.dialogs:
        return menu
    if program.asks is not None and (asked := program.asks.search(text)):
        return Dialog(asked.group(1), AnsweredBy.KEYS, row=start + text.count("\n", 0, asked.start(1)))
    # The cursor is not in the box while a dialog has it, wherever on the screen that is, or hides it.
    elsewhere = box is None or not box <= terminal.cursor[0] < terminal.end - 1
    if program.overlay is not None and elsewhere and (shown := program.overlay.search(terminal.text())):
        return Dialog(shown.group(1), AnsweredBy.KEYS)
    if box is not None or menu is not None:
        return menu
    return None if busy or not program.dialogs else question.dialog(text, start)


def _says(program: Program, terminal: Terminal, box: int) -> bool:
    if program.runs is None:
        return True
    return not any(program.runs.match(line.text) for line in terminal.lines(box, terminal.end))


def _empty(program: Program, terminal: Terminal, box: int) -> bool:
    if not cursor_at_start(program, terminal, box):
        return False
    row = terminal.cursor[0]
    shown = terminal.line(row).text
    prompt = program.says.match(shown) if program.says is not None else None
    below = terminal.line(row + 1).text.strip(FRAME + "▄")
    rest = shown[prompt.end() :] if prompt is not None else shown
    return program.placeholder.match(rest) is not None and (not below or RULE.match(below) is not None)


def cursor_at_start(program: Program, terminal: Terminal, box: int) -> bool:
    """Whether the cursor is where the text of the input box begins."""
    row, column = terminal.cursor
    prompt = program.says.match(terminal.line(row).text) if program.says is not None else None
    return row >= box and prompt is not None and column <= max(prompt.end(), len(prompt.group().rstrip()) + 2)


def tail(terminal: Terminal) -> tuple[str, int]:
    """The last lines with text, and the number of the first of them. A program that fills the whole screen may have its
    input box in the middle of it: where there is little text, more lines are taken.
    """
    end = terminal.end
    start = _tail_start(lambda number: terminal.line(number).text, terminal.oldest, end)
    return "\n".join(line.text for line in terminal.lines(start, end)), start


def has_ended(program: Program, terminal: Terminal) -> bool:
    """Whether the program has said goodbye: what its screen shows now is no part of the conversation."""
    return program.farewell is not None and program.farewell.search(tail(terminal)[0]) is not None


def box_row(program: Program, rows: Sequence[str]) -> int:
    """The index of the first row of the input box, the number of rows without one. The last row has text."""
    start = _tail_start(rows.__getitem__, 0, len(rows))
    text = "\n".join(rows[start:])
    found = program.box.search(text) if program.box is not None else None
    return start + text.count("\n", 0, found.start()) if found else len(rows)


def _tail_start(text_of: Callable[[int], str], oldest: int, end: int) -> int:
    start = max(oldest, end - TAIL)
    filled = sum(1 for number in range(start, end) if text_of(number))
    while filled < PAGE and start > oldest:
        start -= 1
        filled += bool(text_of(start))
    while start < end and not text_of(start):
        start += 1
    return start
