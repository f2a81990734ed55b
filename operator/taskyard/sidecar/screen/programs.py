"""The screens of the agents that are known by name: where each has its input box, how it shows that it works, what it
asks. Pure.

The patterns were taken from the real programs; tests check them against recordings. An unknown program is read by its
prompt and its silence alone (`generic_answer`).
"""

# ruff: noqa: RUF001 - the programs' prompts are what they are

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from taskyard.sidecar.screen.terminal import Terminal

TAIL = 80
PAGE = 24
QUESTION_REACH = 14
MAX_QUESTION_CHARACTERS = 300
FRAME = " \t│┃|"
MENU = re.compile(r"^(?:[❯›>●] *)?(\d)\. +\S")
POINTED = re.compile(r"^[❯›>●] *\d\. +\S")
RULE = re.compile(r"^[─━═_╭╮╰╯┌┐└┘-]{10,}$")
SENTENCE = re.compile(r"(?:(?<=[.?!:]) |^)([^.?!]*\?)")


@dataclass(frozen=True)
class Program:
    """What one program's screen looks like. Patterns are searched for in the text of the screen's last lines.

    `box`: from the first line of the input box to the end of the screen; the program waits when it is shown.
    `busy`: is shown only while the program works. `asks`: a question other than a numbered menu, as its first group.
    `echo`: the start of lines in which the program shows a message that it got. `chatter`: the program's own lines in
    the conversation, with the rest of their paragraph (a spinner, a duration, a tip); `decor`: such lines alone.
    """

    name: str
    banner: re.Pattern[str] | None = None
    box: re.Pattern[str] | None = None
    busy: re.Pattern[str] | None = None
    asks: re.Pattern[str] | None = None
    echo: re.Pattern[str] | None = None
    chatter: tuple[re.Pattern[str], ...] = ()
    decor: tuple[re.Pattern[str], ...] = ()

    @property
    def known(self) -> bool:
        """Whether there are patterns for its screen."""
        return self.box is not None

    def without_chatter(self, lines: Iterable[str]) -> Iterator[str]:
        """The conversation alone."""
        chattering = False
        for line in lines:
            chattering = bool(line) and (chattering or any(pattern.search(line) for pattern in self.chatter))
            if not chattering and not any(pattern.search(line) for pattern in self.decor):
                yield line


