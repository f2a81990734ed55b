"""Intents in the journal to send something to the agent: an intent is written first, is on the disk before the message
can take effect, and gets its outcome afterwards.
"""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Callable
from typing import NamedTuple

from taskyard.sidecar.conversation.conversation import timestamp
from taskyard.sidecar.conversation.journal import Entry, Journal, Outcome, digest
from taskyard.sidecar.conversation.origin import Origin

logger = logging.getLogger(__name__)

RETRY = 5.0


class JournalUnavailableError(Exception):
    """The intent cannot be written to the journal, so nothing is typed."""


class Delivery(NamedTuple):
    """`in_doubt`: it is unknown whether the agent got the message. `repeated`: it came under another key before, and
    was not sent again.
    """

    in_doubt: bool = False
    repeated: bool = False


class Intents:
    """`trouble` is called with the reason why a message waits while the disk refuses its intent, and with an empty
    string once the intent is on the disk.
    """

    def __init__(
        self, journal: Journal, clock: Callable[[], datetime.datetime], trouble: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._trouble = trouble

    def find(self, key: str) -> Entry | None:
        return self._journal.find(key)

    def find_input(self, origin: Origin, content: str) -> Entry | None:
        """The entry of the same input, perhaps with another key; one without a key has come to its end."""
        return self._journal.find_input(origin, digest(content))

    def is_concluded(self, key: str) -> bool:
        entry = self._journal.find(key)
        return entry is not None and entry.outcome is not None

    def write(self, key: str, content: str, origin: Origin | None = None) -> None:
        """Raises JournalUnavailableError, and then nothing may be typed."""
        try:
            self._journal.intend(key, digest(content), timestamp(self._clock()), origin)
        except OSError as error:
            raise JournalUnavailableError(_unwritable(error)) from error

    def keep(
        self, key: str, content: str, origin: Origin | None = None, *, meanwhile: Callable[[], None]
    ) -> asyncio.Task[None]:
        """A task that ends when the written intent is on the disk, which is asked for that at once: it is what takes
        longest. `meanwhile` is done as soon as the caller awaits something, before anything else happens in this
        process. The message may be in the agent's input line by then, so the task does not give up: an intent that the
        disk refused is written again.
        """
        return asyncio.create_task(self._keep(key, content, origin, self._sync(), meanwhile))

    def _sync(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(None, self._journal.sync)

    async def _keep(
        self,
        key: str,
        content: str,
        origin: Origin | None,
        under_way: asyncio.Future[None],
        meanwhile: Callable[[], None],
    ) -> None:
        meanwhile()
        while True:
            try:
                await under_way
            except OSError as error:
                self._trouble(f"A message waits: {_unwritable(error)}")
            else:
                return self._trouble("")
            await asyncio.sleep(RETRY)
            with contextlib.suppress(JournalUnavailableError):
                self.write(key, content, origin)
            under_way = self._sync()

    async def record(self, key: str, content: str, origin: Origin | None = None) -> None:
        """Writes the intent and waits for the disk. Raises JournalUnavailableError, and then nothing may be typed."""
        self.write(key, content, origin)
        try:
            await self._sync()
        except OSError as error:
            self._journal.forget(key)
            raise JournalUnavailableError(_unwritable(error)) from error

    def conclude(self, key: str, outcome: Outcome) -> Delivery:
        try:
            self._journal.conclude(key, outcome, timestamp(self._clock()))
        except OSError as error:
            logger.error("outcome of %s is not on the disk and will be in doubt after a restart: %s", key, error)
        return Delivery(outcome is Outcome.IN_DOUBT)


def _unwritable(error: OSError) -> str:
    return f"the journal cannot be written: {error.strerror or error}"
