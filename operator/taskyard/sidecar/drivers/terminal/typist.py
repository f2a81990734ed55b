"""Types a message into an interactive program's terminal, and watches its effect on the screen."""

import asyncio

from taskyard.sidecar.conversation.content import keyless
from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.drivers.terminal.sight import Sight
from taskyard.sidecar.init.client import AgentClient, LostError
from taskyard.sidecar.init.frames import Foreground, Reader
from taskyard.sidecar.screen import programs

ECHO_TIMEOUT = 2.0
BOX_TIMEOUT = 10.0
KEYS_TIMEOUT = 3.0
ECHO_QUIET = 0.15
ECHO_TAIL = 24
LINES_TIMEOUT = 5.0
LINE_TIMEOUT = 0.5
CLEAR_TIMES = 8
CLEAR_TIMEOUT = 6.0
CLEAR_AT_ONCE = 4
ENTER_EVERY = 3.0
ENTER_TIMES = 5
PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"


def keystrokes(content: str, *, bracketed: bool) -> bytes:
    """What a terminal sends when the message is pasted, without what would act as a key. Without bracketed paste every
    line end is an Enter, as when a person types.
    """
    typed = keyless(content).replace("\n", "\r").encode()
    return PASTE_START + typed + PASTE_END if bracketed else typed


