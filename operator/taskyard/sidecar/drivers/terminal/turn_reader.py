"""Follows the agent's output: what the open turn has shown on the screen so far."""

from collections.abc import Callable

from taskyard.sidecar.drivers.base import Turn
from taskyard.sidecar.drivers.terminal.kept_modes import KeptModes
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import Hello
from taskyard.sidecar.screen import generic_answer, known_answer
from taskyard.sidecar.screen.generic_answer import Mark
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.programs import Reading

# Seconds. Until then the message is being typed, which reading would only hold up.
FIRST_ANSWER = 0.02
ANSWER_EVERY = 0.25
ANSWER_SHARE = 20


class TurnReader:
    """`typed` is the message of the open turn, empty for the greeting; `mark` is where the turn began, and `position`
    counts the bytes of output so far. After a restart of the sidecar the mark is taken again when the replay reaches
    it. `tell` gets each new text of the answer; `clock` is in seconds.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float], kept_modes: KeptModes) -> None:
        self._tell = tell
        self._clock = clock
        self.terminal = Terminal(80, 24)
        self.position = self._replay_until = 0
        self.typed = ""
        self.mark = generic_answer.beginning(0)
        self._mark_at: int | None = None
        self._answer: str | None = None
        self._due = 0.0
        self._settled_version = -1
        self._known = known_answer.Reader()
        self._kept_modes = kept_modes

    @property
    def replaying(self) -> bool:
        """Whether output that an earlier sidecar may have seen is still to come."""
        return self.position < self._replay_until

    def begin_run(self, hello: Hello, turn: Turn | None, typed: str) -> None:
        """A replay follows; the open turn, in which `typed` was typed, may begin in it."""
        self.terminal = Terminal(hello.columns, hello.rows)
        self.position, self._replay_until = hello.replay_starts_at, hello.total
        self.terminal.feed(self._kept_modes.begin_run(hello.instance, self.position))
        self.typed = typed
        self.mark = generic_answer.beginning(self.position)
        self._mark_at = turn.position if turn is not None and turn.position >= self.position else None
        self._answer, self._settled_version = None, -1

    def begin_turn(self, typed: str) -> int:
        """What is shown from now on answers `typed`; returns the position. The terminal must have been refreshed."""
        self.mark = Mark.of(self.terminal, self.position)
        self.typed = typed
        self._answer, self._settled_version = None, -1
        self._due = self._clock() + FIRST_ANSWER
        return self.position

    def feed(self, data: bytes) -> bytes:
        """Takes output; returns the terminal's replies to the program's queries."""
        if self._mark_at is not None and self.position + len(data) >= self._mark_at:
            before = data[: self._mark_at - self.position]
            self.terminal.feed(before)
            self.terminal.refresh()
            self.mark = Mark.of(self.terminal, self._mark_at)
            self._mark_at = None
            self.position += len(before)
            data = data[len(before) :]
        self.terminal.feed(data)
        self.position += len(data)
        self._kept_modes.follow(self.terminal, self.position)
        return self.terminal.take_replies()

    @property
    def due_in(self) -> float:
        """Seconds until the answer may be read again."""
        return max(0.0, self._due - self._clock())

    def read(self, program: Program, reading: Reading, *, settled: bool, ended: bool = False) -> None:
        """Tells the answer if it has changed. `settled`: the screen is at rest, so an empty answer is one. `ended`: the
        program is gone, and may have left a screen that it had not finished.
        """
        if self._mark_at is not None or (settled and self._settled_version == self.terminal.version):
            return
        self._settled_version = self.terminal.version if settled else -1
        started = self._clock()
        if program.known:
            text: str | None = self._known.read(
                program, reading, self.terminal, self.mark, self.typed, settled=settled and not ended
            )
        else:
            text = generic_answer.read(self.terminal, self.mark, self.typed, settled=settled)
        now = self._clock()
        # A long answer that keeps growing must not take more than its share of the single core that everything shares.
        self._due = now + max(ANSWER_EVERY, ANSWER_SHARE * (now - started))
        if text is not None and text != self._answer and (text or settled):
            self._answer = text
            self._tell(text)

    def shows(self, program: Program, content: str) -> bool:
        """Whether the message is visible since the turn began."""
        self.terminal.refresh()
        if program.known and known_answer.shows(program, self.terminal, self.mark, content):
            return True
        return generic_answer.shows(self.terminal, self.mark, content)

    def waits(self, content: str) -> bool:
        """Whether the message is in the input line, typed but not sent."""
        self.terminal.refresh()
        return generic_answer.waits(self.terminal, self.mark, content)
