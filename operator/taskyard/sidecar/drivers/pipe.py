"""What drivers of agents on pipes have in common: they follow one answer and report how it grows."""

import abc
import asyncio

from taskyard.sidecar.drivers.base import Driver, DriverObserver
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient, Receiver

TELL_EVERY = 0.25


class PipeDriver(Driver, Receiver):
    """Set `_news` when the answer has grown: it is reported at once, and then at most every TELL_EVERY seconds."""

    def __init__(self, socket_path: str, prompt: str, observer: DriverObserver) -> None:
        self._client = AgentClient(socket_path, self)
        self._prompt = prompt
        self._observer = observer
        self._instance = ""
        self._reachable = False
        self._news = asyncio.Event()

    async def terminal_state(self, state: frames.TerminalState) -> None:
        """The answer comes from a pipe or a server: what the kernel knows about a terminal changes nothing."""

    async def ending(self) -> None:
        self._observer.end()

    @property
    def instance(self) -> str:
        return self._instance

    @abc.abstractmethod
    def screen(self) -> str:
        """The answer so far: without a terminal it is all that a person would see."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run())
            tasks.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._tell()
            await asyncio.sleep(TELL_EVERY)

    def _tell(self) -> None:
        text = self.screen()
        if text:
            self._observer.answer(text)
        self._observer.screen_changed()
