"""What one program's screen looks like. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """What one program's screen looks like. Patterns are searched for in the text of the screen's last lines.

    `box`: from the first line of the input box to the end of the screen; the program waits when it is shown.
    `says`: how the box's text begins while Enter sends it to the model, `runs`: while Enter runs it as a command.
    `placeholder`: what an empty box shows after that. `clear`: keys that take text out of the box wherever the cursor
    is, to be repeated until it is empty; they do nothing to an empty one. `leave`: keys that end `runs` in an empty
    box.
    `busy`: is shown only while the program works. `asks`: what keys alone answer, as its first group; `wants`: what a
    text answers. `overlay`: the title of a dialog above the box, as its first group. `dialogs`: whether it has numbered
    menus, and a screen that ends with the keys that close a dialog is one. `confirms`: a line of a menu is taken by its
    number and Enter, not by the number alone. `keeps_box`: it shows its box while it works.
    `echo`: the start of lines in which the program shows a message that it got. `chatter`: the program's own lines in
    the conversation, with the rest of their paragraph (a spinner, a duration, a tip); `decor`: such lines alone.
    `farewell`: what the program says when it ends.
    """

    name: str
    banner: re.Pattern[str] | None = None
    box: re.Pattern[str] | None = None
    says: re.Pattern[str] | None = None
    runs: re.Pattern[str] | None = None
    placeholder: re.Pattern[str] = re.compile("$")
    clear: bytes = b"\x15\x0b\x7f\x1b[3~"
    leave: bytes = b""
    busy: re.Pattern[str] | None = None
    asks: re.Pattern[str] | None = None
    wants: re.Pattern[str] | None = None
    overlay: re.Pattern[str] | None = None
    dialogs: bool = False
    confirms: bool = False
    echo: re.Pattern[str] | None = None
    chatter: tuple[re.Pattern[str], ...] = ()
    decor: tuple[re.Pattern[str], ...] = ()
    farewell: re.Pattern[str] | None = None
    keeps_box: bool = True

    @property
    def known(self) -> bool:
        """Whether there are patterns for its screen."""
        return self.box is not None

    def without_chatter(self, lines: Iterable[str]) -> Iterator[str]:
        """The conversation alone."""
        return (line for line, spoken in self.spoken(lines) if spoken)

    def spoken(self, lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Each line, and whether it is part of the conversation."""
        chattering = False
        for line in lines:
            chattering = bool(line) and (chattering or any(pattern.search(line) for pattern in self.chatter))
            yield line, not chattering and not any(pattern.search(line) for pattern in self.decor)
