"""Stand-ins for sidecars: one TLS server for each Pod, on its own loopback address.

They keep a real sidecar's contract (docs/contracts.md): a journal that outlives the Pod, so that a key that was typed
is never typed again, nor the same content as an input of the same name. They also do what a sidecar may do: be not
ready, fail before the message was typed, fail before they could report it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from integration.chaos.dice import Dice
from integration.chaos.faults import cancel_the_rest, cut
from taskyard.core.manifests.sidecar import PORT
from taskyard.core.security.certificates import issue_serving_certificate
from taskyard.core.security.keyring import Keyring
from taskyard.core.security.keys import is_pod_key

# All of 127.0.0.0/8 is local: every Pod has an address, none is used twice in a run, and concurrent runs have a /20
# each, of 1024 in 127.64.0.0/10.
NETWORK = 0x7F400000 + (os.getpid() % 1024 << 12)


@dataclass(frozen=True)
class Typed:
    """One message that an agent received."""

    key: str
    content: str
    name: str = ""


class Sidecars:
    """`typed[task uid]` are the messages to the Task's agent, in order; `wrongs` are calls that must not happen."""

    def __init__(self, dice: Dice, *, worked: Callable[[str], None]) -> None:
        self._dice = dice
        self._worked = worked
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._keyring: Keyring | None = None
        self._hosts = itertools.count(1)
        self._runners: dict[str, web.AppRunner] = {}
        self._calls: Counter[str] = Counter()
        self.typed: defaultdict[str, list[Typed]] = defaultdict(list)
        self.wrongs: list[str] = []
        self.met: Counter[str] = Counter()
        self.calm = False

    def __enter__(self) -> Sidecars:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for uid in list(self._runners):
            self.close(uid)
        asyncio.run_coroutine_threadsafe(cancel_the_rest(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def use(self, keyring: Keyring) -> None:
        """Sets the installation's keys, once the operator has created them."""
        self._keyring = keyring

    def address(self) -> str:
        """An address for a new Pod."""
        host = NETWORK + next(self._hosts)
        return ".".join(str(host >> shift & 255) for shift in (24, 16, 8, 0))

    def open(self, ip: str, *, pod_uid: str, task_uid: str) -> None:
        """Starts serving for a running Pod."""
        asyncio.run_coroutine_threadsafe(self._open(ip, pod_uid, task_uid), self._loop).result(20)

    def close(self, pod_uid: str) -> None:
        """Stops serving for a Pod that has ended; its connections are closed."""
        runner = self._runners.pop(pod_uid, None)
        if runner is not None:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result(20)

    async def _open(self, ip: str, pod_uid: str, task_uid: str) -> None:
        if pod_uid in self._runners:
            return

        async def message(request: web.Request) -> web.StreamResponse:
            return await self._message(request, pod_uid=pod_uid, task_uid=task_uid)

        app = web.Application()
        app.router.add_post("/message", message)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._runners[pod_uid] = runner
        await runner.setup()
        await web.TCPSite(runner, ip, PORT, ssl_context=self._context(pod_uid)).start()

    def _context(self, pod_uid: str) -> ssl.SSLContext:
        assert self._keyring is not None, "a Pod runs before the operator has created its keys"
        certificate = issue_serving_certificate(
            self._keyring.authority, dns_names=[pod_uid], now=datetime.now(UTC), lifetime=timedelta(days=1)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "both.pem"
            path.write_text(certificate.certificate_pem + certificate.key_pem)
            context.load_cert_chain(path)
        return context

    async def _message(self, request: web.Request, *, pod_uid: str, task_uid: str) -> web.StreamResponse:
        assert self._keyring is not None
        _, _, key = request.headers.get("Authorization", "").partition(" ")
        if not is_pod_key(self._keyring.master_key, pod_uid, key):
            self.wrongs.append(f"Pod {pod_uid} was called with a key that is not its own")
            return problem(401, "not the key")
        body = await request.json()
        name = request.headers["Taskyard-Input"]
        message = Typed(request.headers["Idempotency-Key"], body["content"], name)
        journal = self.typed[task_uid]
        for known in journal:
            if known.key == message.key:
                if known != message:
                    self.wrongs.append(f"key {message.key} arrived with different content")
                return web.json_response({"ok": True})
            if (known.name, known.content) == (message.name, message.content):
                return web.json_response({"ok": True, "deliveredBefore": True})
        self._calls[message.key] += 1
        dice = self._dice.of("message", message.content, self._calls[message.key])
        throw = 100.0 if self.calm else dice.uniform(0, 100)
        if throw < 15:
            self.met["sidecar: not ready"] += 1
            return problem(409, "The agent is not ready for input.")
        if throw < 20:
            self.met["sidecar: reset before"] += 1
            return cut(request)
        if throw < 25:
            self.met["sidecar: unreachable"] += 1
            return problem(502, "The agent cannot be reached.")
        journal.append(message)
        self._worked(pod_uid)
        if throw < 40:
            self.met["sidecar: reset after"] += 1
            return cut(request)
        if throw < 50:
            self.met["sidecar: slow"] += 1
            await asyncio.sleep(dice.uniform(0.2, 2.0))
        return web.json_response({"ok": True})


def problem(status: int, detail: str) -> web.Response:
    return web.json_response({"title": "no", "detail": detail}, status=status, content_type="application/problem+json")
