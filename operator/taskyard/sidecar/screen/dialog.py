"""What a dialog at the end of a program's screen says, for which there is no pattern. Pure."""

import re

from taskyard.limits import MAX_QUESTION_CHARACTERS
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.question import FRAME

LETTERS = re.compile(r"\w")


def last_words(terminal: Terminal) -> str:
    """The last line of the screen that says something, less its frame; a default when nothing does."""
    text, _ = programs.tail(terminal)
    lines = (" ".join(line.strip(FRAME).split()) for line in reversed(text.split("\n")))
    said = next((line for line in lines if LETTERS.search(line)), "")
    return said[:MAX_QUESTION_CHARACTERS] or "the program shows no input box"
