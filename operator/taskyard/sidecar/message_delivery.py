"""Sends messages, keystrokes and answers to the agent, each key once.

| state | event | next |
|---|---|---|
| FREE | a message's intent is written | TYPING |
| TYPING | the agent reacted, or did not, or is gone: the outcome is in the journal | FREE |
| FREE | an intent without an outcome, left by a sidecar that was killed, is looked for | RECOVERING |
| RECOVERING | it was found on the screen, was sent off, or is in doubt | FREE |

In TYPING and RECOVERING the agent takes no other message. Keystrokes and answers are sent in any state.
"""

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from taskyard.sidecar.conversation.content import warning
from taskyard.sidecar.conversation.intents import Delivery, Intents
from taskyard.sidecar.conversation.journal import Entry, Outcome
from taskyard.sidecar.conversation.origin import Origin
from taskyard.sidecar.drivers.base import Driver, RefusedError, UnreachableError
from taskyard.sidecar.publication import Publication

# What the conversation has of an answer that is a secret.
HIDDEN = "(not shown)"

logger = logging.getLogger(__name__)


class NotReadyError(Exception):
    """The agent is working, asks something, or another message is being delivered."""


class State(enum.Enum):
    FREE = "free"
    TYPING = "typing"
    RECOVERING = "recovering"


