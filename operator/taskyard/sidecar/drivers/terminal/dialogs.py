"""Tells the dialog that a known program shows now from the one before it, whose text may be the same. Pure.

| seen since the last look | it is |
|---|---|
| other words, another menu, another command | another dialog |
| the same, and nobody has pressed a key at it | the same, wherever it stands: what is above it may have grown |
| the same in its place, after keys were pressed | the same, unless it was gone for longer than a screen is drawn |
| the same in another place, after keys were pressed | another dialog: the keys have closed the first |

Its place is its row and the words above it. Between two dialogs a program may draw nothing that is ever seen, and a
screen that is half drawn may show no dialog.
"""

import hashlib
from collections import Counter

from taskyard.sidecar.screen.question import Dialog

# Seconds.
DRAWN_WITHIN = 0.5


class Dialogs:
    """`open` is the dialog that is shown. `number` tells it from all others of the run; `name` from all others of its
    turn, and is the same after a restart of the sidecar. `now` is in seconds.
    """

    def __init__(self) -> None:
        self.open: Dialog | None = None
        self.name, self.number = "", 0
        self._last: Dialog | None = None
        self._gone_at: float | None = None
        self._touched = False
        self._seen: Counter[str] = Counter()

    def begin_turn(self, now: float) -> None:
        """A message was sent, or an answer is about to be typed: the open dialog stays what it is."""
        self._seen.clear()
        if not self.is_open(self.number, now):
            self._last = None

    def pressed(self) -> None:
        """Keys are about to be pressed, which may close the open dialog."""
        self._touched = True

    def is_open(self, number: int, now: float) -> bool:
        """Whether the dialog of that number is shown, or the screen is being drawn."""
        return number == self.number and (self._gone_at is None or now <= self._gone_at + DRAWN_WITHIN)

    def see(self, dialog: Dialog | None, after: int, now: float) -> bool:
        """The screen shows this dialog, in a turn that began at the row `after`. Says whether others see a change."""
        before, self.open = self.open, dialog
        if dialog is None:
            if before is not None:
                self._gone_at = now
            return before is not None
        is_same = self._last is not None and self._is_same(self._last, dialog, now)
        self._last, self._gone_at = dialog, None
        if not is_same:
            self._touched = False
            self.number += 1
            self.name = self._named(dialog, after)
        return before is None or not is_same

    def _is_same(self, before: Dialog, dialog: Dialog, now: float) -> bool:
        if _asked(before) != _asked(dialog):
            return False
        in_place = (before.row, before.above) == (dialog.row, dialog.above)
        return not self._touched or (in_place and self.is_open(self.number, now))

    def _named(self, dialog: Dialog, after: int) -> str:
        asked = repr((*_asked(dialog), dialog.row - after)).encode(errors="replace")
        name = hashlib.sha256(asked).hexdigest()
        self._seen[name] += 1
        return f"{name}:{self._seen[name]}"


def _asked(dialog: Dialog) -> tuple[object, ...]:
    """What is asked, wherever it stands and whatever the pointer is at."""
    return dialog.text, dialog.answered_by.value, dialog.options, dialog.lines
