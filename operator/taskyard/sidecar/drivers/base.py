"""What the session needs of a driver: one implementation per protocol."""

import abc
import asyncio
from typing import Any, Protocol

from taskyard.sidecar.conversation.status import Status


class UnreachableError(Exception):
    """The agent cannot be reached now; nothing was typed."""


class RefusedError(Exception):
    """The agent will never accept this."""


class DriverObserver(Protocol):
    """Receives what happens in a driver. The calls return at once."""

    def resume(self, instance: str) -> "Turn | None":
        """A run of the agent was found. Returns the turn that was open when the sidecar last saw this run, None for a
        new run.
        """

    def answer(self, text: str) -> None:
        """The agent's answer in the open turn is now `text`."""

    def status_changed(self) -> None: ...

    def reachable_changed(self) -> None: ...

    def screen_changed(self) -> None: ...

    def end(self) -> None:
        """The agent is being asked to end: what it shows from now on does not count as work."""

    def ended(self, exit_status: int) -> None:
        """The agent's command ended with that exit code, or 128 + signal."""


class Turn(Protocol):
    """One message to the agent and its answer. `position` is the driver's own measure of where the answer starts."""

    @property
    def position(self) -> int: ...

    @property
    def typed(self) -> str: ...


class Driver(abc.ABC):
    """`prompt_at_start`: the agent gets the prompt when it is started, so it is not sent as a message.
    `follows_start`: it is known whether the agent's program has begun to read.
    `final_flush_timeout`: seconds that the delivery of state and snapshot may take at the end of the process.
    Kubernetes leaves at least 2 s between the agent's end and SIGKILL.
    """

    agent_type = "custom"
    transport: str
    prompt_at_start = False
    follows_start = False

    @property
    def final_flush_timeout(self) -> float:
        return 1.8

    @property
    def refusal(self) -> str:
        """Why the agent accepts no message, whatever its status; empty when it may accept one."""
        return ""

    @property
    def question(self) -> str:
        """What the agent asks at its terminal before it continues, in one line; empty when it asks nothing."""
        return ""

    @property
    def asks(self) -> bool:
        """Whether people answer the agent's questions, through `answer`."""
        return False

    @property
    def asked(self) -> dict[str, Any] | None:
        """The open question: its `id`, `text` and `options`, each with `id` and `name`."""
        return None

    @property
    def hides_answers(self) -> bool:
        """Whether the open question is asked without echo, as for a password: nobody is to see the answer."""
        return False

    def refuses_answer(self, question_id: str, content: str) -> str:
        """Why `content` does not answer that question; empty when it does."""
        return f'the question "{question_id}" is not open: this agent asks none'

    async def answer(self, question_id: str, content: str) -> bool:
        """Returns False where it is not known whether the agent took the answer: the question is still open. Raises
        RefusedError and UnreachableError.
        """
        raise RefusedError(self.refuses_answer(question_id, content))

    @property
    def starting(self) -> str:
        """What the agent's program waits for before it reads its first message, in a line; empty when it may read."""
        return ""

    @property
    def not_reading(self) -> str:
        """Why the first prompt still waits though the time to start is over; empty when it does not."""
        return ""

    def refuses(self, content: str, *, control: bool = False) -> str:
        """Why a message can never reach the agent as it is, now that the agent waits for one; empty when it can."""
        return ""

    @property
    def refuses_control(self) -> str:
        """Why the agent can never take a command of its program; empty when it may."""
        return ""

    def refuses_keys(self, keys: str) -> str:
        """Why these keystrokes can never have an effect; empty when they may."""
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
        """Names the agent's current run; changes with each restart. Empty before the first run."""

    @abc.abstractmethod
    async def run(self) -> None:
        """Connects to the agent, starts it, follows it, and reconnects when it is gone. Ends only by cancellation."""

    @abc.abstractmethod
    def open_turn(self, typed: str) -> int:
        """From now on the agent answers `typed`; returns the position to keep for `DriverObserver.resume`."""

    @property
    def takes_leave(self) -> bool:
        """Whether the agent is known to say goodbye when it is asked to end."""
        return False

    async def prepare(self) -> str:
        """Makes room for a message, before its intent is written. Returns why that failed; empty when there is room.
        Raises UnreachableError.
        """
        return ""

    def summary(self, answer: str) -> str:
        """The answer in a line, for the Task's state; empty: its last line will do."""
        return ""

    @abc.abstractmethod
    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        """Sends the agent a message, on which it may start no sooner than `kept` is done. False: it showed no reaction.
        `control`: it is a command of the agent's program, typed at its prompt as a person would. Raises
        UnreachableError.
        """

    @abc.abstractmethod
    async def press(self, keys: str) -> None:
        """Sends keystrokes as they are. Raises UnreachableError."""

    @abc.abstractmethod
    def shows(self, content: str) -> bool:
        """Whether the agent shows the message in the open turn, so that it is known to have arrived."""

    async def recover(self, content: str) -> bool:
        """Like `shows`, for a message that was being delivered when the sidecar ended: if it is still in the agent's
        input line, it is sent off. Raises UnreachableError.
        """
        return self.shows(content)

    @abc.abstractmethod
    def screen(self) -> str:
        """What a person would see."""
