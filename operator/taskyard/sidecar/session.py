"""The conversation with one agent, as the API and the agent's own reports see it.

What happens is told by four parts, each with a table of its states: `prompt_delivery` (the prompt), `message_delivery`
(everything else that is sent), `publication` (what is told to others), and the driver (what the agent does).

| prompt | message | the agent's status |
|---|---|---|
| RESOLVING, WAITING | any | running |
| REFUSED, DONE | TYPING, RECOVERING | running |
| REFUSED, DONE | FREE | the driver's |
"""

import asyncio
import datetime
from collections.abc import Callable
from typing import TextIO

from taskyard.sidecar import message_delivery
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.broadcast import Broadcast
from taskyard.sidecar.conversation.conversation import Conversation, Turn, timestamp
from taskyard.sidecar.conversation.events import Stream
from taskyard.sidecar.conversation.intents import Delivery, Intents
from taskyard.sidecar.conversation.journal import Journal
from taskyard.sidecar.conversation.origin import Origin
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, RefusedError, UnreachableError
from taskyard.sidecar.gateway.reporter import SnapshotUploader
from taskyard.sidecar.message_delivery import MessageDelivery, NotReadyError
from taskyard.sidecar.prompt_delivery import PromptDelivery
from taskyard.sidecar.publication import Publication
from taskyard.sidecar.reported_state import Observation, ReportedState


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
        self._prompt_text = prompt
        self._conversation = conversation
        self._reported = reported
        self._snapshots = snapshots
        self._clock = clock
        self._publication = Publication(conversation, archive, reported, snapshots, transcript, clock)
        self._intents = Intents(journal, clock, self._is_in_trouble)
        self.driver = driver(self)
        self._messages = MessageDelivery(
            self.driver,
            self._intents,
            self._publication,
            known=lambda key: conversation.find(key) is not None,
            said=lambda: self._prompt.pass_over(),
        )
        self._prompt = PromptDelivery(
            prompt,
            prompt_sha256,
            driver=self.driver,
            intents=self._intents,
            messages=self._messages,
            publication=self._publication,
            store=archive.status,
            left_over=[
                (entry, message.content)
                for entry in journal.unresolved()
                if (message := conversation.find(entry.key)) is not None
            ],
        )
        self._publication.begin(self._observe)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.driver.run())
            tasks.create_task(self._prompt.run())

    # What callers see.

    @property
    def broadcast(self) -> Broadcast:
        return self._publication.broadcast

    @property
    def status(self) -> Status:
        if not self._prompt.open or self._messages.state is not message_delivery.State.FREE:
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

    async def deliver(
        self, content: str, key: str | None, *, control: bool = False, name: str | None = None
    ) -> Delivery:
        """Types a message and returns when the agent has started on it. No key is typed twice, nor the same content as
        the TaskInput of the same `name`. `control`: the text is a command for the agent's program, not said to the
        agent.

        Raises NotReadyError, UnreachableError, RefusedError and JournalUnavailableError; then nothing was typed.
        """
        if control and (reason := self.driver.refuses_control):
            raise RefusedError(reason)
        origin = Origin(name, "control" if control else "user") if name else None
        earlier = await self._messages.earlier(key, content, origin=origin)
        if earlier is not None:
            return earlier
        if self.driver.refusal:
            raise NotReadyError(self.driver.refusal)
        if not self.driver.reachable:
            raise UnreachableError("the agent cannot be reached")
        if self.status is not Status.STABLE:
            raise NotReadyError("a message can only be sent when the agent is waiting for user input")
        if reason := self.driver.refuses(content, control=control):
            raise RefusedError(reason)
        key = key or f"message:{self._conversation.next_id}:{timestamp(self._clock())}"
        return await self._messages.message(key, content, control=control, origin=origin)

    async def press(self, keys: str, key: str | None, *, name: str | None = None) -> Delivery:
        """Sends keystrokes at any time; they are not part of the conversation. Raises the errors of `deliver` except
        NotReadyError; RefusedError is for keystrokes that can have no effect.
        """
        origin = Origin(name, "raw") if name else None
        earlier = await self._messages.earlier(key, keys, origin=origin, found=False)
        if earlier is not None:
            return earlier
        if reason := self.driver.refuses_keys(keys):
            raise RefusedError(reason)
        return await self._messages.keystrokes(key, keys, origin=origin)

    async def settle(self, question_id: str, content: str, key: str | None, *, name: str | None = None) -> Delivery:
        """Answers a question of the agent, which may be working; the answer is part of the conversation. Raises the
        errors of `press`; RefusedError when the question is no longer open or `content` does not answer it.
        """
        origin = Origin(name, f"answer:{question_id}") if name else None
        earlier = await self._messages.earlier(key, content, origin=origin, found=False)
        if earlier is not None:
            return earlier
        if reason := self.driver.refuses_answer(question_id, content):
            raise RefusedError(reason)
        return await self._messages.answer(key, question_id, content, origin=origin)

    # Called by the driver (base.DriverObserver).

    def resume(self, instance: str) -> Turn | None:
        turn = self._conversation.turn
        if turn is not None and turn.instance == instance:
            self._publication.find_run()
        else:
            self._publication.begin_run(instance)
            if self.driver.prompt_at_start and self._prompt_text.strip():
                self._publication.note(f"run:{instance}", self._prompt_text, 0, self.driver)
                self._publication.tell()
        return self._conversation.turn

    def answer(self, text: str) -> None:
        self._publication.answer(text)

    def status_changed(self) -> None:
        self._prompt.moved()
        self._publication.update()

    def reachable_changed(self) -> None:
        self.status_changed()

    def screen_changed(self) -> None:
        self.broadcast.screen(self.driver.screen)

    def end(self) -> None:
        """Called when taskyard-init is about to end the agent and when the kubelet ends the Pod, in either order. What
        the agent shows from then on does not count as work.
        """
        self._publication.end()

    def ended(self, exit_status: int) -> None:
        self._publication.complete()
        if self.driver.prompt_at_start:
            self._reported.finish(exit_status, self._prompt.typed_sha256)
            self._snapshots.changed(idle=True)
            return
        self.broadcast.warn(f"the agent's command ended with status {exit_status}")

    # What the agent reports about itself.

    def report(self, state: object, summary: object, link: object = "") -> None:
        """Complete and failed remain until the next message. Raises reports.AgentReportError."""
        self._publication.tell()  # the report may be about this message, which would count as newer if told later
        self._reported.report(state, summary, link, self._prompt.typed_sha256)

    def set_output(self, name: object, value: object) -> None:
        """Raises task_outputs.OutputError."""
        self._reported.set_output(name, value)

    # Publishing.

    def _observe(self) -> Observation:
        return Observation(
            self.status,
            self.driver,
            self._prompt.typed_sha256,
            self._prompt.trouble,
            is_refused=self._prompt.is_refused,
        )

    def _is_in_trouble(self, trouble: str) -> None:
        self._prompt.is_in_trouble(trouble)

    def close(self) -> None:
        """Publishes and stores what is pending before the process ends."""
        self._publication.close()
