"""Drives a program that runs once to completion: its output is the conversation, its exit status the result.

The program gets the prompt in its environment, and an empty standard input. taskyard-init retries it when it fails, as
often as the template version says.
"""

import asyncio
import logging

from taskyard.sidecar.conversation.pipe_tail import PipeTail
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import DriverObserver, UnreachableError
from taskyard.sidecar.drivers.pipe import PipeDriver
from taskyard.sidecar.drivers.reach import reaching
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import LostError

logger = logging.getLogger(__name__)

FINAL_FLUSH_TIMEOUT = 8.0
CTRL_C = "\x03"


class CommandDriver(PipeDriver):
    transport = "pipe"
    prompt_at_start = True

    def __init__(self, socket_path: str, prompt: str, observer: DriverObserver) -> None:
        super().__init__(socket_path, prompt, observer)
        self._ended = False
        self._tail = PipeTail()
        self._total = 0

    @property
    def status(self) -> Status:
        return Status.STABLE if self._ended else Status.RUNNING

    @property
    def reachable(self) -> bool:
        """True also for a command that has ended: its result is there, and nothing is missing."""
        return self._reachable or self._ended

    @property
    def refusal(self) -> str:
        return "the command has finished" if self._ended else "the command runs and takes no messages"

    @property
    def final_flush_timeout(self) -> float:
        """The result is reported only once; the Pod has ended by itself, so there is time."""
        return FINAL_FLUSH_TIMEOUT if self._ended else super().final_flush_timeout

    # Called by the socket's client.

    async def hello(self, hello: frames.Hello) -> None:
        self._instance = hello.instance
        self._total = hello.replay_starts_at
        self._tail = PipeTail(cut=self._total > 0)
        if hello.state is frames.State.WAITING:
            try:
                await self._client.go(self._prompt, end_input=True)
            except LostError as error:
                logger.warning("command could not be started: %s", error)
        self._reachable = True
        self._observer.resume(hello.instance)
        self._observer.reachable_changed()
        self._observer.status_changed()

    async def output(self, data: bytes) -> None:
        self._tail.feed(data)
        self._total += len(data)
        self._news.set()

    async def errors(self, data: bytes) -> None:
        await self.output(data)

    async def exited(self, status: int) -> None:
        self._tell()
        self._ended = True
        self._observer.ended(status)
        self._observer.status_changed()

    async def lost(self) -> None:
        self._reachable = False
        self._observer.reachable_changed()

    # Messages.

    def open_turn(self, typed: str) -> int:
        return self._total

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        raise UnreachableError(self.refusal)

    @property
    def refuses_control(self) -> str:
        return "a command has no prompt for input of type control"

    def refuses_keys(self, keys: str) -> str:
        return "" if CTRL_C in keys else "a command takes no keystrokes but Ctrl-C"

    async def press(self, keys: str) -> None:
        with reaching():
            await self._client.interrupt()

    def shows(self, content: str) -> bool:
        return True

    def screen(self) -> str:
        return self._tail.text()
