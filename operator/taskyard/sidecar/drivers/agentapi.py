"""Drives an agent whose image includes a server of the AgentAPI contract, which the sidecar calls on loopback.

taskyard-init runs the server in a terminal that nobody types into; what it writes there is its log. The server's
responses are not trusted: their size is bounded, and every call has a timeout.
"""

import asyncio
import json
import logging
import ssl
from typing import Any

import httpx

from taskyard.sidecar.conversation.content import typable
from taskyard.sidecar.conversation.pipe_tail import PipeTail
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, DriverObserver, RefusedError, UnreachableError
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient, LostError
from taskyard.sidecar.screen import sayable
from taskyard.sidecar.screen.program import Program

logger = logging.getLogger(__name__)

POLL_EVERY = 3.0
POLL_SOON = 0.3
MISSES = 20
CALL_TIMEOUT = 5.0
MESSAGE_TIMEOUT = 20.0
MAX_BODY_BYTES = 8 << 20
NOT_WAITING = "waiting for user input"


class ProtocolError(Exception):
    """The server's response does not follow the contract."""


class BusyError(Exception):
    """The agent started working before the message arrived; nothing was typed."""


class AgentApiDriver(Driver):
    transport = "pty"

    def __init__(self, socket_path: str, prompt: str, observer: DriverObserver, *, port: int) -> None:
        self._client = AgentClient(socket_path, self)
        self._prompt = prompt
        self._observer = observer
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            timeout=CALL_TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            # Trusts nobody: by default the certificates of the whole internet would be read for plain HTTP.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self._instance = ""
        self._running = False
        self._reachable = False
        self._stable = False
        self._misses = 0
        self._log = PipeTail()
        self._newest = -1
        self._turn_after = -1
        self._answer = ""
        self._begins = True
        self._wake = asyncio.Event()

    @property
    def status(self) -> Status:
        return Status.STABLE if self._reachable and self._stable else Status.RUNNING

    @property
    def reachable(self) -> bool:
        return self._reachable

    @property
    def instance(self) -> str:
        return self._instance

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._client.run())
                tasks.create_task(self._poll())
        finally:
            await self._http.aclose()

    # The server.

    async def _call(self, method: str, path: str, **how: Any) -> tuple[int, Any]:
        """Status and JSON of a response. Raises httpx.HTTPError and ProtocolError."""
        async with self._http.stream(method, path, **how) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise ProtocolError(f"{path} answered with more than {MAX_BODY_BYTES} bytes")
        try:
            return response.status_code, json.loads(bytes(body))
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"{path} answered {response.status_code} without JSON") from error

    async def _poll(self) -> None:
        while True:
            if self._running:
                await self._look()
            # More often while the agent works or is about to, to follow its answer as it grows.
            patience = POLL_EVERY if self._stable and self._reachable else POLL_SOON
            self._wake.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                stable, agent_type, transport = _status(*await self._call("GET", "/status"))
                messages = _messages(*await self._call("GET", "/messages"))
        except (httpx.HTTPError, ProtocolError, TimeoutError) as error:
            self._miss(error)
            return
        self._misses = 0
        self.agent_type, self.transport = agent_type, transport
        self._read(messages)
        changed = (self._stable, self._reachable) != (stable, True)
        self._stable = stable
        if not self._reachable:
            self._reachable = True
            self._observer.reachable_changed()
        if changed:
            self._observer.status_changed()

    def _miss(self, error: Exception) -> None:
        """A single miss is ignored: the server may be busy with a message. MISSES in a row make it unreachable."""
        self._misses += 1
        logger.debug("the agent's server did not answer: %s", error)
        if self._misses == MISSES and self._reachable:
            logger.warning("the agent's server does not answer: %s", str(error) or type(error).__name__)
            self._set_unreachable()

    def _set_unreachable(self) -> None:
        self._stable = False
        if self._reachable:
            self._reachable = False
            self._observer.reachable_changed()
            self._observer.status_changed()

    def _read(self, messages: list[tuple[int, str, str]]) -> None:
        """The agent's messages since the turn began are its answer."""
        self._newest = max((number for number, _, _ in messages), default=-1)
        if self._begins and any(role == "user" for _, role, _ in messages):
            self._turn_after = self._newest  # the server restarted and remembers old messages: these are not news
        self._begins = False
        said = [content for number, role, content in messages if number > self._turn_after and role == "agent"]
        answer = "\n\n".join(content.strip("\n") for content in said)
        if answer and answer != self._answer:
            self._answer = answer
            self._observer.answer(answer)
            self._observer.screen_changed()

    # Called by the socket's client.

    async def hello(self, hello: frames.Hello) -> None:
        self._set_unreachable()
        self._instance = hello.instance
        self._misses, self._answer, self._log = 0, "", PipeTail()
        turn = self._observer.resume(hello.instance)
        self._begins = turn is None or not turn.typed
        self._turn_after = turn.position if turn is not None and turn.typed else -1
        if hello.state is frames.State.WAITING:
            try:
                await self._client.go(self._prompt)
            except LostError as error:
                logger.warning("agent could not be started: %s", error)
        self._running = hello.state is not frames.State.EXITED
        self._wake.set()

    async def output(self, data: bytes) -> None:
        self._log.feed(data)

    async def errors(self, data: bytes) -> None:
        self._log.feed(data)

    async def terminal_state(self, state: frames.TerminalState) -> None:
        """The agent's own server tells what it does."""

    async def ending(self) -> None:
        self._observer.end()

    async def exited(self, status: int) -> None:
        self._running = False
        last = self._log.text().strip().splitlines()[-1:]
        if status and last:
            logger.warning("the final output of the agent's server: %s", last[0])
        self._set_unreachable()
        self._observer.ended(status)

    async def lost(self) -> None:
        self._running = False
        self._set_unreachable()

    # Messages.

    def refuses(self, content: str, *, control: bool = False) -> str:
        """The server types into a program's terminal. Such servers take no blanks around a message, with which a
        program would take a command for text.
        """
        return "" if control or self.transport != "pty" else sayable.bare(Program(self.agent_type), typable(content))

    def open_turn(self, typed: str) -> int:
        self._turn_after, self._answer = self._newest, ""
        return self._newest

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        await kept
        if not self._reachable:
            raise UnreachableError("the agent's server does not answer")
        while True:
            try:
                return await self._post(typable(content), "user")
            except BusyError:
                # The agent was stable when last polled, but is no longer. The message waits until it is stable again.
                await self._await_stable()

    async def _await_stable(self) -> None:
        while not self._stable:
            if not self._reachable:
                raise UnreachableError("the agent's server does not answer")
            await asyncio.sleep(POLL_SOON)

    async def press(self, keys: str) -> None:
        if not self._reachable:
            raise UnreachableError("the agent's server does not answer")
        try:
            await self._post(keys, "raw")
        except BusyError as error:
            raise UnreachableError(str(error)) from error

    async def _post(self, content: str, kind: str) -> bool:
        """False: it is unknown whether the message arrived."""
        self._stable = self._stable and kind == "raw"
        try:
            status, body = await self._call(
                "POST",
                "/message",
                json={"content": content, "type": kind},
                timeout=httpx.Timeout(MESSAGE_TIMEOUT, connect=CALL_TIMEOUT),
            )
        except httpx.ConnectError as error:
            raise UnreachableError(f"the agent's server does not answer: {error}") from error
        except httpx.TimeoutException:
            return True  # some servers respond only when the agent is done: it has the message
        except (httpx.HTTPError, ProtocolError) as error:
            logger.warning("a message to the agent's server was interrupted: %s", error)
            return False
        finally:
            self._wake.set()
        if status == 200:
            return True
        fault = _fault(body) or f"it answered {status}"
        if NOT_WAITING in fault:
            raise BusyError(fault)
        if status in (400, 413, 422):
            raise RefusedError(f"the agent's server rejects the message: {fault}")
        logger.warning("the agent's server: %s", fault)
        return False

    def shows(self, content: str) -> bool:
        return self._newest > self._turn_after

    def screen(self) -> str:
        return self._answer


def _status(status: int, body: Any) -> tuple[bool, str, str]:
    match body:
        case {"status": "stable" | "running" as found, **rest} if status == 200:
            agent_type, transport = rest.get("agent_type"), rest.get("transport")
            return (
                found == "stable",
                agent_type if isinstance(agent_type, str) else "custom",
                transport if isinstance(transport, str) else "pty",
            )
    raise ProtocolError(f"/status answered {status}")


def _messages(status: int, body: Any) -> list[tuple[int, str, str]]:
    match body:
        case {"messages": list(messages)} if status == 200:
            return [
                (number, role, content)
                for message in messages
                if isinstance(message, dict)
                and isinstance(number := message.get("id"), int)
                and isinstance(role := message.get("role"), str)
                and isinstance(content := message.get("content"), str)
            ]
    raise ProtocolError(f"/messages answered {status}")


def _fault(body: Any) -> str:
    """The cause of an error response, which the contract gives only in its list of errors."""
    match body:
        case {"errors": [{"message": str(message)}, *_]}:
            return message
        case {"detail": str(detail)}:
            return detail
    return ""
