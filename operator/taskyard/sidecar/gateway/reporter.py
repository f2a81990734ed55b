"""Sends the newest state and the newest snapshot to the gateway until they have arrived."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from taskyard.backoff import Backoff
from taskyard.sidecar.conversation.snapshot import Snapshot
from taskyard.sidecar.gateway.client import Gateway, GatewayError

logger = logging.getLogger(__name__)

RETRY_FIRST, RETRY_LAST = 0.5, 15.0
# Changes in quick succession are reported once, and the report does not delay a message that is being delivered.
SETTLE = 0.005
IDLE_DELAY = 1.0
WORKING_INTERVAL = 60.0
T = TypeVar("T")


class Retry:
    """What follows a failed delivery: a line in the log, unless the failure before said the same, and a wait. `what`
    names it in the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._backoff = Backoff(first=RETRY_FIRST, longest=RETRY_LAST)
        self._told = ""

    def after(self, error: GatewayError) -> float:
        """Seconds until the next try: what the gateway asks for, else longer after each failure."""
        if str(error) != self._told:
            logger.warning("%s not delivered yet: %s", self._what, error)
            self._told = str(error)
        delay = self._backoff.next()
        return error.retry_after if error.retry_after is not None else delay

    def reset(self) -> None:
        """It was delivered, or given up."""
        self._backoff.reset()
        self._told = ""


class Reporter(Generic[T]):
    """Latest wins: a report that was not sent before a newer one came is never sent. `what` names it in the log."""

    def __init__(self, send: Callable[[T], Awaitable[None]], what: str) -> None:
        self._send = send
        self._what = what
        self._wanted: T | None = None
        self._delivered: T | None = None
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    def tell(self, report: T) -> None:
        if report == self._wanted:
            return
        self._wanted = report
        self._done.clear()
        self._wake.set()

    async def run(self) -> None:
        retry = Retry(self._what)
        while True:
            await self._wake.wait()
            await asyncio.sleep(SETTLE)
            self._wake.clear()
            while (report := self._wanted) is not None and report != self._delivered:
                try:
                    await self._send(report)
                except GatewayError as error:
                    if not error.permanent:
                        await asyncio.sleep(retry.after(error))
                        continue
                    logger.error("%s given up: %s", self._what, error)
                retry.reset()
                self._delivered = report
            self._done.set()

    async def flush(self) -> None:
        """Waits until the newest state is delivered or given up."""
        await self._done.wait()


class SnapshotUploader:
    """`take` makes a snapshot of the current conversation. One that the gateway already has is not sent again."""

    def __init__(self, gateway: Gateway, take: Callable[[], Snapshot]) -> None:
        self._gateway = gateway
        self._take = take
        self._due: float | None = None
        self._wake = asyncio.Event()
        self._uploading = asyncio.Lock()
        self._next: asyncio.Task[Snapshot] | None = None
        self._uploaded = b""
        self._uploaded_at = -WORKING_INTERVAL
        self._not_before = 0.0

    def changed(self, *, idle: bool) -> None:
        """The conversation changed: takes a snapshot soon if the agent is idle, else when the last is a minute old."""
        now = self._now()
        due = now + IDLE_DELAY if idle else max(now, self._uploaded_at + WORKING_INTERVAL)
        due = max(due, self._not_before)
        if self._due is None or due < self._due or idle:
            self._due = due
            self._wake.set()

    async def run(self) -> None:
        retry = Retry("snapshot")
        while True:
            try:
                async with asyncio.timeout_at(self._due):
                    await self._wake.wait()
                self._wake.clear()
                continue
            except TimeoutError:
                self._due = None
            try:
                await self.take_now()
            except GatewayError as error:
                if error.permanent:
                    logger.error("snapshot given up: %s", error)
                else:
                    self._due = self._not_before = self._now() + retry.after(error)
            else:
                self._not_before = 0.0
                retry.reset()

    async def take_now(self) -> Snapshot:
        """Takes and uploads a snapshot that is not older than this call; concurrent calls share it. Raises
        GatewayError.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._upload())
            self._next.add_done_callback(_observe)
        return await asyncio.shield(self._next)

    async def _upload(self) -> Snapshot:
        async with self._uploading:
            self._next = None
            snapshot = self._take()
            digest = hashlib.sha256(snapshot.body).digest()
            if digest != self._uploaded and snapshot.messages:
                await self._gateway.upload(snapshot.body)
                self._uploaded = digest
                self._uploaded_at = self._now()
            return snapshot

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _observe(task: asyncio.Task[Snapshot]) -> None:
    """Retrieves a failure that no caller waits for any more."""
    if not task.cancelled():
        task.exception()
