"""What each known program takes as text. Most of them run a message that begins with `!` or `/`, or quit at a lone
`exit`: such a message is typed so that the program sends it to its model, or it is refused. Pure.

Tried with the real programs, in the versions that TRIED names. An unknown program gets what is sent.
"""

import re
from dataclasses import dataclass

from taskyard.lazypattern import pattern
from taskyard.sidecar.screen.program import Program

# Blanks at the ends of a text, which programs remove before they look for a command: those of Unicode, to which each
# language adds some. JavaScript's are WhiteSpace and LineTerminator of ECMAScript, Python's those of `str.strip`.
_UNICODE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000"
)
JAVASCRIPT = _UNICODE + "\ufeff"
RUST = _UNICODE + "\x85"
PYTHON = _UNICODE + "\x1c\x1d\x1e\x1f\x85"
ALL_BLANKS = PYTHON + JAVASCRIPT
COMPLETES = pattern(r"(?:[@$/]\S*|\\)\Z")
QUITS = r"(?:exit|quit|:q!?|:wq!?)\Z"


@dataclass(frozen=True)
class Typed:
    """`text` is pasted into the program's input box, or with `run` typed there; then Enter is pressed."""

    text: str


@dataclass(frozen=True)
class Refused:
    """`reason` is a sentence that names the program, the cause and the remedy."""

    reason: str


@dataclass(frozen=True)
class Habits:
    """What a program does with what is typed. `command` is one of its own commands, as an example.

    `commands`: beginnings that it would run; a leading space, which it does not mind, makes them text. `refused`: what
    it runs all the same, matched without the `blanks` around it. `completes`: ends that open a menu of completions or
    turn Enter into a new line; a space after them prevents that.
    """

    tried: str
    title: str
    commands: re.Pattern[str] | None = None
    refused: re.Pattern[str] | None = None
    effect: str = ""
    completes: re.Pattern[str] = COMPLETES
    command: str = "/compact"
    blanks: str = JAVASCRIPT


HABITS = {
    "claude": Habits(
        "2.1.197",
        "Claude Code",
        commands=pattern(r"[!/]"),
        refused=pattern(QUITS),
        effect="ends at",
    ),
    "codex": Habits("0.169.0", "Codex", commands=pattern(r"[!/]"), blanks=RUST),
    "gemini": Habits(
        "0.61.0",
        "Gemini CLI",
        commands=pattern(r"!"),
        # It looks for a command behind blanks too; a path is none.
        refused=pattern(rf"/(?![/*])[{JAVASCRIPT}]*[^{JAVASCRIPT}/]*(?:[{JAVASCRIPT}]|\Z)"),
        effect="runs",
        command="/compress",
    ),
    "opencode": Habits(
        "1.18.33",
        "OpenCode",
        commands=pattern(r"[!/]"),
        refused=pattern(QUITS),
        effect="ends at",
    ),
    "aider": Habits("0.86.2", "aider", commands=pattern(r"[!/]|\{\w*\s*\Z"), command="/clear", blanks=PYTHON),
}


def said(program: Program, content: str) -> Typed | Refused:
    """What to type so that the program sends `content` to its model, exactly but for blanks at its ends."""
    habits = HABITS.get(program.name)
    if habits is None:
        return Typed(content)
    bare = content.strip(habits.blanks)
    if habits.refused is not None and habits.refused.match(bare):
        word = bare.split(maxsplit=1)[0][:40]
        return Refused(
            f"{habits.title} {habits.effect} {word!r} instead of saying it: send it as type Control if that is meant,"
            " else word it otherwise"
        )
    before = " " if habits.commands is not None and habits.commands.match(content) else ""
    after = " " if habits.completes.search(content) else ""
    return Typed(before + content + after)


def bare(program: Program, content: str) -> str:
    """Why the program would not send `content` to its model, if it gets that without blanks of any language around it;
    empty when it does.
    """
    typed = said(program, content.strip(ALL_BLANKS))
    if isinstance(typed, Refused):
        return typed.reason
    if typed.text[:1] != " ":
        return ""
    word = content.strip(ALL_BLANKS).split(maxsplit=1)[0][:40]
    return (
        f"{HABITS[program.name].title} runs {word!r} instead of saying it: send it as type Control if that is meant,"
        " else word it otherwise"
    )


def run(program: Program, content: str) -> Typed | Refused:
    """What to type so that the program runs its own command `content`, as if a person had typed it."""
    line = content.strip()
    if "\n" in line:
        return Refused("a message of type Control is one line: send text of several lines as type User")
    if not line:
        habits = HABITS.get(program.name)
        whose = f"{habits.title}, such as {habits.command}" if habits is not None else "the agent's program"
        return Refused(f"a message of type Control names a command of {whose}")
    return Typed(line)
