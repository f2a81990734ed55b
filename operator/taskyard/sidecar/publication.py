"""Tells others what happens in the conversation: streams, standard output, the disk, the gateway.

| state | event | next |
|---|---|---|
| TOLD | a message is about to be typed | HELD: nobody hears of the agent's state |
| HELD | the message is in the conversation | NOTED |
| HELD | nothing came of it | TOLD |
| NOTED | TOLD_AFTER seconds pass, or something newer is to be told | TOLD |
"""

import asyncio
import datetime
import enum
from collections.abc import Callable
from typing import TextIO

from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.broadcast import Broadcast
from taskyard.sidecar.conversation.conversation import Conversation, Message, TurnEnd
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver
from taskyard.sidecar.gateway.reporter import SnapshotUploader
from taskyard.sidecar.reported_state import Observation, ReportedState

# Seconds: by then most agents have taken the message, which any work done earlier would delay.
TOLD_AFTER = 0.005


class News(enum.Enum):
    TOLD = "told"
    HELD = "held"
    NOTED = "noted"


class Publication:
    """`transcript` is standard output, `clock` gives the time of messages."""

    def __init__(
        self,
        conversation: Conversation,
        archive: Archive,
        reported: ReportedState,
        snapshots: SnapshotUploader,
        transcript: TextIO,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self.broadcast = Broadcast(conversation, transcript, clock)
        self._conversation = conversation
        self._archive = archive
        self._reported = reported
        self._snapshots = snapshots
        self._clock = clock
        self._news = News.TOLD
        self._untold: Message | None = None
        self._transcribed = conversation.open_message
        self._observe: Callable[[], Observation] | None = None
        self._status = Status.RUNNING
        self._is_status_told = True

    def begin(self, observe: Callable[[], Observation]) -> None:
        """From now on `observe` says what there is to report."""
        self._observe = observe
        self._status = observe().status

    def hold(self) -> None:
        """A message is about to be typed: until it is in the conversation, the agent's state is no news."""
        self._news = News.HELD
        if self._status is not Status.RUNNING:
            # The agent works from now on, however soon it is at rest again; others hear of it a little later.
            self._status, self._is_status_told = Status.RUNNING, False
            self._soon(self._tell_status)

    def release(self) -> None:
        """The message was typed, or was not."""
        if self._news is News.HELD:
            self._news = News.TOLD
        if self._news is News.TOLD:
            self._soon(self.update)

    def note(self, key: str, content: str, position: int, driver: Driver) -> None:
        """Adds a user's message to the conversation, on the disk too; it is told a little later."""
        self.tell()
        self.complete()
        message = self._conversation.say(
            content, key=key, instance=driver.instance, position=position, now=self._clock()
        )
        self._archive.keep(self._conversation, message)
        self._reported.begin_turn()
        self._transcribed = self._untold = message
        self._news = News.NOTED

    def tell_soon(self) -> None:
        self._soon(self.tell)

    @staticmethod
    def _soon(telling: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(TOLD_AFTER, telling)

    def tell(self) -> None:
        """Publishes the message that was noted, if there is one."""
        message, self._untold = self._untold, None
        if message is None:
            return
        self._tell_status()  # that the agent works comes before what on
        self.broadcast.transcribe(message)
        self.broadcast.message(message)
        self._news = News.TOLD
        self.update()

    def answer(self, text: str) -> None:
        """The agent's answer in the open turn is now `text`."""
        if self._reported.says_farewell:
            return
        self.tell()
        message = self._conversation.answer(text, self._clock())
        if message is None:
            return
        self.broadcast.message(message)
        self._snapshots.changed(idle=False)
        self.update()

    def begin_run(self, instance: str) -> None:
        """The agent runs anew."""
        self.complete()
        self._reported.begin_run(self._conversation.turn)
        self._conversation.begin_run(instance)
        self._archive.keep(self._conversation)

    def find_run(self) -> None:
        """The agent runs still."""
        self._reported.find_run()

    def complete(self) -> None:
        """Stores and transcribes the agent's message as it is now, and again if it has grown since."""
        message = self._conversation.open_message
        if message is not None and message != self._transcribed:
            self._archive.keep(self._conversation, message, sync=True)
            self._transcribed = message
            self.broadcast.transcribe(message)

    def end(self) -> None:
        """The agent is being asked to end."""
        assert self._observe is not None
        seen = self._observe()
        if seen.status is Status.RUNNING:
            self._end_turn(TurnEnd.STOPPED)
        self._reported.end(seen)

    def _end_turn(self, end: TurnEnd) -> None:
        if self._conversation.end_turn(end):
            self._archive.keep(self._conversation)

    def update(self) -> None:
        """Reports what is observed now."""
        if self._observe is None:
            return
        seen = self._observe()
        if seen.status is not self._status:
            self._tell_status()
            self._status, self._is_status_told = seen.status, False
            self._tell_status()
            if seen.status is Status.STABLE:
                self._end_turn(TurnEnd.DONE)
                self.complete()
                self._snapshots.changed(idle=True)
        if self._news is News.TOLD:
            self._reported.see(seen)

    def _tell_status(self) -> None:
        if self._is_status_told or self._observe is None:
            return
        self._is_status_told = True
        self.broadcast.status(self._status, self._observe().driver.agent_type)

    def close(self) -> None:
        """Publishes and stores what is pending before the process ends."""
        self.tell()
        self.complete()