class Typist:
    """The methods raise client.LostError when the program can no longer be reached. `between_lines`: the rest of a
    message waits until the agent reads again.
    """

    def __init__(self, client: AgentClient, sight: Sight) -> None:
        self._client = client
        self._sight = sight
        self.between_lines = False
        # The screen's version when keys were pressed whose effect nobody has waited for.
        self._pressed: int | None = None
        # Bytes that were pressed without Enter in line mode: they stand in the kernel's line.
        self._standing = 0

    @property
    def held_up_by(self) -> str:
        """The program that waits for input of its own while the rest of a message waits for the agent; else empty."""
        kernel = self._sight.attention.kernel
        if not self.between_lines or kernel is None or kernel.reader is not Reader.YES:
            return ""
        return self._sight.waits_for_input() if kernel.foreground is Foreground.OTHER else ""

    def begin_run(self) -> None:
        self._standing = 0

    def untypable(self, text: str, *, control: bool = False) -> str:
        """Why the text cannot be typed without loss; empty when it can. `control`: as a person would, not pasted."""
        attention = self._sight.attention
        bracketed = self._sight.terminal.bracketed_paste and not control
        return activity.refusal(
            text, attention.program, attention.kernel, bracketed_paste=bracketed, standing=self._standing
        )

    def unpressable(self, keys: str) -> str:
        """Why the keys cannot be pressed without loss; empty when they can."""
        return activity.refuses_keys(keys, self._sight.attention.kernel, self._standing)

    async def enter(self, keys: bytes) -> None:
        """Presses keys, and Enter."""
        await self._client.input(keys + b"\r")
        self._standing = 0

    async def press(self, keys: str) -> None:
        """Presses keys as they are."""
        self._pressed = self._sight.terminal.version
        self._standing = activity.standing(keys, self._sight.attention.kernel, self._standing)
        self._sight.attention.pressed(keys)
        await self._client.input(keys.encode())

    async def prepare(self) -> str:
        """Takes out what stands in a known program's input box, which would become a part of the message. Returns why
        that failed; empty when the box is ready.
        """
        program = self._sight.attention.program
        if self._pressed is not None:
            await self._see_effect(self._pressed, KEYS_TIMEOUT)
            self._pressed = None
        deadline = _now() + CLEAR_TIMEOUT
        for _ in range(CLEAR_TIMES):
            reading = self._sight.attention.reading
            if reading.box is None or (reading.empty and reading.says):
                return ""
            before, version = self._box(), self._sight.terminal.version
            may_be_hint = programs.cursor_at_start(program, self._sight.terminal, reading.box)
            keys = program.clear * CLEAR_AT_ONCE
            await self._client.input(keys if reading.says else keys + program.leave)
            patience = min(KEYS_TIMEOUT, max(ECHO_QUIET, deadline - _now()))
            await self._see_effect(version, ECHO_QUIET if may_be_hint else patience)
            if may_be_hint and self._box() == before:
                return ""  # a hint that the program shows in an empty box
        reading = self._sight.attention.reading
        if reading.box is None or (reading.empty and reading.says):
            return ""
        return f"{program.name} has text in its input box that cannot be removed: send keystrokes with type Raw"

    async def _see_effect(self, version: int, patience: float) -> None:
        """Waits until the screen has changed since that version, and is at rest: a busy program takes its time."""
        deadline = _now() + patience
        while self._sight.terminal.version == version and (left := deadline - _now()) > 0:
            await self._sight.next_sample(left)
        deadline = _now() + KEYS_TIMEOUT
        while _now() < deadline and await self._sight.next_sample(ECHO_QUIET):
            pass

    async def type(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        """Pastes while the disk takes the intent, and presses Enter only after that: a paste alone has no effect.
        `control`: types it as a person would, so that the program takes it as a command of its own.
        """
        bracketed = self._sight.terminal.bracketed_paste and not control
        if control or not bracketed:
            await kept  # what is typed may act before Enter
        if not bracketed:
            content = await self._type_lines_but_last(content)
        version = self._sight.terminal.version
        empty = self._box()
        await self._client.input(keystrokes(content, bracketed=bracketed))
        filled = await self._await_box(empty) if empty else None
        if filled is None:
            await self._await_echo(content, version)
        await kept
        return await self.press_enter(filled, control=control)

    async def _type_lines_but_last(self, content: str) -> str:
        """Without bracketed paste every line is an input of its own, so the program gets a moment to answer each, at
        most LINES_TIMEOUT for all of them; where the kernel tells, at most LINE_TIMEOUT for each after that, since a
        screen may never come to rest. In line mode each line waits for the agent to read again, however long what the
        line before started takes. Returns what is left to be typed.
        """
        deadline = _now() + LINES_TIMEOUT
        while "\n" in content and (_now() < deadline or self.tells):
            line, content = content.split("\n", 1)
            version = self._sight.terminal.version
            await self.enter(keystrokes(line, bracketed=False))
            quiet_by = max(deadline, _now() + LINE_TIMEOUT) if self.tells else deadline
            while _now() < quiet_by and await self._sight.next_sample(ECHO_QUIET):
                pass
            if self._sight.terminal.version == version:
                await self._sight.next_sample(ECHO_QUIET)
            await self._await_reader()
        return content

    @property
    def tells(self) -> bool:
        """Whether the kernel tells if the program reads."""
        return self._sight.attention.kernel is not None and self._sight.attention.kernel.reader is not Reader.UNKNOWN

    async def _await_reader(self) -> None:
        """Waits until what is typed next goes to the agent: nothing in line mode reads it in its place, or later."""
        self.between_lines = True
        try:
            while (kernel := self._sight.attention.kernel) is not None and (
                kernel.foreground is Foreground.OTHER or (kernel.canonical and kernel.reader is Reader.NO)
            ):
                if not self._sight.reachable:
                    raise LostError("the agent ended while the lines of a message were typed")
                self._sight.tell()
                await self._sight.next_sample(ENTER_EVERY)
        finally:
            self.between_lines = False

    async def _await_echo(self, content: str, version: int) -> None:
        """Waits for the end of the message on the screen, or until the screen changed and came to rest; not fatal."""
        tail = "".join(content.split())[-ECHO_TAIL:]
        deadline = _now() + ECHO_TIMEOUT
        while (left := deadline - _now()) > 0:
            if self._sight.terminal.version != version:
                lines = self._sight.terminal.lines(self._sight.turn.mark.cursor, self._sight.terminal.end)
                if tail in "".join("".join(line.text.split()) for line in lines):
                    return
                left = min(left, ECHO_QUIET)
            if not await self._sight.next_sample(left) and self._sight.terminal.version != version:
                return

    def _box(self) -> list[str]:
        """The lines of a known program's input box; empty when there is none now."""
        if self._sight.attention.reading.box is None:
            return []
        return [
            line.text
            for line in self._sight.terminal.lines(self._sight.attention.reading.box, self._sight.terminal.end)
        ]

    async def _await_box(self, empty: list[str]) -> str | None:
        """Waits for the message in the input box, in whatever form; returns the line in which it begins, else None."""
        deadline = _now() + BOX_TIMEOUT
        while (left := deadline - _now()) > 0:
            if self._sight.attention.reading.question:
                return None
            new = [line for line in self._box() if line and line not in empty]
            if not await self._sight.next_sample(ECHO_QUIET if new else left) and new:
                return new[0]
        return None

    async def press_enter(self, filled: str | None = None, *, control: bool = False) -> bool:
        """Presses Enter, again while it has no visible effect: some programs take the first one as part of the paste.
        A message that is still in the input box, in the line `filled`, was not sent, whatever else changes. A command
        (`control`) may open a dialog; a dialog is no sign that a message was sent. At a dialog that has opened by
        itself Enter is not pressed: it would answer it.
        """
        for _ in range(ENTER_TIMES):
            if self._sight.attention.reading.question:
                return False
            seen = self._sight.terminal.version, self._sight.terminal.cursor
            deadline = _now() + ENTER_EVERY
            await self.enter(b"")
            while (left := deadline - _now()) > 0:
                await self._sight.next_sample(left)
                if filled is not None:
                    reading = self._sight.attention.reading
                    if control and reading.question:
                        return True
                    if programs.took(self._sight.attention.program, reading, self._box(), filled):
                        return True
                elif (self._sight.terminal.version, self._sight.terminal.cursor) != seen:
                    return True
                if not self._sight.reachable:
                    return False
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
