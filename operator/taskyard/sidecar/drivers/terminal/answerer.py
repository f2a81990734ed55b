"""Answers what a program asks at its terminal, and watches whether the question closes.

| the question | is answered with | was answered when |
|---|---|---|
| a menu of a known program | the number of a line, and Enter where the program `confirms` | the dialog is gone |
| a text that a known program wants | the text and Enter | the dialog is gone, or the cursor has left its row |
| what any other program reads | the text and Enter | it was typed |
| a dialog that takes keys | nothing | |

A dialog is gone when another one is there, too, which may have the same words (`dialogs`). Enter is pressed at the one
that was asked about and at no other, and only while its pointer is at the line that was chosen.
"""

from collections.abc import Callable

from taskyard.sidecar.drivers.base import RefusedError
from taskyard.sidecar.drivers.terminal.questions import TerminalQuestion
from taskyard.sidecar.drivers.terminal.sight import Sight, now
from taskyard.sidecar.drivers.terminal.typist import ECHO_QUIET, LINE_TIMEOUT, Typist, keystrokes
from taskyard.sidecar.init.client import AgentClient, LostError
from taskyard.sidecar.init.frames import Reader
from taskyard.sidecar.screen.question import AnsweredBy

# Seconds. A program that has few cores takes its time; a question that stays open for longer was not answered.
TAKEN_WITHIN = 10.0
# What reads at a terminal without a dialog takes an answer, whenever it shows that.
CLOSED_WITHIN = 2.0
CLOSED_EVERY = 0.1
MENU_QUIET = 0.5


class Answerer:
    """`ask` returns the open question. The methods raise client.LostError when the program can no longer be reached."""

    def __init__(
        self, client: AgentClient, sight: Sight, typist: Typist, ask: Callable[[], TerminalQuestion | None]
    ) -> None:
        self._client = client
        self._sight = sight
        self._typist = typist
        self._ask = ask

    def refuses(self, question_id: str, text: str) -> str:
        """Why `text` does not answer that question; empty when it does."""
        asked = self._ask()
        if asked is None or asked.id != question_id:
            closed = f'the question "{question_id}" is not open (any more)'
            is_told = asked is None or asked.answered_by is not AnsweredBy.KEYS
            return closed if asked is None or is_told else f"{closed}, and {asked.refuses(text)}"
        return asked.refuses(text) or ("" if asked.options else self._typist.untypable(text))

    async def answer(self, question_id: str, text: str) -> bool:
        """Returns False where it is not known whether the program took it. Raises RefusedError when `text` is no
        answer, or when the program that asked is gone before it has read all lines; the others are not typed.
        """
        asked = self._ask()
        if asked is None or (reason := self.refuses(question_id, text)):
            raise RefusedError(reason if asked is not None else "the question is not open any more")
        if asked.options:
            return await self._choose(asked.typed(text) or "")
        is_dialog, row = self._sight.attention.dialogs.open is not None, self._sight.terminal.cursor[0]
        await self._type(asked, text)
        if is_dialog:
            return await self._is_taken(asked.text, row)
        deadline = now() + CLOSED_WITHIN  # until then no other answer is typed
        while self._ask() is asked and self._sight.reachable and (left := deadline - now()) > 0:
            await self._sight.next_sample(min(left, CLOSED_EVERY))
        return True

    async def _choose(self, number: str) -> bool:
        attention = self._sight.attention
        chosen, shown = attention.dialogs.number, attention.dialogs.open
        attention.pressed(number)
        await self._client.input(number.encode())
        rests_since = now()
        deadline = rests_since + TAKEN_WITHIN
        may_confirm = attention.program.confirms
        while self._sight.reachable and (left := deadline - now()) > 0:
            await self._sight.next_sample(min(left, CLOSED_EVERY))
            if not attention.dialogs.is_open(chosen, now()):
                return True
            if attention.dialogs.open != shown:
                shown, rests_since = attention.dialogs.open, now()
            is_there = shown is not None and shown.pointed == number
            if may_confirm and is_there and now() >= rests_since + MENU_QUIET:
                may_confirm = False
                await self._client.input(b"\r")
        return self._sight.ended

    async def _is_taken(self, text: str, row: int) -> bool:
        deadline = now() + TAKEN_WITHIN
        while self._sight.reachable and (left := deadline - now()) > 0:
            await self._sight.next_sample(min(left, CLOSED_EVERY))
            shown = self._sight.attention.dialogs.open
            # What is typed may be shown behind the words.
            if shown is None or not shown.text.startswith(text) or self._sight.terminal.cursor[0] != row:
                return True
        return self._sight.ended

    async def _type(self, question: TerminalQuestion, text: str) -> None:
        bracketed = self._sight.terminal.bracketed_paste
        if not bracketed:
            text = await self._type_all_but_last(question, text)
        self._sight.attention.answered(self._sight.terminal)
        await self._typist.enter(keystrokes(text, bracketed=bracketed))

    async def _type_all_but_last(self, question: TerminalQuestion, content: str) -> str:
        """Where the kernel tells who reads, each further line waits until the program that asked reads again: whatever
        has the terminal after it would take the line for a message. Returns what is left to be typed.
        """
        kernel = self._sight.attention.kernel
        if kernel is None or not self._typist.tells:
            return content
        asker = kernel.foreground, kernel.command, kernel.echo
        while "\n" in content:
            line, content = content.split("\n", 1)
            self._sight.attention.answered(self._sight.terminal)
            await self._typist.enter(keystrokes(line, bracketed=False))
            quiet_by = now() + LINE_TIMEOUT
            while now() < quiet_by and await self._sight.next_sample(ECHO_QUIET):
                pass
            while (left := self._sight.attention.kernel) is not None and left.reader is Reader.NO:
                if not self._sight.reachable:
                    raise LostError("the agent ended while the lines of an answer were typed")
                await self._sight.next_sample(ECHO_QUIET)
            if left is None or (left.foreground, left.command, left.echo) != asker:
                unread = content.count("\n") + 1
                raise RefusedError(
                    f"what asked is gone, and had not read the last {unread} lines, which are not typed: "
                    f"{question.text}"
                )
        return content
