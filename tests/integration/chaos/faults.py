"""Random faults between the operator and the API server."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

from aiohttp import ClientError, StreamReader, web

from integration.chaos.dice import Dice
from integration.controller.faultproxy import FaultProxy
from kube import Kube, Object

# The share of requests that meet the fault, in percent.
REQUEST_FAULTS = {
    "conflict": 2.0,
    "too many requests": 2.0,
    "error": 2.0,
    "reset before": 1.5,
    "reset after": 2.5,
    "error after": 1.5,
    "slow before": 4.0,
    "slow after": 4.0,
    "no answer": 0.1,
}
WATCH_FAULTS = {"gone": 3.0, "error": 3.0, "too many requests": 3.0, "reset": 3.0}
WATCH_ENDS = ("cut", "reset", "gone", "error")
WATCH_SECONDS = (1.0, 12.0)
# The delay of a watch's events, and so of the caches.
WATCH_LAGS = (0.0, 0.0, 0.0, 0.3, 1.0, 2.5)
SLOW_SECONDS = (0.05, 1.5)
# Longer than the operator's request timeout.
NO_ANSWER_SECONDS = 20.0

STATUS = {
    "conflict": (409, "Conflict", "the object has been modified; please apply your changes to the latest version"),
    "too many requests": (429, "TooManyRequests", "too many requests, please try again later"),
    "error": (500, "InternalError", "Internal error occurred: etcdserver: leader changed"),
    "gone": (410, "Expired", "too old resource version"),
}


class ChaosProxy(FaultProxy):
    """Makes requests and watches fail while `active`; counts the faults in `met`.

    `writes` lists every attempt of the operator to write, except to its Lease, and `created` the API server's answers
    to the operator's creates.
    """

    def __init__(self, kube: Kube, folder: Path, dice: Dice) -> None:
        super().__init__(kube, folder)
        self._dice = dice
        self._seen: Counter[str] = Counter()
        self.active = False
        self.met: Counter[str] = Counter()
        self.created: list[Object] = []

    async def _stop(self) -> None:
        await super()._stop()
        await cancel_the_rest()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._follow(request)
        is_write = is_a_write(request)
        line = f"{request.method} {request.path}"
        number = 0
        if is_write:
            self.writes.append(line)
            number = len(self.writes)
            if self.hook and self.hook(number, "before", line):
                return cut(request)
        dice = self._dice_of(line)
        fault = pick(REQUEST_FAULTS, dice) if self.active else None
        if fault == "conflict" and not is_write:
            fault = None
        if fault:
            self.met[fault] += 1
        if fault in STATUS:
            return failure(fault)
        if fault == "reset before":
            return cut(request)
        if fault == "slow before":
            await asyncio.sleep(dice.uniform(*SLOW_SECONDS))
        headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Accept")}
        try:
            async with self._session.request(
                request.method, self._kube.server + request.raw_path, data=await request.read() or None, headers=headers
            ) as answer:
                content = await answer.read()
        except (ClientError, OSError):
            return cut(request)
        if request.method == "POST" and is_write and answer.status == 201:
            self.created.append(json.loads(content))
        if is_write and self.hook:
            self.hook(number, "after", line)
        match fault:
            case "reset after":
                return cut(request)
            case "error after":
                return failure("error")
            case "slow after":
                await asyncio.sleep(dice.uniform(*SLOW_SECONDS))
            case "no answer":
                await asyncio.sleep(NO_ANSWER_SECONDS)
                return cut(request)
        return web.Response(status=answer.status, body=content, content_type=answer.content_type)

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        dice = self._dice_of(f"WATCH {request.path}")
        fault = pick(WATCH_FAULTS, dice) if self.active else None
        if fault:
            self.met[f"watch: {fault}"] += 1
            return cut(request) if fault == "reset" else failure(fault)
        try:
            async with self._session.get(self._kube.server + request.raw_path) as answer:
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
                await response.prepare(request)
                await self._hand_on(request, answer.content, response, dice)
                return response
        except (ClientError, OSError, RuntimeError):
            # The API server or the operator is gone.
            return cut(request)

    async def _hand_on(
        self,
        request: web.Request,
        lines: StreamReader,
        response: web.StreamResponse,
        dice: random.Random,
    ) -> None:
        """Passes on whole events, delayed by the watch's lag, until the watch's end time."""
        loop = asyncio.get_running_loop()
        end, lag, how = loop.time() + dice.uniform(*WATCH_SECONDS), dice.choice(WATCH_LAGS), dice.choice(WATCH_ENDS)
        rest = b""
        while True:
            try:
                async with asyncio.timeout_at(end if self.active else None):
                    chunk = await lines.readany()
            except TimeoutError:
                break
            if not chunk:
                await response.write_eof()
                return
            if lag and self.active:
                await asyncio.sleep(lag)
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                await response.write(whole + newline)
        self.met[f"watch ended: {how}"] += 1
        if how == "reset":
            cut(request)
        elif how in STATUS:
            code, reason, message = STATUS[how]
            event = {"type": "ERROR", "object": status_object(code, reason, message)}
            await response.write(json.dumps(event).encode() + b"\n")
        if how != "reset":
            await response.write_eof()

    def _dice_of(self, line: str) -> random.Random:
        self._seen[line] += 1
        return self._dice.of(line, self._seen[line])


def is_a_write(request: web.Request) -> bool:
    """Whether a request changes anything but the leader's Lease, which is renewed all the time."""
    if request.method in ("GET", "HEAD") or "dryRun" in request.query:
        return False
    return not request.path.startswith("/apis/coordination.k8s.io/")


def pick(faults: dict[str, float], dice: random.Random) -> str | None:
    """A random fault according to the shares, or None."""
    throw = dice.uniform(0, 100)
    for fault, share in faults.items():
        throw -= share
        if throw < 0:
            return fault
    return None


def status_object(code: int, reason: str, message: str) -> Object:
    """A `Status` as the API server sends it."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return status | {"code": code, "reason": reason, "message": message}


def failure(fault: str) -> web.Response:
    """The answer that the API server gives for a fault."""
    code, reason, message = STATUS[fault]
    headers = {"Retry-After": "1"} if code == 429 else None
    return web.json_response(status_object(code, reason, message), status=code, headers=headers)


def cut(request: web.Request) -> web.Response:
    """Resets the connection; the returned answer is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def cancel_the_rest() -> None:
    """Before a loop ends, cancels tasks that still wait for closed connections."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
