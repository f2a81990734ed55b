"""What each known program takes as text. Most of them run a message that begins with `!` or `/`, or quit at a lone
`exit`: such a message is typed so that the program sends it to its model, or it is refused. Pure.

Tried with the real programs, in the versions that TRIED names. An unknown program gets what is sent.
"""

import re
from dataclasses import dataclass

from taskyard.lazypattern import pattern
from taskyard.sidecar.screen.program import Program

# JavaScript's idea of blanks at the ends of a text, which these programs remove.
BLANKS = " \t\n\r\v\f\u00a0\ufeff\u2028\u2029"
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
    it runs all the same, matched without blanks around it. `completes`: ends that open a menu of completions or turn
    Enter into a new line; a space after them prevents that.
    """

    tried: str
    title: str
    commands: re.Pattern[str] | None = None
    refused: re.Pattern[str] | None = None
    effect: str = ""
    completes: re.Pattern[str] = COMPLETES
    command: str = "/compact"


HABITS = {
    "claude": Habits(
        "2.1.197",
        "Claude Code",
        commands=pattern(r"[!/]"),
        refused=pattern(QUITS),
        effect="ends at",
    ),
    "codex": Habits("0.169.0", "Codex", commands=pattern(r"[!/]")),
    "gemini": Habits(
        "0.61.0",
        "Gemini CLI",
        commands=pattern(r"!"),
        # It looks for a command behind blanks too; a path is none.
        refused=pattern(r"/(?![/*])\s*[^\s/]*(?:\s|\Z)"),
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
    "aider": Habits("0.86.2", "aider", commands=pattern(r"[!/]|\{\w*\s*\Z"), command="/clear"),
}


def said(program: Program, content: str) -> Typed | Refused:
    """What to type so that the program sends `content` to its model, exactly but for blanks at its ends."""
    habits = HABITS.get(program.name)
    if habits is None:
        return Typed(content)
    bare = content.strip(BLANKS)
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
    """Why the program would not send `content` to its model, if it gets that without blanks around it; empty when it
    does.
    """
    typed = said(program, content.strip())
    if isinstance(typed, Refused):
        return typed.reason
    if typed.text[:1] != " ":
        return ""
    word = content.split(maxsplit=1)[0][:40]
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
