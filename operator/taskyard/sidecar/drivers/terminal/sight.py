"""What is seen of a program in a terminal: its screen is sampled, its attention judged, its answer read."""

import asyncio

from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import DriverObserver
from taskyard.sidecar.drivers.terminal import attention
from taskyard.sidecar.drivers.terminal.attention import Attention
from taskyard.sidecar.drivers.terminal.kept_modes import KeptModes
from taskyard.sidecar.drivers.terminal.sampler import Sampler
from taskyard.sidecar.drivers.terminal.turn_reader import TurnReader
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.client import AgentClient
from taskyard.sidecar.screen import prompt_line

# Seconds.
DRAWN_WITHIN = 1.0


class Sight:
    """`reachable` and `ended` are set by the driver: whether the program can be reached, and whether it has ended."""

    def __init__(
        self, attention: Attention, client: AgentClient, observer: DriverObserver, kept_modes: KeptModes
    ) -> None:
        self.attention = attention
        self.turn = TurnReader(observer.answer, now, kept_modes)
        self.sampler = Sampler(self)
        self.reachable = self.ended = False
        self._unread = False
        self._looked_at: tuple[Terminal, int] | None = None
        self._drawing_since: float | None = None
        self._client = client
        self._observer = observer

    @property
    def terminal(self) -> Terminal:
        return self.turn.terminal

    @property
    def status(self) -> Status:
        waits = self.reachable and self.attention.state is attention.State.WAITING
        return Status.STABLE if waits else Status.RUNNING

    # For the sampler.

    @property
    def typing(self) -> bool:
        return self.attention.state is attention.State.TYPING

    @property
    def replaying(self) -> bool:
        return self.turn.replaying

    @property
    def drained(self) -> bool:
        return self._client.drained

    def rest_left(self) -> float | None:
        left = self.attention.rest_left(now()) if self.reachable else None
        if not self._unread or self.typing:
            return left
        due = self.turn.due_in
        return due if left is None else min(left, due)

    def settle(self) -> None:
        if self._unread and self.turn.due_in == 0:
            self._read(settled=False)
        if self.reachable and self.attention.settle(self.terminal, now(), after=self._turn_began):
            if self.status is Status.STABLE:
                self._read(settled=True)
            self._observer.status_changed()

    def sample(self, *, final: bool = False) -> None:
        if self._refresh():
            self._observer.screen_changed()
            self._unread = True
        if final or (self._unread and self.turn.due_in == 0):
            self._read(settled=final)

    # For the driver and the typist.

    def waits_for_input(self) -> str:
        """Which program waits for input of its own now, and with which words."""
        self.terminal.refresh()
        return self.attention.waits_for_input(self.terminal, self._turn_began)

    def tell(self) -> None:
        """Something else reads the terminal, or may, while a message is typed."""
        self._observer.status_changed()

    @property
    def _turn_began(self) -> int:
        return prompt_line.last_row(self.turn.mark, self.terminal)

    def look(self) -> None:
        """Takes in what is on the screen now, up to the end of the answer."""
        self._refresh()
        self._read(settled=True)

    def read_unread(self) -> None:
        """Reads what is new on the screen, though the answer was read a moment ago and may go on."""
        if self._unread:
            self._read(settled=False)

    async def next_sample(self, patience: float) -> bool:
        """Waits for a sample of the screen after new output. False: there was none for `patience` seconds."""
        return await self.sampler.next_sample(patience)

    def _refresh(self) -> bool:
        if self._is_half_drawn():
            return False
        self.terminal.refresh()
        # Others refresh the terminal too, for its text: what counts is what was looked at.
        shown = self.terminal, self.terminal.version
        if shown == self._looked_at and not self.attention.is_outdated:
            return False
        self._looked_at = shown
        may_be_known = not self.turn.typed and self.turn.position < attention.RECOGNISED_WITHIN
        if self.attention.look(self.terminal, now(), may_be_known=may_be_known, after=self._turn_began):
            self._observer.status_changed()
        return True

    def _is_half_drawn(self) -> bool:
        """Whether the program is in the middle of a synchronized update, which it may never finish."""
        if not self.terminal.drawing or self.ended:
            self._drawing_since = None
            return False
        if self._drawing_since is None:
            self._drawing_since = now()
            asyncio.get_running_loop().call_later(DRAWN_WITHIN, self.sampler.wake)
        return now() < self._drawing_since + DRAWN_WITHIN

    def _read(self, *, settled: bool) -> None:
        self._unread = False
        self.turn.read(self.attention.program, self.attention.reading, settled=settled, ended=self.ended)


def now() -> float:
    """Seconds, on the event loop's clock."""
    return asyncio.get_running_loop().time()
