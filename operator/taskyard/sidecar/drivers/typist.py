"""Types a message into an interactive program's terminal, and watches its effect on the screen."""

import asyncio
from typing import Protocol

from taskyard.sidecar.init.client import AgentClient
from taskyard.sidecar.screen.generic_answer import Mark
from taskyard.sidecar.screen.programs import Reading
from taskyard.sidecar.screen.terminal import Terminal

ECHO_TIMEOUT = 2.0
BOX_TIMEOUT = 10.0
ECHO_QUIET = 0.15
ECHO_TAIL = 24
LINES_TIMEOUT = 5.0
ENTER_EVERY = 3.0
ENTER_TIMES = 5
PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"


def keystrokes(content: str, *, bracketed: bool) -> bytes:
    """What a terminal sends when the message is pasted. Without bracketed paste every line end is an Enter, as when a
    person types.
    """
    typed = content.replace("\n", "\r").encode()
    return PASTE_START + typed + PASTE_END if bracketed else typed


class Sight(Protocol):
    """What the driver sees of the program. `mark` is where the open turn began."""

    @property
    def terminal(self) -> Terminal: ...

    @property
    def reading(self) -> Reading: ...

    @property
    def mark(self) -> Mark: ...

    @property
    def reachable(self) -> bool: ...

    async def next_sample(self, patience: float) -> bool:
        """Waits for a sample of the screen after new output. False: there was none for `patience` seconds."""


class Typist:
    """The methods raise client.LostError when the program can no longer be reached."""

    def __init__(self, client: AgentClient, sight: Sight) -> None:
        self._client = client
        self._sight = sight

    async def type(self, content: str, kept: asyncio.Future[None]) -> bool:
        """Pastes while the disk takes the intent, and presses Enter only after that: a paste alone has no effect."""
        if not self._sight.terminal.bracketed_paste:
            await kept
            content = await self._type_lines_but_last(content)
        version = self._sight.terminal.version
        empty = self._box()
        await self._client.input(keystrokes(content, bracketed=self._sight.terminal.bracketed_paste))
        filled = await self._await_box(empty) if empty else None
        if filled is None:
            await self._await_echo(content, version)
        await kept
        return await self.press_enter(filled)

    async def _type_lines_but_last(self, content: str) -> str:
        """Without bracketed paste every line is an input of its own, so the program gets a moment to answer each, at
        most LINES_TIMEOUT for all of them. Returns what is left to be typed.
        """
        deadline = _now() + LINES_TIMEOUT
        while "\n" in content and _now() < deadline:
            line, content = content.split("\n", 1)
            version = self._sight.terminal.version
            await self._client.input(keystrokes(line + "\n", bracketed=False))
            while _now() < deadline and await self._sight.next_sample(ECHO_QUIET):
                pass
            if self._sight.terminal.version == version:
                await self._sight.next_sample(ECHO_QUIET)
        return content

    async def _await_echo(self, content: str, version: int) -> None:
        """Waits for the end of the message on the screen, or until the screen changed and came to rest; not fatal."""
        tail = "".join(content.split())[-ECHO_TAIL:]
        deadline = _now() + ECHO_TIMEOUT
        while (left := deadline - _now()) > 0:
            if self._sight.terminal.version != version:
                lines = self._sight.terminal.lines(self._sight.mark.cursor, self._sight.terminal.end)
                if tail in "".join("".join(line.text.split()) for line in lines):
                    return
                left = min(left, ECHO_QUIET)
            if not await self._sight.next_sample(left) and self._sight.terminal.version != version:
                return

    def _box(self) -> list[str]:
        """The lines of a known program's input box; empty when there is none now."""
        if self._sight.reading.box is None:
            return []
        return [line.text for line in self._sight.terminal.lines(self._sight.reading.box, self._sight.terminal.end)]

    async def _await_box(self, empty: list[str]) -> str | None:
        """Waits for the message in the input box, in whatever form; returns the line in which it begins, else None."""
        deadline = _now() + BOX_TIMEOUT
        while (left := deadline - _now()) > 0:
            new = [line for line in self._box() if line and line not in empty]
            if not await self._sight.next_sample(ECHO_QUIET if new else left) and new:
                return new[0]
        return None

    async def press_enter(self, filled: str | None = None) -> bool:
        """Presses Enter, again while it has no visible effect: some programs take the first one as part of the paste.
        A message that is still in the input box, in the line `filled`, was not sent, whatever else changes.
        """
        for _ in range(ENTER_TIMES):
            seen = self._sight.terminal.version, self._sight.terminal.cursor
            deadline = _now() + ENTER_EVERY
            await self._client.input(b"\r")
            while (left := deadline - _now()) > 0:
                await self._sight.next_sample(left)
                if filled is not None:
                    box = self._box()
                    if self._sight.reading.busy or self._sight.reading.question or (box and filled not in box):
                        return True
                elif (self._sight.terminal.version, self._sight.terminal.cursor) != seen:
                    return True
                if not self._sight.reachable:
                    return False
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
