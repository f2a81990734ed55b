"""What a dialog at the end of a program's screen offers and says. Pure."""

import re

from taskyard.limits import MAX_OPTION_CHARACTERS, MAX_QUESTION_CHARACTERS, MAX_QUESTION_OPTIONS
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import programs

OPTION = re.compile(r"^(?:[❯›>●] *)?(\d)\. +(\S.*)$")  # noqa: RUF001 - the programs' pointers
LETTERS = re.compile(r"\w")


def menu_options(terminal: Terminal) -> tuple[tuple[str, str], ...]:
    """The lines of the numbered menu at the end of the screen, as (number, text); empty without one."""
    text, _ = programs.tail(terminal)
    found = [match.groups() for line in text.split("\n") if (match := OPTION.match(line.strip(programs.FRAME)))]
    first = max((at for at, (number, _) in enumerate(found) if number == "1"), default=len(found))
    return tuple(
        (number, " ".join(name.split())[:MAX_OPTION_CHARACTERS])
        for expected, (number, name) in enumerate(found[first : first + MAX_QUESTION_OPTIONS], 1)
        if number == str(expected)
    )


def last_words(terminal: Terminal) -> str:
    """The last line of the screen that says something, less its frame; a default when nothing does."""
    text, _ = programs.tail(terminal)
    lines = (" ".join(line.strip(programs.FRAME).split()) for line in reversed(text.split("\n")))
    said = next((line for line in lines if LETTERS.search(line)), "")
    return said[:MAX_QUESTION_CHARACTERS] or "the program shows no input box"
