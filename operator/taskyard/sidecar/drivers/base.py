"""What every way of driving an agent offers to the session: one implementation per protocol."""

import abc
import asyncio
from typing import Any, Protocol

from taskyard.sidecar.conversation.status import Status


class UnreachableError(Exception):
    """The agent cannot be reached now; nothing was typed."""


class RefusedError(Exception):
    """The agent will never take this."""


class DriverObserver(Protocol):
    """Whom a driver tells what happens. The calls return at once."""

    def resume(self, instance: str) -> "Turn | None":
        """A run of the agent was met: the turn that was open in it when the sidecar last saw it, None for a new run."""

    def answer(self, text: str) -> None:
        """The agent's answer in the open turn is now `text`."""

    def status_changed(self) -> None: ...

    def reachable_changed(self) -> None: ...

    def screen_changed(self) -> None: ...

    def end(self) -> None:
        """The agent is asked to end: what it shows of that is no news."""

    def ended(self, exit_status: int) -> None:
        """The agent's command ended with that exit code, or 128 + signal."""


class Turn(Protocol):
    """One message to the agent and its answer. `position` is the driver's own measure of where the answer starts."""

    @property
    def position(self) -> int: ...

    @property
    def typed(self) -> str: ...


class Driver(abc.ABC):
    """`prompt_at_start`: the agent has the prompt from its start on, so it is not given to it as a message.
    `final_flush_timeout`: seconds that may pass at the end of the process until state and snapshot have arrived.
    Kubernetes leaves at least 2 s between the agent's end and SIGKILL.
    """

    agent_type = "custom"
    transport: str
    prompt_at_start = False

    @property
    def final_flush_timeout(self) -> float:
        return 1.8

    @property
    def refusal(self) -> str:
        """Why the agent takes no message, whatever its status; empty when it may."""
        return ""

    @property
    def question(self) -> str:
        """What the agent asks somebody at its terminal before it goes on, in one line; empty when it asks nothing."""
        return ""

    @property
    def asks(self) -> bool:
        """Whether the agent's questions are answered by people, with `answer`."""
        return False

    @property
    def asked(self) -> dict[str, Any] | None:
        """The question that waits for an answer: its `id`, `text` and `options`, each with `id` and `name`."""
        return None

    def refuses_answer(self, question_id: str, content: str) -> str:
        """Why this is no answer to what is asked; empty when it is one."""
        return f'the question "{question_id}" is not asked: this agent asks none'

    async def answer(self, question_id: str, content: str) -> None:
        """Raises RefusedError and UnreachableError."""
        raise RefusedError(self.refuses_answer(question_id, content))

    def refuses_keys(self, keys: str) -> str:
        """Why these keystrokes would never have an effect; empty when they may."""
        return ""

    @property
    @abc.abstractmethod
    def status(self) -> Status: ...

    @property
    @abc.abstractmethod
    def reachable(self) -> bool:
        """Whether the agent runs and answers."""

    @property
    @abc.abstractmethod
    def instance(self) -> str:
        """Names the agent's present run; another one after each restart. Empty before the first."""

    @abc.abstractmethod
    async def run(self) -> None:
        """Reaches the agent, starts it, follows it, and begins again when it is gone. Ends only by cancellation."""

    @abc.abstractmethod
    def open_turn(self, typed: str) -> int:
        """From now on the answer is one to `typed`; returns the position to keep for `DriverObserver.resume`."""

    @abc.abstractmethod
    async def send(self, content: str, kept: asyncio.Future[None]) -> bool:
        """Gives the agent a message; it may begin with it no sooner than `kept` is done. False: it showed no reaction.
        Raises UnreachableError.
        """

    @abc.abstractmethod
    async def press(self, keys: str) -> None:
        """Sends keystrokes as they are. Raises UnreachableError."""

    @abc.abstractmethod
    def shows(self, content: str) -> bool:
        """Whether the agent shows the message in the open turn: it did arrive."""

    async def recover(self, content: str) -> bool:
        """Like `shows`, for a message that was on its way when the sidecar ended: what still waits in the agent's input
        line is sent off. Raises UnreachableError.
        """
        return self.shows(content)

    @abc.abstractmethod
    def screen(self) -> str:
        """What a person would see."""
