"""Drives an interactive program through its terminal: detects when it waits, types messages, and reads the answers off
the screen.
"""

import asyncio
import logging

from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, DriverObserver, UnreachableError
from taskyard.sidecar.drivers.typist import Typist
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient, LostError
from taskyard.sidecar.screen import generic_answer, known_answer, programs
from taskyard.sidecar.screen.terminal import Terminal

logger = logging.getLogger(__name__)

SILENT_START = 10.0
UNSURE = 60.0
# Seconds: a taskyard-init that never finishes a frame holds a message up for no longer.
UNSEEN = 30.0
RECOGNISED_WITHIN = 1 << 17
SAMPLE = 0.05
SAMPLE_WHILE_TYPING = 0.005
# For each message, this many samples of the screen are taken as soon as there is output: the echo and reaction of most
# programs are noticed without delay, and a program that writes endlessly still costs no more than its share.
PROMPT_SAMPLES = 40
ANSWER_EVERY = 0.25
ANSWER_SHARE = 20
SLICE = 512
NOTHING_READ = programs.Reading(None, busy=False)


class TerminalDriver(Driver):
    """`stable_after`: seconds without a change on the screen after which the program counts as waiting for input. A
    program known by its `agent_type` or banner must also show its input box, and not show that it works or asks.
    """

    transport = "pty"

    def __init__(
        self,
        socket_path: str,
        prompt: str,
        observer: DriverObserver,
        *,
        stable_after: float,
        agent_type: str = "custom",
    ) -> None:
        self._stable_after = stable_after
        self._started = self._program = programs.named(agent_type)
        self.reading = NOTHING_READ
        self._client = AgentClient(socket_path, self)
        self._typist = Typist(self._client, self)
        self._prompt = prompt
        self._observer = observer
        self.terminal = Terminal(80, 24)
        self._instance = ""
        self._reachable = False
        self._ended = False
        self._stable = False
        self._position = 0
        self._replay_until = 0
        self.mark = generic_answer.beginning(0)
        self._mark_at: int | None = None
        self._typed = ""
        self._answer: str | None = None
        self._answer_due = 0.0
        self._changed_at = 0.0
        self._spoke = False
        self._typing = False
        self._prompt_samples = 0
        self._unrested = 0
        self._settled_version = -1
        self._fed = asyncio.Event()
        self._sampled: asyncio.Future[None] | None = None

    @property
    def agent_type(self) -> str:  # type: ignore[override]
        return self._program.name

    @property
    def question(self) -> str:
        return self.reading.question

    @property
    def refusal(self) -> str:
        return f"the agent asks something else first: {self.question}" if self.question else ""

    @property
    def status(self) -> Status:
        return Status.STABLE if self._stable and self._reachable and not self._typing else Status.RUNNING

    @property
    def reachable(self) -> bool:
        return self._reachable

    @property
    def instance(self) -> str:
        return self._instance

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run())
            tasks.create_task(self._watch())

    # Called by the socket's client.

    async def hello(self, hello: frames.Hello) -> None:
        self._set_reachable(False)
        self.terminal = Terminal(hello.columns, hello.rows)
        self._position = hello.replay_starts_at
        self._replay_until = hello.total
        self._ended = hello.state is frames.State.EXITED
        self._instance = hello.instance
        self._program, self.reading = self._started, NOTHING_READ
        self._answer = None
        self._settled_version = -1
        self._spoke = hello.total > 0
        self._unsettle()
        turn = self._observer.resume(hello.instance)
        self._typed = turn.typed if turn is not None else ""
        self.mark = generic_answer.beginning(self._position)
        self._mark_at = turn.position if turn is not None and turn.position >= self._position else None
        if hello.state is frames.State.WAITING:
            await self._go()
        await self._feed(b"")
        self._fed.set()

    async def _go(self) -> None:
        try:
            await self._client.go(self._prompt)
        except LostError as error:
            logger.warning("agent could not be started: %s", error)

    async def output(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            piece = data[start : start + SLICE]
            await self._feed(piece)
            self._unrested += len(piece)
            # Programs echo in pieces of a few bytes, too small to yield to the event loop after each.
            if self._unrested >= SLICE:
                self._unrested = 0
                await asyncio.sleep(0)
        if self._typing and self._prompt_samples > 0:
            self._prompt_samples -= 1
            self._sample_for_typist()
        else:
            self._fed.set()

    async def _feed(self, data: bytes) -> None:
        """Feeds the terminal, and takes the mark of the open turn again where the replayed output reaches it."""
        if self._mark_at is not None and self._position + len(data) >= self._mark_at:
            before = data[: self._mark_at - self._position]
            self.terminal.feed(before)
            self.terminal.refresh()
            self.mark = generic_answer.Mark.of(self.terminal, self._mark_at)
            self._position += len(before)
            self._mark_at = None
            data = data[len(before) :]
        self.terminal.feed(data)
        self._position += len(data)
        self._spoke = self._spoke or bool(data)
        replies = self.terminal.take_replies()
        if self._reachable:
            await self._reply(replies)
        elif self._position >= self._replay_until and not self._ended:
            self._set_reachable(True)

    async def _reply(self, replies: bytes) -> None:
        """Sends the terminal's replies to the program's queries; those of a replay were answered or dropped before."""
        if not replies:
            return
        try:
            await self._client.input(replies)
        except LostError as error:
            logger.warning("the program's query of its terminal was not answered: %s", error)

    async def errors(self, data: bytes) -> None:
        """A terminal has no separate standard error: all output of the program is on the screen."""

    async def ending(self) -> None:
        self._sample()
        self._observer.end()

    async def exited(self, status: int) -> None:
        self._sample(final=True)
        self._ended = True
        self._set_reachable(False)
        self._observer.ended(status)

    async def lost(self) -> None:
        if self._reachable:
            self._sample(final=True)
        self._set_reachable(False)

    # Stability.

    async def _watch(self) -> None:
        """Samples the screen whenever there is output, and notices when nothing changes any more."""
        while True:
            try:
                async with asyncio.timeout(self._rest_left()):
                    await self._fed.wait()
            except TimeoutError:
                self._settle()
                continue
            self._fed.clear()
            if self._position < self._replay_until:
                continue
            self._sample_for_typist()
            await asyncio.sleep(SAMPLE_WHILE_TYPING if self._typing else SAMPLE)

    def _sample_for_typist(self) -> None:
        self._sample()
        if self._sampled is not None and not self._sampled.done():
            self._sampled.set_result(None)

    def _rest_left(self) -> float | None:
        if self._stable or not self._reachable:
            return None
        rest = self._stable_after if self._spoke else SILENT_START
        if self._program.known and not self.reading.waits:
            if self.reading.question:
                return None
            rest = max(rest, UNSURE)  # a new version of the program may look different: silence counts too
        left = max(0.0, self._changed_at + rest - self._now())
        return left if self._all_seen else max(left, SAMPLE)

    @property
    def _all_seen(self) -> bool:
        """Whether all output has been sampled. Unread output is not silence, however late this process is."""
        return self._client.drained and not self._fed.is_set()

    def _settle(self) -> None:
        if self._rest_left() == 0.0:
            self._stable = True
            self._tell_answer(settled=True)
            self._observer.status_changed()

    def _unsettle(self) -> None:
        self._changed_at = self._now()
        if self._stable:
            self._stable = False
            if not self._typing:  # while typing, the status is running anyway
                self._observer.status_changed()

    def _sample(self, *, final: bool = False) -> None:
        if self.terminal.refresh():
            self._look()
            self._observer.screen_changed()
        if final or self._now() >= self._answer_due:
            self._tell_answer(settled=final)

    def _look(self) -> None:
        """Any change of the screen ends its rest, except for hints and clocks in the input box of a waiting program."""
        if not self._program.known and not self._typed and self._position < RECOGNISED_WITHIN:
            self._program = programs.from_screen(self.terminal, self._program)
        before, self.reading = self.reading, programs.read(self._program, self.terminal)
        box = self.reading.box
        if not (before.waits and self.reading.waits and box == before.box and self.terminal.changed >= (box or 0)):
            self._unsettle()
        if self.reading.question != before.question:
            self._observer.status_changed()

    def _tell_answer(self, *, settled: bool) -> None:
        if self._mark_at is not None or (settled and self._settled_version == self.terminal.version):
            return
        self._settled_version = self.terminal.version if settled else -1
        started = self._now()
        if self._program.known:
            text = known_answer.read(self._program, self.reading, self.terminal, self.mark, self._typed)
        else:
            text = generic_answer.read(self.terminal, self.mark, self._typed, settled=settled)
        # A long answer that keeps growing must not take more than its share of the single core that everything shares.
        self._answer_due = self._now() + max(ANSWER_EVERY, ANSWER_SHARE * (self._now() - started))
        if text != self._answer and (text or settled):
            self._answer = text
            self._observer.answer(text)

    def _set_reachable(self, reachable: bool) -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            self._unsettle()
            self._observer.reachable_changed()
        self._fed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # Typing.

    def open_turn(self, typed: str) -> int:
        if self.terminal.refresh():
            self._look()
        self._tell_answer(settled=True)
        self.mark = generic_answer.Mark.of(self.terminal, self._position)
        self._typed = typed
        self._answer = None
        self._settled_version = -1
        return self._position

    async def send(self, content: str, kept: asyncio.Future[None]) -> bool:
        if not self._reachable:
            raise UnreachableError("the agent's terminal does not answer")
        self._typing = True
        self._prompt_samples = PROMPT_SAMPLES
        try:
            return await self._typist.type(content, kept)
        except LostError as error:
            raise UnreachableError(str(error)) from error
        finally:
            self._typing = False
            self._stable = False
            self._changed_at = self._now()
            self._fed.set()

    async def next_sample(self, patience: float) -> bool:
        self._sampled = asyncio.get_running_loop().create_future()
        given_up_at = self._now() + patience + UNSEEN
        while not self._sampled.done():
            done, _ = await asyncio.wait([self._sampled], timeout=patience)
            if not done and (self._all_seen or self._now() >= given_up_at):
                return False
            patience = SAMPLE
        return True

    async def press(self, keys: str) -> None:
        try:
            await self._client.input(keys.encode())
        except LostError as error:
            raise UnreachableError(str(error)) from error

    def shows(self, content: str) -> bool:
        self.terminal.refresh()
        if self._program.known and known_answer.shows(self._program, self.terminal, self.mark, content):
            return True
        return generic_answer.shows(self.terminal, self.mark, content)

    async def recover(self, content: str) -> bool:
        self.terminal.refresh()
        if not self._reachable or self.question or not generic_answer.waits(self.terminal, self.mark, content):
            return self.shows(content)
        self._typing = True
        try:
            return await self._typist.press_enter()
        except LostError as error:
            raise UnreachableError(str(error)) from error
        finally:
            self._typing = False
            self._unsettle()
            self._fed.set()

    def screen(self) -> str:
        self.terminal.refresh()
        return self.terminal.text()
