"""What a program in a terminal does, from what the kernel and its screen tell: it starts, works, waits or asks. Pure.

The rules are asked in this order; the first that says something decides.

| what is known | what follows |
|---|---|
| `agent.ready` is given and was not on the screen yet | starting |
| a known program, its screen asks | asks |
| a known program, its input box is shown | waits, once the screen is at rest |
| a known program, it says that it works | works; a pattern may err, so a long rest counts as waiting |
| a known program without its box, in a terminal that nobody reads | starting or works |
| a known program without its box | a long rest: asks for what has no pattern; waits if the kernel tells nothing |
| line mode, and a process reads | waits; asks if it is another program, has a line editor, or without echo |
| line mode, and no process reads | starting or works; waits if `agent.ready` was shown and nobody ever read |
| key mode, the command itself, and no process ever read | starts; a long rest counts as waiting |
| key mode, the command itself | waits, once the screen is at rest |
| key mode, another program (an editor, a pager, ssh) | asks, once the screen is at rest |
| line mode without echo, and the kernel does not tell who reads | asks, once the screen is at rest |
| nothing: the kernel does not tell | waits, once the screen is at rest |

Line mode is the terminal's canonical mode. "Starting" is work before the program has waited for the first time.
"""

import enum
from dataclasses import dataclass

from taskyard.lazypattern import pattern
from taskyard.sidecar.init.frames import Foreground, Reader, TerminalState
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.programs import Reading

SILENT_START = 10.0
LONG_REST = 60.0
MAX_LINE_BYTES = 4_095  # N_TTY_BUF_SIZE, less the line feed: a longer line is cut by the kernel
# Keys after which a line in line mode begins anew: Enter, and Ctrl-C, Ctrl-D, Ctrl-U, Ctrl-Z and Ctrl-\\.
LINE_ENDS = pattern(r"[\r\n\x03\x04\x15\x1a\x1c]")


class Activity(enum.Enum):
    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    ASKING = "asking"


@dataclass(frozen=True)
class Facts:
    """`kernel` is None where taskyard-init does not tell. `spoke`: the program has written something. `ready`: None
    without a pattern, else whether it was on the screen. `read`: a process was seen reading in this run. `editor`: the
    agent's program, by its name, if it has a line editor: it took pasted text when it waited last.
    """

    program: Program
    reading: Reading
    kernel: TerminalState | None
    spoke: bool
    ready: bool | None = None
    read: bool = False
    editor: str = ""

    @property
    def nobody_reads(self) -> bool:
        """Whether what is typed now would wait in the terminal for whatever reads next."""
        return self.kernel is not None and self.kernel.canonical and self.kernel.reader is Reader.NO


@dataclass(frozen=True)
class Rest:
    """After `seconds` without a change of the screen the program waits for a message or, with a `question`, for a
    person. None: it works, however long nothing changes. `starts`: it is about to begin, and would lose a message.
    `is_dialog`: it asks something for which there is no pattern; the end of its screen tells.
    """

    seconds: float | None
    question: str = ""
    starts: bool = False
    is_dialog: bool = False


WORK = Rest(None)
NOT_READING = Rest(None, starts=True)


def rest(facts: Facts, *, stable_after: float, begun: bool) -> Rest:
    """What a rest of the screen means. `begun`: the program has waited, or got a message, in this run already."""
    if facts.ready is False and not begun:
        return NOT_READING
    if facts.program.known:
        return _known(facts, stable_after, begun)
    quiet = Rest(stable_after if facts.spoke else max(stable_after, SILENT_START))
    kernel = facts.kernel
    if kernel is None or (kernel.canonical and kernel.reader is Reader.UNKNOWN and kernel.echo):
        return quiet
    if not kernel.canonical:
        if kernel.foreground is Foreground.OTHER:
            return Rest(quiet.seconds, waits_for_input(kernel))
        if kernel.reader is Reader.NO and not (begun or facts.read or facts.ready):
            return Rest(max(stable_after, LONG_REST), starts=True)
        return quiet
    if kernel.reader is Reader.NO:
        if facts.ready and not (begun and facts.read):
            return Rest(stable_after)
        return WORK if begun else NOT_READING
    if kernel.foreground is Foreground.OTHER or not kernel.echo or facts.editor == kernel.command != "":
        return Rest(stable_after, waits_for_input(kernel))
    return Rest(stable_after)


def _known(facts: Facts, stable_after: float, begun: bool) -> Rest:
    reading = facts.reading
    if reading.question:
        return Rest(0.0, reading.question)
    if reading.waits:
        return Rest(stable_after)
    long_rest = max(stable_after, LONG_REST)
    if reading.busy or facts.kernel is None:
        return Rest(long_rest)
    if facts.nobody_reads:
        return WORK if begun else NOT_READING
    return Rest(long_rest, is_dialog=True)


def hides_input(kernel: TerminalState | None) -> bool:
    """Whether what is typed is not shown, as a password is not. In key mode a program shows it itself, or does not."""
    return kernel is not None and kernel.canonical and not kernel.echo


def waits_for_input(kernel: TerminalState) -> str:
    return f"{kernel.command or 'a program'} waits for input"


def refusal(
    text: str, program: Program, kernel: TerminalState | None, *, bracketed_paste: bool, standing: int = 0
) -> str:
    """Why `text` cannot be typed without loss into a program that now waits; empty when it can. `standing`: bytes that
    stand in the line already, and become the beginning of the text's.
    """
    if program.known and not bracketed_paste and "\n" in text:
        return f"{program.name} takes no pasted text now, so that each line would be a message of its own"
    if kernel is None:
        return ""
    if kernel.canonical:
        for number, line in enumerate(text.split("\n"), 1):
            if too_long := _too_long(line, standing if number == 1 else 0):
                remedy = "break the line, or have the agent read the text from a file"
                return f"line {number} of the text {too_long}: {remedy}"
    elif "\t" in text and not bracketed_paste:
        return (
            "the text has a tab, which the agent's program would take as a key, since it knows no bracketed paste: "
            "use spaces, or send keystrokes with type Raw"
        )
    return ""


def refuses_keys(keys: str, kernel: TerminalState | None, standing: int = 0) -> str:
    """Why these keys cannot be pressed without loss; empty when they can. `standing` as in `refusal`."""
    if kernel is None or not kernel.canonical:
        return ""
    for number, line in enumerate(LINE_ENDS.split(keys), 1):
        if too_long := _too_long(line, standing if number == 1 else 0):
            return f'line {number} of the keys {too_long}: press Enter ("\\r") before, or clear the line ("\\x15")'
    return ""


def standing(keys: str, kernel: TerminalState | None, before: int) -> int:
    """Bytes in the kernel's line once these keys were pressed, with so many in it before. In key mode it has none."""
    if kernel is None or not kernel.canonical:
        return 0
    *ended, last = LINE_ENDS.split(keys)
    return len(last.encode(errors="replace")) + (0 if ended else before)


def _too_long(line: str, standing: int) -> str:
    """That a line has too many bytes for line mode, with those that stand there; empty when it has not."""
    size = len(line.encode(errors="replace"))
    if size + standing <= MAX_LINE_BYTES:
        return ""
    beside = f" after {standing:,} that stand there" if standing else ""
    return f"has {size:,} bytes{beside}, and the agent's terminal takes a line of at most {MAX_LINE_BYTES:,}"