class MessageDelivery:
    """Each delivery is an asyncio task of its own: a caller that disconnects does not stop it half-way, and one that
    retries joins it.
    """

    def __init__(
        self,
        driver: Driver,
        intents: Intents,
        publication: Publication,
        *,
        known: Callable[[str], bool],
        said: Callable[[], None],
    ) -> None:
        """`known` says whether the conversation has a message with that key; `said` hears that one is in it."""
        self._driver = driver
        self._intents = intents
        self._publication = publication
        self._known = known
        self._said = said
        self._under_way: dict[str, asyncio.Task[Delivery]] = {}
        self._being_answered: set[str] = set()
        self.state = State.FREE

    async def earlier(
        self, key: str | None, content: str, *, origin: Origin | None = None, found: bool = True
    ) -> Delivery | None:
        """The result of an earlier attempt with that key, or with the input of that origin and content, whatever its
        key was; None when there was none. An attempt without an outcome is resolved or, without `found`, counts as in
        doubt. Raises UnreachableError.
        """
        entry = self._intents.find_input(origin, content) if origin else None
        if entry is not None and entry.key != key:
            logger.info("message %s: not repeated, an input of this name and content was sent before", key)
            earlier = await self._attempt(entry.key, content, found=found) if entry.key else None
            return (earlier or Delivery())._replace(repeated=True)
        return await self._attempt(key, content, found=found) if key is not None else None

    async def _attempt(self, key: str, content: str, *, found: bool) -> Delivery | None:
        task = self._under_way.get(key)
        if task is not None:
            return await asyncio.shield(task)
        entry = self._intents.find(key)
        if entry is None:
            return None
        if entry.outcome is not None or not found:
            return Delivery(entry.outcome is not Outcome.DELIVERED)
        self._check_reachable()
        return await self._share(key, self.resolve(entry, content))

    async def message(self, key: str, content: str, *, control: bool = False, origin: Origin | None = None) -> Delivery:
        """Types a message, of which the intent is written first. Raises JournalUnavailableError, RefusedError and
        UnreachableError, and then nothing was typed.
        """
        self.state = State.TYPING
        self._publication.hold()
        return await self._share(key, self._type(key, content, control, origin))

    async def keystrokes(self, key: str | None, keys: str, *, origin: Origin | None = None) -> Delivery:
        """Raises UnreachableError and JournalUnavailableError."""
        self._check_reachable()
        if key is None:
            await self._driver.press(keys)
            return Delivery()
        return await self._share(key, self._press(key, keys, origin))

    async def answer(
        self, key: str | None, question_id: str, content: str, *, origin: Origin | None = None
    ) -> Delivery:
        """Raises UnreachableError, JournalUnavailableError, and RefusedError while another answer is given."""
        self._check_reachable()
        if question_id in self._being_answered:
            raise RefusedError(f'the question "{question_id}" is being answered')
        self._being_answered.add(question_id)
        key = key or f"answer:{question_id}"
        return await self._share(key, self._answer(key, question_id, content, origin))

    async def resolve(self, entry: Entry, content: str) -> Delivery:
        """Concludes an intent after which the sidecar ended without an outcome. The message is never typed again."""
        shown = self._driver.shows(content) if self.state is not State.FREE else await self._recover(content)
        if not self._known(entry.key):
            self._say(entry.key, content)
        logger.warning("message %s: %s", entry.key, "found on the screen" if shown else "in doubt, not typed again")
        return self._intents.conclude(entry.key, Outcome.DELIVERED if shown else Outcome.IN_DOUBT)

    def _check_reachable(self) -> None:
        if not self._driver.reachable:
            raise UnreachableError("the agent cannot be reached")

    async def _share(self, key: str, delivery: Coroutine[Any, Any, Delivery]) -> Delivery:
        task = asyncio.create_task(delivery)
        self._under_way[key] = task
        task.add_done_callback(lambda done: self._delivered(key, done))
        return await asyncio.shield(task)

    def _delivered(self, key: str, task: asyncio.Task[Delivery]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # the caller has it already, or is gone

    async def _type(self, key: str, content: str, control: bool, origin: Origin | None) -> Delivery:
        warn = self._publication.broadcast.warn
        kept: asyncio.Task[None] | None = None
        position, is_noted = 0, False

        def note() -> None:
            nonlocal is_noted
            if not is_noted:
                is_noted = True
                self._note(key, content, position)

        try:
            if reason := await self._driver.prepare():
                raise RefusedError(reason)
            if reason := self._driver.refusal:
                raise NotReadyError(reason)
            self._intents.write(key, content, origin)
            kept = self._intents.keep(key, content, origin, meanwhile=note)
            position = self._driver.open_turn(content)
            reacted = await self._driver.send(content, kept, control=control)
        except UnreachableError as error:
            if kept is None:
                raise
            note()
            warn(f"message {key} may not have reached the agent: {error}")
            reacted = False
        else:
            if not reacted:
                warn(f"the agent showed no reaction to message {key}")
        finally:
            if kept is not None:
                note()
                kept.cancel()
            self.state = State.FREE
            self._publication.release()
        return self._intents.conclude(key, Outcome.DELIVERED if reacted else Outcome.IN_DOUBT)

    async def _press(self, key: str, keys: str, origin: Origin | None) -> Delivery:
        await self._intents.record(key, keys, origin)
        try:
            await self._driver.press(keys)
        except UnreachableError:
            return self._intents.conclude(key, Outcome.IN_DOUBT)
        return self._intents.conclude(key, Outcome.DELIVERED)

    async def _answer(self, key: str, question_id: str, content: str, origin: Origin | None) -> Delivery:
        try:
            await self._intents.record(key, content, origin)
            self._say(key, HIDDEN if self._driver.hides_answers else content)
            self._warn_of_keys(key, content)
            taken = await self._driver.answer(question_id, content)
        except (RefusedError, UnreachableError) as error:
            self._publication.broadcast.warn(f"answer {key} may not have reached the agent: {error}")
            return self._intents.conclude(key, Outcome.IN_DOUBT)
        finally:
            self._being_answered.discard(question_id)
        if not taken:
            self._publication.broadcast.warn(f"answer {key}: the question is still open after it was typed")
        return self._intents.conclude(key, Outcome.DELIVERED if taken else Outcome.IN_DOUBT)

    def _note(self, key: str, content: str, position: int) -> None:
        self._publication.note(key, content, position, self._driver)
        self._said()
        self._warn_of_keys(key, content)
        self._publication.tell_soon()

    def _warn_of_keys(self, key: str, content: str) -> None:
        """What is typed is text: the conversation has the whole message, the agent has it without keys."""
        if told := warning(content):
            self._publication.broadcast.warn(f"message {key}: {told}")

    def _say(self, key: str, content: str) -> None:
        self._publication.note(key, content, self._driver.open_turn(content), self._driver)
        self._publication.tell()

    async def _recover(self, content: str) -> bool:
        self.state = State.RECOVERING
        try:
            return await self._driver.recover(content)
        finally:
            self.state = State.FREE
            self._publication.update()
