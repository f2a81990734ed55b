"""Drives an interactive program through its terminal: follows its output, reads its answers, and types messages.

| state | event | next |
|---|---|---|
| DOWN | taskyard-init's hello: the command runs | REPLAYING |
| DOWN | taskyard-init's hello: the command has ended | ENDED |
| REPLAYING | the output so far was read | UP |
| UP | the command ends | ENDED |
| any | the connection is lost, or begins anew | DOWN |

The agent is reachable in UP alone; what it does then is told by `attention.Attention`.
"""

import asyncio
import enum
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from taskyard.sidecar.conversation import sentences
from taskyard.sidecar.conversation.content import typable
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, DriverObserver, UnreachableError
from taskyard.sidecar.drivers.reach import reaching
from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.drivers.terminal.answerer import Answerer
from taskyard.sidecar.drivers.terminal.attention import Attention, ReadyPattern
from taskyard.sidecar.drivers.terminal.kept_modes import KeptModes
from taskyard.sidecar.drivers.terminal.questions import TerminalQuestion
from taskyard.sidecar.drivers.terminal.sight import Sight, now
from taskyard.sidecar.drivers.terminal.typist import Typist
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient, LostError
from taskyard.sidecar.screen import sayable

logger = logging.getLogger(__name__)

SLICE = 512
# Seconds.
LOOKED_AFTER = 0.002


class Connection(enum.Enum):
    DOWN = "down"
    REPLAYING = "replaying"
    UP = "up"
    ENDED = "ended"


