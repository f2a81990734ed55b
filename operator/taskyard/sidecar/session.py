"""The conversation with one agent: delivers messages exactly once, follows the answers, and publishes what happens."""

import asyncio
import datetime
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TextIO

from taskyard.core import agenttype
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.broadcast import Broadcast
from taskyard.sidecar.conversation.conversation import Conversation, Message, Turn, timestamp
from taskyard.sidecar.conversation.events import Stream
from taskyard.sidecar.conversation.intents import RETRY, Delivery, Intents, JournalUnavailableError
from taskyard.sidecar.conversation.journal import Entry, Journal, Outcome, prompt_key
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, RefusedError, UnreachableError
from taskyard.sidecar.gateway.reporter import SnapshotUploader
from taskyard.sidecar.reported_state import ReportedState

logger = logging.getLogger(__name__)

REST = 0.1
# Seconds: by then most agents have the message, which any work done earlier would delay.
TOLD_AFTER = 0.002


class NotReadyError(Exception):
    """The agent is working, or another message is being delivered."""


class Session:
    """Implements base.DriverObserver. `run` ends only by cancellation."""

    def __init__(
        self,
        *,
        driver: Callable[["Session"], Driver],
        prompt: str,
        prompt_sha256: str,
        journal: Journal,
        archive: Archive,
        conversation: Conversation,
        reported: ReportedState,
        snapshots: SnapshotUploader,
        transcript: TextIO,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._prompt = prompt
        self._prompt_key = prompt_key(prompt_sha256)
        self._prompt_sha256 = prompt_sha256
        self._intents = Intents(journal, clock, self._is_in_trouble)
        self._archive = archive
        self._conversation = conversation
        self._reported = reported
        self._clock = clock
        self._prompt_waits = bool(prompt.strip()) and not self._intents.is_concluded(self._prompt_key)
        self._delivering = False
        self._unsaid = False
        self._untold: Message | None = None
        self._trouble = ""
        self._under_way: dict[str, asyncio.Task[Delivery]] = {}
        self._moved = asyncio.Event()
        self._transcribed = conversation.open_message
        self._snapshots = snapshots
        self.broadcast = Broadcast(conversation, transcript, clock)
        self.driver = driver(self)
        self._prompt_waits = self._prompt_waits and not self.driver.prompt_at_start
        self._left_over = [
            (entry, message.content)
            for entry in journal.unresolved()
            if (message := conversation.find(entry.key)) is not None
        ]
        self._last_status = self.status
        self._ends_at_rest = False

    # What callers see.

    @property
    def status(self) -> Status:
        if self._prompt_waits or self._delivering or self._left_over:
            return Status.RUNNING
        return self.driver.status

    def messages(self) -> list[dict[str, int | str]]:
        return [message.shown() for message in self._conversation.messages]

    def status_body(self) -> dict[str, str]:
        return {"status": self.status.value, "agent_type": self.driver.agent_type, "transport": self.driver.transport}

    def listen(self) -> Stream:
        """A stream of events that begins with all messages, the status and the last errors."""
        return self.broadcast.listen(self.status, self.driver.agent_type)

    def watch(self) -> Stream:
        """A stream of the agent's screen, which begins with the current one."""
        return self.broadcast.watch(self.driver.screen)

    # Messages to the agent.

    async def deliver(self, content: str, key: str | None) -> Delivery:
        """Types a message and returns when the agent has started on it. No key is typed twice.

        Raises NotReadyError, UnreachableError (nothing was typed) and JournalUnavailableError (nothing was typed).
        """
        earlier = await self._earlier(content, key)
        if earlier is not None:
            return earlier
        if self.driver.refusal:
            raise NotReadyError(self.driver.refusal)
        if not self.driver.reachable:
            raise UnreachableError("the agent cannot be reached")
        if self.status is not Status.STABLE:
            raise NotReadyError("a message can only be sent when the agent is waiting for user input")
        return await self._once(key or f"message:{self._conversation.next_id}:{timestamp(self._clock())}", content)

    async def press(self, keys: str, key: str | None) -> Delivery:
        """Sends keystrokes at any time; they are not part of the conversation. Raises the errors of `deliver` except
        NotReadyError, and RefusedError for keystrokes that can have no effect.
        """
        if reason := self.driver.refuses_keys(keys):
            raise RefusedError(reason)
        task = self._under_way.get(key) if key is not None else None
        if task is not None:
            return await asyncio.shield(task)
        entry = self._intents.find(key) if key is not None else None
        if entry is not None:
            return Delivery(entry.outcome is not Outcome.DELIVERED)
        if not self.driver.reachable:
            raise UnreachableError("the agent cannot be reached")
        if key is None:
            await self.driver.press(keys)
            return Delivery()
        return await self._share(key, self._press(key, keys))

    async def settle(self, question_id: str, content: str, key: str | None) -> Delivery:
        """Answers a question of the agent, which may be working; the answer is part of the conversation. Raises the
        errors of `press`; RefusedError when the question is no longer open or `content` does not answer it.
        """
        task = self._under_way.get(key) if key is not None else None
        if task is not None:
            return await asyncio.shield(task)
        entry = self._intents.find(key) if key is not None else None
        if entry is not None:
            return Delivery(entry.outcome is not Outcome.DELIVERED)
        if reason := self.driver.refuses_answer(question_id, content):
            raise RefusedError(reason)
        if not self.driver.reachable:
            raise UnreachableError("the agent cannot be reached")
        key = key or f"answer:{question_id}"
        return await self._share(key, self._settle(key, question_id, content))

    async def _settle(self, key: str, question_id: str, content: str) -> Delivery:
        await self._intents.record(key, content)
        self._say(key, content, self.driver.open_turn(content))
        try:
            await self.driver.answer(question_id, content)
        except (RefusedError, UnreachableError) as error:
            self.broadcast.warn(f"answer {key} may not have reached the agent: {error}")
            return self._intents.conclude(key, Outcome.IN_DOUBT)
        return self._intents.conclude(key, Outcome.DELIVERED)

    async def _press(self, key: str, keys: str) -> Delivery:
        await self._intents.record(key, keys)
        try:
            await self.driver.press(keys)
        except UnreachableError:
            return self._intents.conclude(key, Outcome.IN_DOUBT)
        return self._intents.conclude(key, Outcome.DELIVERED)

    async def _earlier(self, content: str, key: str | None) -> Delivery | None:
        """The result of an earlier attempt with that key, None when there was none."""
        if key is None:
            return None
        task = self._under_way.get(key)
        if task is not None:
            return await asyncio.shield(task)
        entry = self._intents.find(key)
        if entry is None:
            return None
        if entry.outcome is not None:
            return Delivery(entry.outcome is Outcome.IN_DOUBT)
        if not self.driver.reachable:
            raise UnreachableError("the agent cannot be reached")
        return await self._share(key, self._resolve(entry, content))

    async def _once(self, key: str, content: str) -> Delivery:
        # Until the message is in the conversation, the only news is that the agent takes no other message.
        self._delivering = self._unsaid = True
        self._update()
        return await self._share(key, self._type(key, content))

    async def _share(self, key: str, delivery: Coroutine[Any, Any, Delivery]) -> Delivery:
        """Delivers in an asyncio task of its own: a caller that disconnects does not stop it half-way, and one that
        retries joins it.
        """
        task = asyncio.create_task(delivery)
        self._under_way[key] = task
        task.add_done_callback(lambda done: self._delivered(key, done))
        return await asyncio.shield(task)

    def _delivered(self, key: str, task: asyncio.Task[Delivery]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # the caller has it already, or is gone

    async def _type(self, key: str, content: str) -> Delivery:
        kept: asyncio.Task[None] | None = None
        try:
            self._intents.write(key, content)
            kept = self._intents.keep(key, content)
            self._note(key, content, self.driver.open_turn(content))
            asyncio.get_running_loop().call_later(TOLD_AFTER, self._tell)
            reacted = await self.driver.send(content, kept)
        except UnreachableError as error:
            self.broadcast.warn(f"message {key} may not have reached the agent: {error}")
            reacted = False
        else:
            if not reacted:
                self.broadcast.warn(f"the agent showed no reaction to message {key}")
        finally:
            if kept is not None:
                kept.cancel()
            self._delivering = False
            if self._untold is None:
                self._unsaid = False
                self._update()
        return self._intents.conclude(key, Outcome.DELIVERED if reacted else Outcome.IN_DOUBT)

    def _say(self, key: str, content: str, position: int) -> None:
        self._note(key, content, position)
        self._tell()

    def _note(self, key: str, content: str, position: int) -> None:
        """Adds the message to the conversation, on the disk too; `_tell` publishes it."""
        self._tell()
        self._complete()
        message = self._conversation.say(
            content, key=key, instance=self.driver.instance, position=position, now=self._clock()
        )
        self._archive.keep(self._conversation, message)
        self._reported.forget_agent_report()
        self._ends_at_rest = False
        self._transcribed = self._untold = message

    def _tell(self) -> None:
        """Publishes the message that `_note` left unpublished, if there is one."""
        message, self._untold = self._untold, None
        if message is None:
            return
        self.broadcast.transcribe(message)
        self.broadcast.message(message)
        self._unsaid = False
        self._update()

    async def _resolve(self, entry: Entry, content: str) -> Delivery:
        """Concludes an intent after which the sidecar ended without an outcome. The message is never typed again."""
        shown = self.driver.shows(content) if self._delivering else await self._recover(content)
        if self._conversation.find(entry.key) is None:
            self._say(entry.key, content, self.driver.open_turn(content))
        logger.warning("message %s: %s", entry.key, "found on the screen" if shown else "in doubt, not typed again")
        return self._intents.conclude(entry.key, Outcome.DELIVERED if shown else Outcome.IN_DOUBT)

    async def _recover(self, content: str) -> bool:
        self._delivering = True
        try:
            return await self.driver.recover(content)
        finally:
            self._delivering = False
            self._update()

    # The start: first the messages that were being delivered when the sidecar ended, then the prompt.

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.driver.run())
            tasks.create_task(self._begin())

    async def _begin(self) -> None:
        await self._resolve_left_over()
        await self._type_prompt()

    async def _resolve_left_over(self) -> None:
        """Runs before anything else is typed, since text left in the agent's input line would become part of it."""
        while self._left_over:
            self._moved.clear()
            if not self.driver.reachable:
                await self._moved.wait()
                continue
            entry, content = self._left_over[0]
            try:
                await self._earlier(content, entry.key)
            except UnreachableError:
                await asyncio.sleep(REST)
                continue
            del self._left_over[0]
        self._update()

    async def _type_prompt(self) -> None:
        if self.driver.prompt_at_start:
            await self._note_prompt()
        while self._prompt_waits:
            self._moved.clear()
            if self.driver.status is not Status.STABLE:
                await self._moved.wait()
                continue
            try:
                entry = self._intents.find(self._prompt_key)
                if entry is None:
                    await self._once(self._prompt_key, self._prompt)
                elif entry.outcome is None:
                    await self._resolve(entry, self._prompt)
            except JournalUnavailableError as error:
                self._is_in_trouble(f"The prompt waits: {error}")
                await asyncio.sleep(RETRY)
                continue
            self._prompt_waits, self._trouble = False, ""
        self._update()

    def _is_in_trouble(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        if trouble:
            self.broadcast.warn(trouble)
        self._trouble = trouble
        self._update()

    async def _note_prompt(self) -> None:
        """Records that the agent has the prompt, which it got when it was started."""
        while not self.driver.instance:
            self._moved.clear()
            await self._moved.wait()
        if not self._prompt.strip() or self._intents.is_concluded(self._prompt_key):
            return
        try:
            await self._intents.record(self._prompt_key, self._prompt)
        except JournalUnavailableError as error:
            self.broadcast.warn(str(error))
        else:
            self._intents.conclude(self._prompt_key, Outcome.DELIVERED)
        self._update()

    # Called by the driver (base.DriverObserver).

    def resume(self, instance: str) -> Turn | None:
        turn = self._conversation.turn
        if turn is None or turn.instance != instance:
            self._complete()
            self._reported.ending = self._ends_at_rest = False
            self._conversation.begin_run(instance)
            self._archive.keep(self._conversation)
            if self.driver.prompt_at_start and self._prompt.strip():
                self._say(f"run:{instance}", self._prompt, 0)
        return self._conversation.turn

    def answer(self, text: str) -> None:
        if self._ends_at_rest:
            return
        self._tell()
        message = self._conversation.answer(text, self._clock())
        if message is None:
            return
        self.broadcast.message(message)
        self._snapshots.changed(idle=False)
        self._update()

    def status_changed(self) -> None:
        self._moved.set()
        self._update()

    def reachable_changed(self) -> None:
        self.status_changed()

    def screen_changed(self) -> None:
        self.broadcast.screen(self.driver.screen)

    def ended(self, exit_status: int) -> None:
        self._complete()
        if self.driver.prompt_at_start:
            self._reported.finish(exit_status, self._typed_sha256)
            self._snapshots.changed(idle=True)
            return
        self.broadcast.warn(f"the agent's command ended with status {exit_status}")

    # What the agent reports about itself.

    def report(self, state: object, summary: object, link: object = "") -> None:
        """Complete and failed remain until the next message. Raises reports.AgentReportError."""
        self._tell()  # the report may be about this message, which would count as newer if it were published later
        self._reported.report(state, summary, link, self._typed_sha256)

    def set_output(self, name: object, value: object) -> None:
        """Raises task_outputs.OutputError."""
        self._reported.set_output(name, value)

    # Publishing.

    def _update(self) -> None:
        status = self.status
        if status is not self._last_status:
            self._last_status = status
            self.broadcast.status(status, self.driver.agent_type)
            if status is Status.STABLE:
                self._complete()
                self._snapshots.changed(idle=True)
        if not self._unsaid:
            self._reported.see(status, self.driver, self._typed_sha256, self._trouble)

    @property
    def _typed_sha256(self) -> str | None:
        # A command that has ended had its prompt, whether or not the journal says so by now.
        had_it = self.driver.prompt_at_start and self.driver.status is Status.STABLE and bool(self._prompt.strip())
        return self._prompt_sha256 if had_it or self._intents.is_concluded(self._prompt_key) else None

    def _complete(self) -> None:
        """Stores and transcribes the agent's message as it is now, and again if it has grown since."""
        message = self._conversation.open_message
        if message is not None and message != self._transcribed:
            self._archive.keep(self._conversation, message, sync=True)
            self._transcribed = message
            self.broadcast.transcribe(message)

    def end(self) -> None:
        """Called when taskyard-init is about to end the agent and when the kubelet ends the Pod, in either order. What
        the agent shows from then on does not count as work. Nor does it count as an answer if the agent was at rest and
        of a known type, since such programs say goodbye; an unknown program may be working silently.
        """
        if not self._reported.ending:
            self._ends_at_rest = self.status is Status.STABLE and self.driver.agent_type != agenttype.CUSTOM
        self._reported.ending = True

    def close(self) -> None:
        """Publishes and stores what is pending before the process ends."""
        self._tell()
        self._complete()
