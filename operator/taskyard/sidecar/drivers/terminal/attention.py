"""Whether a program in a terminal works, waits for a message, or asks a person. Pure: `now` is in seconds.

| state | event | next |
|---|---|---|
| any | a run begins, or its output so far was read again | WORKING |
| WORKING | nothing changes for as long as `activity.rest` says, and the program waits then | WAITING |
| WORKING | the same, and the program asks then | ASKING |
| WAITING, ASKING | the screen changes, or what the kernel tells has another meaning | WORKING |
| any | a message is being typed | TYPING |
| TYPING | it was typed, or could not be | WORKING |

Hints and clocks that change within the input box of a program that waits are no change, and neither are clocks in the
line of one that asks.
"""

import enum
from typing import Protocol

from taskyard.core import text_limits
from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.drivers.terminal.dialogs import Dialogs
from taskyard.sidecar.drivers.terminal.identity import Identity
from taskyard.sidecar.drivers.terminal.questions import TerminalQuestion
from taskyard.sidecar.drivers.terminal.wording import Wording
from taskyard.sidecar.emulator import cells
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import Foreground, Reader, TerminalState
from taskyard.sidecar.screen import dialog, programs, question
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.question import AnsweredBy

RECOGNISED_WITHIN = 1 << 17
PATTERN_BESIDE_A_LINE = 60  # characters: what is reported has 300 in all
NOTHING_READ = programs.Reading(None, busy=False)


class ReadyPattern(Protocol):
    """`text` is the pattern as it is given."""

    text: str

    def is_shown(self, screen: str) -> bool: ...


class State(enum.Enum):
    WORKING = "working"
    WAITING = "waiting"
    ASKING = "asking"
    TYPING = "typing"