class TerminalDriver(Driver):
    """`stable_after`: seconds without a change on the screen after which the program may count as waiting for input.
    `agent_type` names the program; empty: its banner does. `ready` is what the screen must show before the first
    message; a program that reads nothing for `start_timeout` seconds is said to read nothing. `state_file` keeps what a
    later sidecar cannot learn from the program again.
    """

    transport = "pty"
    asks = True
    follows_start = True

    def __init__(
        self,
        socket_path: str,
        prompt: str,
        observer: DriverObserver,
        *,
        stable_after: float,
        state_file: Path,
        agent_type: str = "",
        ready: ReadyPattern | None = None,
        start_timeout: float = float("inf"),
    ) -> None:
        self._prompt = prompt
        self._observer = observer
        self._client = AgentClient(socket_path, self)
        self.attention = Attention(
            stable_after=stable_after, agent_type=agent_type, ready=ready, start_timeout=start_timeout
        )
        self._sight = Sight(self.attention, self._client, observer, KeptModes(state_file))
        self.turn = self._sight.turn
        self._sampler = self._sight.sampler
        self._typist = Typist(self._client, self._sight)
        self._answerer = Answerer(self._client, self._sight, self._typist, self._ask)
        self._connection = Connection.DOWN
        self._instance = ""
        self._unrested = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run())
            tasks.create_task(self._sampler.run())

    # What the session sees.

    @property
    def agent_type(self) -> str:  # type: ignore[override]
        return self.attention.program.name

    @property
    def status(self) -> Status:
        return self._sight.status

    @property
    def reachable(self) -> bool:
        return self._connection is Connection.UP

    @property
    def instance(self) -> str:
        return self._instance

    @property
    def starting(self) -> str:
        return self.attention.waits_for if self.reachable else ""

    @property
    def not_reading(self) -> str:
        return self.attention.not_reading(now(), self.turn.terminal) if self.reachable else ""

    @property
    def question(self) -> str:
        return self.attention.question or self._typist.held_up_by

    @property
    def asked(self) -> dict[str, Any] | None:
        asked = self._ask()
        return asked.body() if asked is not None else None

    def _ask(self) -> TerminalQuestion | None:
        return self.attention.asked(self._instance, self.turn.mark.position, self._typist.held_up_by)

    @property
    def takes_leave(self) -> bool:
        return self.attention.program.known

    @property
    def refusal(self) -> str:
        return f"the agent asks something else first: {self.question}" if self.question else ""

    def summary(self, answer: str) -> str:
        return sentences.last_sentence(answer, self.turn.terminal.columns) if self.attention.program.known else ""

    def screen(self) -> str:
        self.turn.terminal.refresh()
        return self.turn.terminal.text()

    # Called by the socket's client.

    async def hello(self, hello: frames.Hello) -> None:
        self._connect(Connection.DOWN)
        self._instance = hello.instance
        turn = self._observer.resume(hello.instance)
        typed = typable(turn.typed) if turn is not None else ""
        self.attention.begin_run(now(), begun=bool(typed), spoke=hello.total > 0)
        self.turn.begin_run(hello, turn, typed)
        self._typist.begin_run()
        if hello.state is frames.State.WAITING:
            await self._go()
        self._connect(Connection.ENDED if hello.state is frames.State.EXITED else Connection.REPLAYING)
        await self._feed(b"")
        self._sampler.wake()

    async def _go(self) -> None:
        try:
            await self._client.go(self._prompt)
        except LostError as error:
            logger.warning("agent could not be started: %s", error)

    async def output(self, data: bytes) -> None:
        self.attention.output()
        for start in range(0, len(data), SLICE):
            piece = data[start : start + SLICE]
            await self._feed(piece)
            self._unrested += len(piece)
            # Programs echo in pieces of a few bytes, too small to yield to the event loop after each.
            if self._unrested >= SLICE:
                self._unrested = 0
                await asyncio.sleep(0)
        self._sampler.output()

    async def _feed(self, data: bytes) -> None:
        replies = self.turn.feed(data)
        if self._connection is Connection.REPLAYING and not self.turn.replaying:
            self._connect(Connection.UP)
        elif self.reachable and replies:  # those of a replay were sent or dropped before
            try:
                await self._client.input(replies)
            except LostError as error:
                logger.warning("the program's query of its terminal was not answered: %s", error)

    async def terminal_state(self, state: frames.TerminalState) -> None:
        if self.attention.tell(state, now()):
            self._observer.status_changed()
        # While a message is typed, what it does to the screen is waited for: another look would only delay that.
        if not self._sight.typing or self._typist.between_lines:
            self._sampler.wake()

    async def errors(self, data: bytes) -> None:
        """A terminal has no separate standard error: all output of the program is on the screen."""

    async def ending(self) -> None:
        self._sight.sample()
        self._sight.read_unread()
        self._observer.end()

    async def exited(self, status: int) -> None:
        self._sight.ended = True
        self._sight.sample(final=True)
        self._connect(Connection.ENDED)
        self._observer.ended(status)

    async def lost(self) -> None:
        if self.reachable:
            self._sight.sample(final=True)
        self._connect(Connection.DOWN)

    def _connect(self, connection: Connection) -> None:
        before, self._connection = self._connection, connection
        self._sight.reachable, self._sight.ended = self.reachable, connection is Connection.ENDED
        if (before is Connection.UP) != (connection is Connection.UP):
            self.attention.reconnected(now())
            self._observer.reachable_changed()
        self._sampler.wake()

    # Typing.

    def open_turn(self, typed: str) -> int:
        self._sight.look()
        self.attention.begin_turn(typable(typed), now())
        return self.turn.begin_turn(typable(typed))

    def refuses(self, content: str, *, control: bool = False) -> str:
        typed = self._typed(content, control=control)
        if isinstance(typed, sayable.Refused):
            return typed.reason
        return self._typist.untypable(typed.text, control=control)

    def _typed(self, content: str, *, control: bool) -> sayable.Typed | sayable.Refused:
        return (sayable.run if control else sayable.said)(self.attention.program, typable(content))

    async def prepare(self) -> str:
        with reaching():
            return await self._typist.prepare()

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        if not self.reachable:
            raise UnreachableError("the agent's terminal does not answer")
        self._sampler.expect_reaction()
        typed = self._typed(content, control=control)
        text = typed.text if isinstance(typed, sayable.Typed) else typable(content)
        return await self._while_typing(self._typist.type(text, kept, control=control))

    async def recover(self, content: str) -> bool:
        if not self.reachable or self.question or not self.turn.waits(typable(content)):
            return self.shows(content)
        return await self._while_typing(self._typist.press_enter())

    async def _while_typing(self, typing: Coroutine[Any, Any, bool]) -> bool:
        self.attention.begin_typing()
        try:
            with reaching():
                return await typing
        finally:
            self.attention.end_typing(now())
            # Whoever sent the message hears of its delivery first.
            asyncio.get_running_loop().call_later(LOOKED_AFTER, self._sampler.wake)

    def shows(self, content: str) -> bool:
        return self.turn.shows(self.attention.program, typable(content))

    async def press(self, keys: str) -> None:
        with reaching():
            await self._typist.press(keys)

    @property
    def hides_answers(self) -> bool:
        return activity.hides_input(self.attention.kernel)

    def refuses_keys(self, keys: str) -> str:
        return self._typist.unpressable(keys)

    def refuses_answer(self, question_id: str, content: str) -> str:
        return self._answerer.refuses(question_id, typable(content))

    async def answer(self, question_id: str, content: str) -> bool:
        with reaching():
            return await self._answerer.answer(question_id, typable(content))
