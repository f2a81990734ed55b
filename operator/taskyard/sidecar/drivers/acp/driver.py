"""Drives an agent that speaks the Agent Client Protocol on its standard input and output.

After a restart of the sidecar, what was said before is read again from taskyard-init's replay. What the replay lacks is
kept in the state directory: the session, so that it can be resumed after a pause, and the request in progress.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

from taskyard import __version__
from taskyard.sidecar.conversation.content import typable
from taskyard.sidecar.conversation.pipe_tail import PipeTail
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.acp import commands, protocol
from taskyard.sidecar.drivers.acp.permissions import PermissionQuestions
from taskyard.sidecar.drivers.acp.session import AcpSession
from taskyard.sidecar.drivers.base import DriverObserver, RefusedError, UnreachableError
from taskyard.sidecar.drivers.pipe import PipeDriver
from taskyard.sidecar.drivers.reach import reaching
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import LostError

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT = 120.0
HANDSHAKE_AGAIN = 5.0
REACTION = 2.0
DOUBT = 60.0
CANCEL_KEYS = ("\x03", "\x1b")
MCP_NAME = "taskyard"


class RefusalError(Exception):
    """The agent answered a request with an error."""


class AcpDriver(PipeDriver):
    """`permissions` is allow, deny or ask; `directory` is where the agent works; `mcp_url` where it reports."""

    transport = "acp"

    def __init__(
        self,
        socket_path: str,
        prompt: str,
        observer: DriverObserver,
        *,
        permissions: str,
        directory: str,
        mcp_url: str,
        state_file: Path,
    ) -> None:
        super().__init__(socket_path, prompt, observer)
        self._permissions = permissions
        self._directory = directory
        self._mcp_url = mcp_url
        self._memory = AcpSession.load(state_file)
        self._opened = False
        self._torn = False
        self._trouble = ""
        self._lines = protocol.Lines()
        self._errors = PipeTail()
        self._position = 0
        self._turn_at = 0
        self._replay_until: int | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked = PermissionQuestions()
        self._answer = protocol.Answer()
        self._loading = False
        self._reacted = asyncio.Event()
        self._handshake: asyncio.Task[None] | None = None

    @property
    def status(self) -> Status:
        waits = self._reachable and self._opened and self._memory.prompt is None
        return Status.STABLE if waits else Status.RUNNING

    @property
    def reachable(self) -> bool:
        return self._reachable

    @property
    def question(self) -> str:
        return self._asked.first.text if self._asked.first is not None else self._trouble

    @property
    def asks(self) -> bool:
        return self._permissions == "ask"

    @property
    def asked(self) -> dict[str, Any] | None:
        return self._asked.first.body() if self._asked.first is not None else None

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self._forget_requests()

    # Called by the socket's client.

    async def hello(self, hello: frames.Hello) -> None:
        self._forget_requests()
        self._set_reachable(False)
        self._torn = self._torn and self._instance == hello.instance
        self._instance = hello.instance
        self._position = hello.replay_starts_at
        self._lines = protocol.Lines(skip_first=self._position > 0)
        self._replay_until = hello.total
        self._answer, self._errors, self._loading = protocol.Answer(), PipeTail(), False
        self._asked.clear()
        self._opened = self._memory.instance == hello.instance
        if not self._opened:
            self._memory.prompt = None
            self._memory.answered.clear()
        turn = self._observer.resume(hello.instance)
        self._turn_at = turn.position if turn is not None else 0
        if hello.state is frames.State.WAITING:
            try:
                await self._client.go(self._prompt)
            except LostError as error:
                logger.warning("agent could not be started: %s", error)
                return
        if hello.state is not frames.State.EXITED:
            await self.output(b"")

    async def output(self, data: bytes) -> None:
        begin = self._position
        for end, message in self._lines.feed(data):
            self._position = begin + end
            if message is not None:
                await self._take(message)
        self._position = begin + len(data)
        if self._replay_until is not None and self._position >= self._replay_until:
            self._replay_until = None
            await self._begin()

    async def errors(self, data: bytes) -> None:
        self._errors.feed(data)

    async def exited(self, status: int) -> None:
        self._tell()
        last = self._errors.text().strip().splitlines()[-1:]
        if status and last:
            logger.warning("the agent's final output: %s", last[0])
        self._set_reachable(False)
        self._observer.ended(status)

    async def lost(self) -> None:
        self._forget_requests()
        self._set_reachable(False)

    def _set_reachable(self, reachable: bool) -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            self._observer.reachable_changed()
            self._observer.status_changed()

    def _forget_requests(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()

    # The start of a run.

    async def _begin(self) -> None:
        """Called when the whole replay has been read."""
        if self._opened:
            await self._go_on()
        else:
            self._handshake = asyncio.create_task(self._open_again())

    async def _go_on(self) -> None:
        """Continues a session that is already open in the agent."""
        open_questions = [question for question in self._asked if question.id not in self._memory.answered]
        self._asked.clear()
        self._news.set()
        self._set_reachable(True)
        if self._memory.prompt is None:
            return
        for question in open_questions:
            await self._decide(question)
        if not self._memory.written and not self._answer.text():
            self._handshake = asyncio.create_task(self._doubt(self._memory.prompt))

    async def _doubt(self, number: int) -> None:
        """Waits for a reaction to a prompt that may not have been sent: without one, it was not sent."""
        self._reacted.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DOUBT):
                await self._reacted.wait()
                return
        if self._memory.prompt == number:
            self._memory.end_prompt()
            self._observer.status_changed()

    async def _open_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                    await self._open()
            except (RefusalError, TimeoutError) as error:
                self._trouble = f"the agent did not open a session: {str(error) or 'it does not answer'}"
                logger.warning("%s", self._trouble)
                self._set_reachable(True)  # it answers, though not as it should, and people can see why
                self._observer.status_changed()
                await asyncio.sleep(HANDSHAKE_AGAIN)
                continue
            except LostError as error:
                logger.warning("the agent's session could not be opened: %s", error)
                return
            self._trouble = ""
            self._memory.instance = self._instance
            self._opened = True
            self._memory.save()
            self._set_reachable(True)
            self._observer.status_changed()
            return

    async def _open(self) -> None:
        abilities = protocol.Abilities.of(await self._request("initialize", protocol.initialize(__version__)))
        servers = (
            [{"type": "http", "name": MCP_NAME, "url": self._mcp_url, "headers": []}] if abilities.http_mcp else []
        )
        place = {"cwd": self._directory, "mcpServers": servers}
        former = self._memory.session
        if former and (abilities.resume or abilities.load):
            self._loading = True  # what the agent replays is already known
            try:
                await self._request(
                    "session/resume" if abilities.resume else "session/load", {"sessionId": former, **place}
                )
            except RefusalError as error:
                logger.warning("session %s cannot be resumed, a new one is opened: %s", former, error)
            else:
                return
            finally:
                self._loading = False
        opened = await self._request("session/new", place)
        session = opened.get("sessionId") if isinstance(opened, dict) else None
        if not isinstance(session, str) or not session:
            raise RefusalError("its response has no session id")
        self._memory.session = session

    async def _request(self, method: str, params: protocol.Json) -> Any:
        """Raises RefusalError and LostError."""
        number = self._memory.take_number()
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._put(protocol.request(number, method, params))
            return await future
        finally:
            self._waiting.pop(number, None)

    # Messages from the agent.

    async def _take(self, message: protocol.Json) -> None:
        method = message.get("method")
        if isinstance(method, str) and "id" in message:
            await self._answer_request(method, message)
        elif isinstance(method, str):
            self._take_notification(method, message)
        else:
            self._take_response(message)

    def _take_notification(self, method: str, message: protocol.Json) -> None:
        if method != "session/update":
            return
        params = message.get("params")
        update = params.get("update") if isinstance(params, dict) else None
        if (advertised := commands.advertised(update)) is not None:
            self._memory.take_commands(advertised)
        if self._loading or self._position < self._turn_at:
            return
        self._reacted.set()
        if self._answer.update(update):
            self._news.set()

    def _take_response(self, message: protocol.Json) -> None:
        number, error = message.get("id"), message.get("error")
        future = self._waiting.get(number) if isinstance(number, int) else None
        if future is not None and not future.done():
            if error is not None:
                future.set_exception(RefusalError(protocol.error_text(error)))
            else:
                future.set_result(message.get("result"))
        elif number is not None and number == self._memory.prompt:
            self._end_turn(message.get("result"), error)

    def _end_turn(self, result: object, error: object) -> None:
        reason = result.get("stopReason") if isinstance(result, dict) else None
        if error is not None:
            self._answer.line(f"[error: {protocol.error_text(error)}]")
        elif reason != "end_turn":
            self._answer.line(f"[stopped: {str(reason).replace('_', ' ')}]")
        self._memory.end_prompt()
        self._asked.clear()
        self._tell()
        self._reacted.set()
        self._observer.status_changed()

    async def _answer_request(self, method: str, message: protocol.Json) -> None:
        if method != "session/request_permission":
            if self._replay_until is None:
                await self._send(protocol.unknown_method(message["id"], method))
            return
        question = protocol.question(self._instance, message)
        if self._replay_until is None:
            self._reacted.set()
            await self._decide(question)
        elif self._position >= self._turn_at:
            self._asked.add(question)  # perhaps already answered: the end of the replay shows it

    async def _decide(self, question: protocol.Question) -> None:
        match self._permissions:
            case "allow":
                await self._settle(question, protocol.by_kind(question.options, protocol.ALLOW))
            case "deny":
                await self._settle(question, protocol.by_kind(question.options, protocol.REJECT))
            case _:
                self._asked.add(question)
                self._answer.line(question.shown())
                self._tell()
                self._observer.status_changed()

    async def _settle(self, question: protocol.Question, option: protocol.Option | None) -> None:
        """Answers a question. That it is answered is stored first; answering twice does no harm."""
        self._memory.answered.append(question.id)
        self._memory.save()
        self._asked.remove(question)
        said = option.name if option is not None else "cancelled"
        self._answer.line(f"[permission: {question.text}: {said}]")
        self._news.set()
        await self._send(protocol.response(question.request_id, protocol.outcome(option)))
        self._observer.status_changed()

    async def _send(self, message: bytes) -> None:
        with contextlib.suppress(LostError):  # the next hello shows what is still unanswered
            await self._put(message)

    async def _put(self, message: bytes) -> None:
        """Writes a line, after ending an earlier one that was cut short. Raises LostError."""
        torn, self._torn = self._torn, True
        await self._client.input(b"\n" + message if torn else message)
        self._torn = False

    # Messages to the agent.

    def open_turn(self, typed: str) -> int:
        self._tell()
        self._answer = protocol.Answer()
        self._turn_at = self._position
        return self._position

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        await kept
        if not (self._reachable and self._opened):
            raise UnreachableError("the agent's session is not open")
        number = self._memory.begin_prompt()
        self._reacted.clear()
        self._observer.status_changed()
        prompt = [{"type": "text", "text": typable(content)}]
        try:
            await self._write(
                protocol.request(number, "session/prompt", {"sessionId": self._memory.session, "prompt": prompt})
            )
        except UnreachableError:
            self._memory.end_prompt()
            raise
        if self._memory.prompt == number:
            self._memory.written = True
            self._memory.save()
        with contextlib.suppress(TimeoutError):  # a model may think for longer; the agent has the message anyway
            async with asyncio.timeout(REACTION):
                await self._reacted.wait()
        return self._reachable

    def refuses(self, content: str, *, control: bool = False) -> str:
        return "" if control else commands.refusal(typable(content), self._memory.commands)

    def refuses_keys(self, keys: str) -> str:
        if any(key in keys for key in CANCEL_KEYS):
            return ""
        return "this agent has no terminal: it takes no keystrokes but Ctrl-C and Escape, which stop it"

    async def press(self, keys: str) -> None:
        await self._write(protocol.notification("session/cancel", {"sessionId": self._memory.session}))
        for question in self._asked:
            await self._settle(question, None)

    def refuses_answer(self, question_id: str, content: str) -> str:
        chosen = self._asked.chosen(question_id, typable(content))
        return chosen if isinstance(chosen, str) else ""

    async def answer(self, question_id: str, content: str) -> bool:
        chosen = self._asked.chosen(question_id, typable(content))
        if isinstance(chosen, str):
            raise RefusedError(chosen)
        if not self._reachable:
            raise UnreachableError("the agent cannot be reached")
        await self._settle(*chosen)
        return True

    async def _write(self, message: bytes) -> None:
        with reaching():
            await self._put(message)

    def shows(self, content: str) -> bool:
        """Whether a request with the message is known to exist: its number is stored before it is sent."""
        return self._memory.prompt is not None or bool(self._answer.text())

    def screen(self) -> str:
        return self._answer.text()
