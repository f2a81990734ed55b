"""Gives the agent its prompt, once, after whatever an earlier sidecar left without an outcome.

| state | event | next |
|---|---|---|
| RESOLVING | the messages that were being delivered when an earlier sidecar ended are concluded | WAITING |
| WAITING | the agent waits for a message, and the prompt is typed | DONE |
| WAITING | the agent waits, but its terminal can never take this prompt | REFUSED |
| WAITING | the disk refuses the intent, or the input box cannot be emptied: try again later | WAITING |
| WAITING | the agent got its prompt when it was started, or there is none | DONE |
| REFUSED | another message is typed: the prompt is passed over, for good | DONE |

Only in REFUSED and DONE does the agent take messages.
"""

import asyncio
import enum

from taskyard.sidecar.conversation.content import fault
from taskyard.sidecar.conversation.intents import RETRY, Intents, JournalUnavailableError
from taskyard.sidecar.conversation.journal import Entry, Outcome, prompt_key
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.conversation.status_store import StatusStore
from taskyard.sidecar.drivers.base import Driver, RefusedError, UnreachableError
from taskyard.sidecar.message_delivery import MessageDelivery, NotReadyError
from taskyard.sidecar.publication import Publication

REST = 0.1


class State(enum.Enum):
    RESOLVING = "resolving"
    WAITING = "waiting"
    REFUSED = "refused"
    DONE = "done"


class PromptDelivery:
    """`store` keeps which prompt was passed over. `left_over`: intents without an outcome, with their messages.
    `sha256` is the prompt's digest in hex.
    """

    def __init__(
        self,
        prompt: str,
        sha256: str,
        *,
        driver: Driver,
        intents: Intents,
        messages: MessageDelivery,
        publication: Publication,
        store: StatusStore,
        left_over: list[tuple[Entry, str]],
    ) -> None:
        self._prompt = prompt
        self._sha256 = sha256
        self._key = prompt_key(sha256)
        self._driver = driver
        self._intents = intents
        self._messages = messages
        self._publication = publication
        self._store = store
        self._left_over = left_over
        self._moved = asyncio.Event()
        self.trouble = ""
        is_over = intents.is_concluded(self._key) or store.passed_over == sha256
        is_typed = bool(prompt.strip()) and not driver.prompt_at_start and not is_over
        self._after = State.WAITING if is_typed else State.DONE
        self.state = State.RESOLVING if left_over else self._after

    @property
    def open(self) -> bool:
        """Whether the agent takes messages, as far as the prompt is concerned."""
        return self.state in (State.REFUSED, State.DONE)

    @property
    def is_refused(self) -> bool:
        return self.state is State.REFUSED

    @property
    def typed_sha256(self) -> str | None:
        """The prompt's digest once the agent has it."""
        # A command that has ended had its prompt, whether or not the journal says so by now.
        had_it = self._driver.prompt_at_start and self._driver.status is Status.STABLE and bool(self._prompt.strip())
        return self._sha256 if had_it or self._intents.is_concluded(self._key) else None

    def moved(self) -> None:
        """Something has changed at the agent."""
        self._moved.set()

    def pass_over(self) -> None:
        """A message is in the conversation: a prompt that was refused before it is no news any more, and would come
        too late.
        """
        if self.state is State.REFUSED:
            self.state, self.trouble = State.DONE, ""
            self._store.passed_over = self._sha256
            self._store.save()

    def is_in_trouble(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        if trouble:
            self._publication.broadcast.warn(trouble)
        self.trouble = trouble
        self._publication.update()

    async def run(self) -> None:
        """Ends when there is nothing left to do."""
        await self._resolve_left_over()
        if self._driver.prompt_at_start:
            await self._note_prompt()
        while self.state is State.WAITING:
            self._moved.clear()
            if self._driver.status is not Status.STABLE:
                await self._moved.wait()
                continue
            try:
                await self._type()
            except (JournalUnavailableError, NotReadyError, RefusedError, UnreachableError) as error:
                self.is_in_trouble(f"The prompt waits: {error}")
                await asyncio.sleep(RETRY)
        self._publication.update()

    async def _resolve_left_over(self) -> None:
        """Runs before anything else is typed, since text left in the agent's input line would become part of it."""
        while self._left_over:
            self._moved.clear()
            if not self._driver.reachable:
                await self._moved.wait()
                continue
            entry, content = self._left_over[0]
            try:
                await self._messages.earlier(entry.key, content)
            except UnreachableError:
                await asyncio.sleep(REST)
                continue
            del self._left_over[0]
        self.state = self._after
        self._publication.update()

    async def _type(self) -> None:
        entry = self._intents.find(self._key)
        if entry is not None:
            if entry.outcome is None:
                await self._messages.resolve(entry, self._prompt)
        elif reason := fault(self._prompt) or self._driver.refuses(self._prompt):
            self.state = State.REFUSED
            self.is_in_trouble(f"The prompt was not typed: {reason}")
            return
        else:
            await self._messages.message(self._key, self._prompt)
        self.state, self.trouble = State.DONE, ""

    async def _note_prompt(self) -> None:
        """Records that the agent has the prompt, which it got when it was started."""
        while not self._driver.instance:
            self._moved.clear()
            await self._moved.wait()
        if not self._prompt.strip() or self._intents.is_concluded(self._key):
            return
        try:
            await self._intents.record(self._key, self._prompt)
        except JournalUnavailableError as error:
            self._publication.broadcast.warn(str(error))
        else:
            self._intents.conclude(self._key, Outcome.DELIVERED)
