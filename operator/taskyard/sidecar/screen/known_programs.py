"""The programs that are known by name, one function each: a Pod has one of them, so the patterns of the others are not
compiled. They were taken from the real programs; tests check them against recordings. Pure.
"""

# ruff: noqa: RUF001 - the programs' prompts are what they are

import re
from functools import cache

from taskyard.lazypattern import pattern
from taskyard.sidecar.screen.program import Program

KNOWN = ("claude", "codex", "gemini", "opencode", "aider")
# What a program shows when it starts.
BANNERS = {
    "claude": pattern(r"Claude Code v\d", re.MULTILINE),
    "codex": pattern(r">_ OpenAI Codex \(v|Welcome to Codex", re.MULTILINE),
    "gemini": pattern(r"Gemini CLI v\d", re.MULTILINE),
    "aider": pattern(r"^Aider v\d", re.MULTILINE),
}


def _lines(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def _screen(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


@cache
def claude() -> Program:
    return Program(
        "claude",
        banner=BANNERS["claude"],
        # What is completed is listed below the box.
        box=_screen(
            r"^─{10,}[^\n]*\n[❯!](?:[^\n]*\n)+?─{10,}[^\n]*(?:(?:\n[^\n]*){0,6}|(?:\n(?:[ /+*@][^\n]*)?){0,40})\Z"
        ),
        says=re.compile(r"❯\s?"),
        runs=re.compile(r"!\s?"),
        placeholder=re.compile(r"(?:Try \".*)?$"),
        leave=b"\x7f",
        busy=_screen(r"^[·✢✳✶✻✽*] [^\n]*…(?: \([^\n]*)?$|^─{10,}\n  [^\n]*esc to interrupt"),
        asks=_screen(r"(Not logged in · \S[^\n]*\S)"),
        dialogs=True,
        echo=re.compile(r"^❯\s"),
        farewell=_screen(r"^Resume this session with:"),
        chatter=_lines(
            r"^[·✢✳✶✻✽*] (?:\S+ for \d|.*…)",
            r"^  ⎿\s+Tip: ",
            r"^ {20,}\S.* · /effort$",
        ),
    )


@cache
def codex() -> Program:
    return Program(
        "codex",
        banner=BANNERS["codex"],
        # While a command is typed, the box has another prompt, and what is completed is listed above it.
        box=_screen(r"^[›!](?: [^\n]*)?(?:\n(?: [^\n]*)?)*\Z"),
        says=re.compile(r"› ?"),
        runs=re.compile(r"! ?"),
        placeholder=re.compile(r"(?:Ask Codex to do anything)?$"),
        leave=b"\x7f",
        dialogs=True,
        busy=_screen(r"^[•◦] [^\n]*\(\d+[hms][^\n]*esc to interrupt\)"),
        echo=re.compile(r"^› "),
        farewell=_screen(r"^To continue this session, run codex resume"),
        chatter=_lines(
            r"^[•◦] .*\(\d+[hms].*esc to interrupt\)",
            r"^  Worked for .* • \d+:\d\d",
            r"^─ Worked for ",
            r"^  └ Tip: ",
        ),
        decor=_lines(r"^[\s\u2800-\u28ff]+$"),
    )


@cache
def gemini() -> Program:
    return Program(
        "gemini",
        banner=BANNERS["gemini"],
        box=_screen(r"^─{10,}\n(?: [^\n]*\n|\n)* [*>!$] [^\n]*(?:\n[^\n]*)*\Z"),
        says=re.compile(r" [*>] ?"),
        runs=re.compile(r" ! ?"),
        placeholder=re.compile(r" *(?:Type your message or @path/to/file)?$"),
        leave=b"\x1b",
        busy=_screen(r"^ [\u2801-\u28ff] [^\n]*\(esc to cancel"),
        asks=_screen(r"^[ │]*(Waiting for (?:auth|user confirmation)[^\n│]*?)\.*[ │]*$"),
        wants=_screen(r"^(Enter the authorization code):?\Z"),
        dialogs=True,
        confirms=True,
        echo=re.compile(r"^ [>*] "),
        farewell=_screen(r"^[ │]*(?:Agent powering down|To resume this session: gemini)"),
        chatter=_lines(
            r"^ [\u2801-\u28ff] .*\(esc to cancel",
            r"^ +\? for shortcuts$",
            r"^ *Press Ctrl\+O to expand pasted text",
        ),
        decor=_lines(r"^[▀▄]{10,}$"),
    )


@cache
def opencode() -> Program:
    return Program(
        "opencode",
        box=_screen(r"^ *┃[^\n]*(?:\n *┃[^\n]*)*\n *╹▀+(?:\n[^\n]*)*\Z"),
        busy=_screen(r"^ *[⬝■▪·]+ +esc (?:again to )?interrupt"),
        says=re.compile(r" *┃ {0,2}"),
        runs=re.compile(r"[^┃]* esc exit shell mode$"),
        leave=b"\x1b",
        placeholder=re.compile(r"(?:Ask anything….*)?$"),
        asks=_screen(r"^[ ┃]*△ +(Permission required[^\n]*)$"),
        overlay=_screen(r"(?:^|  )([^\s┃]+(?: \S+)*) {5,}esc(?:/enter)?(?: |$)"),
        echo=re.compile(r"^ *┃  "),
        farewell=_screen(r"^ *Continue +opencode (?:-s|--session) "),
        chatter=_lines(r"^ *▣ +\S+ · ", r"^ *● Tip "),
        decor=_lines(r"^[ ┃]*┃[ ┃]*$", r"^ *[█▀▄ ]+$"),
    )


@cache
def aider() -> Program:
    return Program(
        "aider",
        banner=BANNERS["aider"],
        # A long message leaves no room for the rule above the box.
        box=_screen(r"(?:^─{10,}\n(?:[^\n]+\n)*?|\A)(?:[\w-]+)?>(?: [^\n]*)?(?:\n(?:[\w-]+)?>(?: [^\n]*)?)*\Z"),
        says=re.compile(r"(?:[\w-]+)?> ?"),
        busy=_screen(r"^[░█ ]*[░█][░█ ]* [^\n]*\Z"),
        wants=_screen(r"([^.\n]+\?) \(Y\)es/\(N\)o[^>\n]*(?:\n[^>\n]*)?\Z"),
        echo=re.compile(r"^(?:[\w-]+)?> "),
        chatter=_lines(r"^[░█ ]*[░█][░█ ]* \S", r"^Tokens: .* sent, .* received\."),
        keeps_box=False,
    )