class Attention:
    """`begun`: the program has waited for a message, or got one, in this run. The methods that return a bool say
    whether what others see has changed.
    """

    def __init__(
        self, *, stable_after: float, agent_type: str, ready: ReadyPattern | None, start_timeout: float
    ) -> None:
        self._stable_after = stable_after
        self._pattern = ready
        self._start_timeout = start_timeout
        self._identity = Identity(agent_type)
        self.begin_run(0.0, begun=False, spoke=False)

    def begin_run(self, now: float, *, begun: bool, spoke: bool) -> None:
        """`spoke`: the program has written something before."""
        self._identity.begin_run()
        self._read_as = self.program.name
        self.state = State.WORKING
        self.reading = NOTHING_READ
        self.kernel: TerminalState | None = None
        self.dialogs = Dialogs()
        self._asked: TerminalQuestion | None = None
        self._asked_as = "", 0
        self._question, self._answered_by = "", AnsweredBy.TEXT
        self.wording = Wording(certain=not spoke)
        self._screen_end: str | None = None
        self._begun, self._spoke, self._is_ready, self._has_read = begun, spoke, False, False
        self._editor = ""
        self._run_at = self._changed_at = now

    @property
    def program(self) -> Program:
        return self._identity.program

    @property
    def question(self) -> str:
        return self._question if self.state is State.ASKING else self.reading.question

    def asked(self, instance: str, position: int, otherwise: str = "") -> TerminalQuestion | None:
        """The open question, which keeps its id until another one is asked; `otherwise` is the text where none is open.
        The turn began at `position` in the output of the run `instance`.
        """
        text = self.question or otherwise
        shown = self.dialogs.open if self.dialogs.open is not None and self.dialogs.open.text == text else None
        asked_as = text, self.dialogs.number if shown is not None else 0
        if not text:
            if not self._asked_as[1]:
                self._asked = None
            return None  # a dialog may come back when the screen is drawn
        if self._asked is None or self._asked_as != asked_as:
            self._asked_as = asked_as
            answered_by = self._answered_by if self.state is State.ASKING else AnsweredBy.TEXT
            self._asked = TerminalQuestion.of(
                text,
                self.dialogs.name if shown is not None else self.wording.name(text),
                instance=instance,
                position=position,
                answered_by=shown.answered_by if shown is not None else answered_by,
                options=shown.options if shown is not None else (),
            )
        return self._asked

    @property
    def is_outdated(self) -> bool:
        """Whether another program has the terminal than when the screen was looked at."""
        return self._read_as != self.program.name

    # The start.

    @property
    def starting(self) -> bool:
        """Whether the program has not begun to read: a message would be lost."""
        return not self._begun and self._rest.starts

    @property
    def waits_for(self) -> str:
        """What the program waits for before it reads its first message; empty when it may read."""
        if not self.starting:
            return ""
        if self._pattern is not None and not self._is_ready:
            return f"the screen has not shown agent.ready ({self._pattern.text}) yet"
        running = self.kernel.command if self.kernel is not None else ""
        return f"{running or 'a program'} runs, and nothing reads the agent's terminal"

    def not_reading(self, now: float, terminal: Terminal) -> str:
        """Why the program still starts though the time for that is over, and the last line of its screen when that was
        first asked: a script that goes on writing is no news each time. Empty when it does not.
        """
        if not self.starting or now < self._run_at + self._start_timeout:
            return ""
        if self._screen_end is None:
            self._screen_end = "" if activity.hides_input(self.kernel) else self.wording.line(terminal)
        what = "no process has read the agent's terminal"
        if self._pattern is not None and not self._is_ready:
            pattern = self._pattern.text
            if self._screen_end:
                pattern = text_limits.shortened(pattern, PATTERN_BESIDE_A_LINE)
            what = f"the screen has not shown agent.ready ({pattern})"
        why = f"{what} for {self._start_timeout:g} s"
        return f'{why}; the last line on it was then: "{self._screen_end}"' if self._screen_end else why

    # What happens.

    def output(self) -> None:
        self._spoke = True

    def look(self, terminal: Terminal, now: float, *, may_be_known: bool, after: int = -1) -> bool:
        """The screen has changed. `may_be_known`: it may still show the banner of a known program. What the program
        asks is below the row `after`.
        """
        if may_be_known:
            self._identity.screen(terminal)
        if self._pattern is not None and not self._is_ready:
            self._is_ready = self._pattern.is_shown(_as_shown(terminal))
        before, self.reading = self.reading, programs.read(self.program, terminal)
        self._read_as = self.program.name
        is_other = self.dialogs.see(self.reading.dialog, after, now)
        box = self.reading.box
        still = before.waits and self.reading.waits and box == before.box and terminal.changed >= (box or 0)
        still = still or self._is_asked_still(terminal, after)
        return (not still and self._change(now)) or is_other

    def tell(self, kernel: TerminalState, now: float) -> bool:
        """The kernel tells something new."""
        before, started = self._rest, self.starting
        self.kernel = kernel
        self._has_read = self._has_read or kernel.reader is Reader.YES
        self._identity.foreground(kernel)
        return (self._rest != before and self._change(now)) or self.starting is not started

    def reconnected(self, now: float) -> None:
        """The program can be reached again, or no longer."""
        self._change(now)

    def pressed(self, keys: str) -> None:
        """Keys are about to be pressed."""
        self.dialogs.pressed()
        self.wording.pressed(keys, self.kernel)

    def answered(self, terminal: Terminal) -> None:
        """A line that answers a question is about to be typed."""
        self.dialogs.pressed()
        self.wording.answered(self.kernel, terminal)

    def begin_turn(self, typed: str, now: float) -> None:
        """What is shown from now on answers `typed`."""
        self.dialogs.begin_turn(now)
        self.wording.begin_turn(typed)

    def begin_typing(self) -> None:
        self._begun = True
        self.state = State.TYPING

    def end_typing(self, now: float) -> None:
        if self.state is State.TYPING:
            self.state, self._changed_at = State.WORKING, now

    def rest_left(self, now: float) -> float | None:
        """Seconds until a screen that does not change has a meaning; None: it has none however long that lasts."""
        if self.state is not State.WORKING:
            return None
        seconds = self._rest.seconds
        if seconds is not None:
            return max(0.0, self._changed_at + seconds - now)
        if self.starting and now < self._run_at + self._start_timeout < float("inf"):
            return self._run_at + self._start_timeout - now
        return None

    def settle(self, terminal: Terminal, now: float, *, after: int = -1) -> bool:
        """Nothing has changed for `rest_left`. What the program asks is below the screen's row `after`."""
        if self.state is not State.WORKING:
            return False
        rest = self._rest
        if rest.seconds is None:
            return True  # the time to start may be over
        if self._changed_at + rest.seconds > now:
            return False
        self._question = self._asks(rest, terminal, after)
        self.state = State.ASKING if self._question else State.WAITING
        self._begun = self._begun or not self._question
        if self.kernel is not None and self.kernel.foreground is Foreground.OWN and self.state is State.WAITING:
            self._editor = self.kernel.command if terminal.bracketed_paste else ""
        return True

    def _asks(self, rest: activity.Rest, terminal: Terminal, after: int) -> str:
        self._answered_by = AnsweredBy.TEXT
        if rest.is_dialog and not activity.hides_input(self.kernel):
            words = dialog.last_words(terminal)
            self._answered_by = AnsweredBy.TEXT if question.wants_text(words) else AnsweredBy.KEYS
            return words
        if rest.is_dialog or (rest.question and not self.program.known):
            return self.waits_for_input(terminal, after)
        return rest.question

    def _is_asked_still(self, terminal: Terminal, after: int) -> bool:
        if self.state is not State.ASKING or self.kernel is None or self.wording.name(self._question) == self._question:
            return False
        return self.wording.is_shown(self.kernel, terminal, after)

    def waits_for_input(self, terminal: Terminal, after: int) -> str:
        """Which program waits for input, and the line of its screen at which it does; empty where that is not known."""
        return self.wording.question(self.kernel, terminal, after) if self.kernel is not None else ""

    @property
    def _rest(self) -> activity.Rest:
        ready = None if self._pattern is None else self._is_ready
        facts = activity.Facts(
            self.program, self.reading, self.kernel, self._spoke, ready, self._has_read, self._editor
        )
        return activity.rest(facts, stable_after=self._stable_after, begun=self._begun)

    def _change(self, now: float) -> bool:
        self._changed_at = now
        if self.state not in (State.WAITING, State.ASKING):
            return False
        self.state = State.WORKING
        return True


def _as_shown(terminal: Terminal) -> str:
    """The screen's text, with the blanks between the end of the input line and the cursor: a prompt ends in one."""
    row, column = terminal.cursor
    lines = [line.text for line in terminal.lines(terminal.top, max(terminal.end, row + 1))]
    lines[row - terminal.top] += " " * (column - cells.columns(lines[row - terminal.top]))
    return "\n".join(lines)