def _lines(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def _screen(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


CUSTOM = Program("custom")

CLAUDE = Program(
    "claude",
    banner=_screen(r"Claude Code v\d"),
    box=_screen(r"^─{10,}[^\n]*\n❯(?:[^\n]*\n)+?─{10,}[^\n]*(?:\n[^\n]*){0,6}\Z"),
    busy=_screen(r"^[·✢✳✶✻✽*] [^\n]*…(?: \([^\n]*)?$|^─{10,}\n  [^\n]*esc to interrupt"),
    asks=_screen(r"(Not logged in · \S[^\n]*\S)"),
    echo=re.compile(r"^❯\s"),
    chatter=_lines(
        r"^[·✢✳✶✻✽*] (?:\S+ for \d|.*…)",
        r"^  ⎿\s+Tip: ",
        r"^ {20,}\S.* · /effort$",
    ),
)

CODEX = Program(
    "codex",
    banner=_screen(r">_ OpenAI Codex \(v|Welcome to Codex"),
    box=_screen(r"^›(?: [^\n]*)?(?:\n(?:  [^\n]*)?)*\Z"),
    busy=_screen(r"^[•◦] [^\n]*\(\d+[hms][^\n]*esc to interrupt\)"),
    echo=re.compile(r"^› "),
    chatter=_lines(
        r"^[•◦] .*\(\d+[hms].*esc to interrupt\)",
        r"^  Worked for .* • \d+:\d\d",
        r"^─ Worked for ",
        r"^  └ Tip: ",
    ),
    decor=_lines(r"^[\s\u2800-\u28ff]+$"),
)

GEMINI = Program(
    "gemini",
    banner=_screen(r"Gemini CLI v\d"),
    box=_screen(r"^─{10,}\n(?: [^\n]*\n|\n)* [*>!$] [^\n]*(?:\n[^\n]*)*\Z"),
    busy=_screen(r"^ [\u2801-\u28ff] [^\n]*\(esc to cancel"),
    asks=_screen(r"^[ │]*(Waiting for (?:auth|user confirmation)[^\n│]*?)\.*[ │]*$"),
    echo=re.compile(r"^ [>*] "),
    chatter=_lines(
        r"^ [\u2801-\u28ff] .*\(esc to cancel",
        r"^ +\? for shortcuts$",
    ),
    decor=_lines(r"^[▀▄]{10,}$"),
)

OPENCODE = Program(
    "opencode",
    box=_screen(r"^ *┃[^\n]*(?:\n *┃[^\n]*)*\n *╹▀+(?:\n[^\n]*)*\Z"),
    busy=_screen(r"^ *[⬝■▪·]+ +esc (?:again to )?interrupt"),
    asks=_screen(r"^[ ┃]*△ +(Permission required[^\n]*)$"),
    echo=re.compile(r"^ *┃  "),
    chatter=_lines(r"^ *▣ +\S+ · ", r"^ *● Tip "),
    decor=_lines(r"^[ ┃]*┃[ ┃]*$", r"^ *[█▀▄ ]+$"),
)

AIDER = Program(
    "aider",
    banner=_screen(r"^Aider v\d"),
    box=_screen(r"^─{10,}\n(?:[^\n]+\n)*?(?:[\w-]+)?>(?: [^\n]*)?(?:\n(?:[\w-]+)?>(?: [^\n]*)?)*\Z"),
    busy=_screen(r"^[░█ ]*[░█][░█ ]* [^\n]*\Z"),
    asks=_screen(r"([^.\n]+\?) \(Y\)es/\(N\)o[^>]*\Z"),
    echo=re.compile(r"^(?:[\w-]+)?> "),
    chatter=_lines(r"^[░█ ]*[░█][░█ ]* \S", r"^Tokens: .* sent, .* received\."),
)

KNOWN = (CLAUDE, CODEX, GEMINI, OPENCODE, AIDER)


def named(agent_type: str) -> Program:
    """The program of that type; the screen of an unknown type is read like any program's."""
    return next((program for program in KNOWN if program.name == agent_type), Program(agent_type))


def from_screen(terminal: Terminal, otherwise: Program = CUSTOM) -> Program:
    """The program whose banner is on the screen, for one that was started by a script; `otherwise` without a banner."""
    text = terminal.text()
    found = (program for program in KNOWN if program.banner is not None and program.banner.search(text))
    return next(found, otherwise)


@dataclass(frozen=True)
class Reading:
    """What a known program's screen says: the first line of its input box (None: it has none now), whether it works,
    what it asks (empty: nothing).
    """

    box: int | None
    busy: bool
    question: str = ""

    @property
    def waits(self) -> bool:
        return self.box is not None and not self.busy and not self.question


def read(program: Program, terminal: Terminal) -> Reading:
    """Reads the end of the screen. The terminal must have been refreshed."""
    if program.box is None:
        return Reading(None, busy=False)
    text, start = tail(terminal)
    found = program.box.search(text)
    box = start + text.count("\n", 0, found.start()) if found else None
    near = text[-4_000:] if found is None else text[max(0, found.start() - 1_000) :]
    busy = program.busy is not None and program.busy.search(near) is not None
    asked = program.asks.search(text) if program.asks is not None else None
    question = asked.group(1) if asked else "" if box is not None else menu_question(text)
    return Reading(box, busy, " ".join(question.split())[:MAX_QUESTION_CHARACTERS])


def tail(terminal: Terminal) -> tuple[str, int]:
    """The last lines with text, and the number of the first of them. A program that fills the whole screen may have its
    input box in the middle of it: where there is little text, more lines are taken.
    """
    end = terminal.end
    start = max(terminal.oldest, end - TAIL)
    filled = sum(1 for line in terminal.lines(start, end) if line.text)
    while filled < PAGE and start > terminal.oldest:
        start -= 1
        filled += bool(terminal.line(start).text)
    while start < end and not terminal.line(start).text:
        start += 1
    return "\n".join(line.text for line in terminal.lines(start, end)), start


def menu_question(text: str) -> str:
    """The question above a numbered menu with a pointer at one of its lines; empty without such a menu at the end."""
    lines = [line.strip(FRAME) for line in text.split("\n")][-40:]
    numbers = [found.group(1) if (found := MENU.match(line)) else "" for line in lines]
    first = len(numbers) - 1 - numbers[::-1].index("1") if "1" in numbers else None
    if first is None or not any(POINTED.match(line) for line in lines[first:]):
        return ""
    above = list(
        itertools.takewhile(lambda line: not RULE.match(line), reversed(lines[max(0, first - QUESTION_REACH) : first]))
    )
    paragraphs = [
        " ".join(reversed(list(group)))
        for blank, group in itertools.groupby(above, key=lambda line: not line)
        if not blank
    ]
    for paragraph in paragraphs:
        if sentence := SENTENCE.search(paragraph):
            return sentence.group(1)
    return next((paragraph for paragraph in paragraphs if paragraph.count(" ") >= 2), lines[first])
