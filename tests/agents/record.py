# ruff: noqa: ASYNC110, RUF001 - it polls a screen
"""Records the terminal output of real agents as test data: the bytes, and the offset where each scene ends.

    PYTHONPATH=operator:tests python tests/agents/record.py INIT claude=PATH [codex=PATH …]

INIT is the taskyard-init program, PATH that of the agent, installed with its own package manager. Writes
`<program>-<session>.bin` and `.json` to tests/unit/sidecar/recordings.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agents import modelserver, settings
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient
from taskyard.sidecar.screen.terminal import Terminal

RECORDINGS = Path(__file__).parents[1] / "unit" / "sidecar" / "recordings"
HOME = Path("/var/tmp/taskyard-agent")  # codex refuses a home in /tmp
WORK = "Please write hello.txt saying hi\nthen stop."
# Sessions with their questions; the agent works in the first one.
SESSIONS = {
    "claude": ("work", "trust", "key", "bypass", "login", "permission"),
    "codex": ("work", "login"),
    "gemini": ("work", "trust", "permission"),
    "opencode": ("work", "permission"),
    "aider": ("work", "git"),
}
# The text that shows that the input box is ready.
SHOWN = {
    "claude": "❯",
    "codex": "›",
    "gemini": "Type your message",
    "opencode": "Ask anything",
    "aider": "diff>",
}
ASKING = {"trust": "rust", "key": "API key", "bypass": "WARNING", "login": " in", "git": "git repo"}
PATIENCE = 40.0


class Recorder:
    """Receives a terminal's output and keeps all of it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.terminal = Terminal(columns, rows)
        self.output = bytearray()
        self.heard_at = time.monotonic()
        self.scenes: list[dict[str, Any]] = []
        self.client: AgentClient | None = None

    async def hello(self, hello: frames.Hello) -> None:
        assert self.client is not None
        await self.client.go("")

    async def output_(self, data: bytes) -> None:
        self.output += data
        self.heard_at = time.monotonic()
        self.terminal.feed(data)
        if replies := self.terminal.take_replies():
            assert self.client is not None
            await self.client.input(replies)

    async def exited(self, status: int) -> None: ...

    async def lost(self) -> None: ...

    async def quiet(self, seconds: float = 2.0, patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < min(deadline, self.heard_at + seconds):
            await asyncio.sleep(0.05)

    async def until(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown():
            assert time.monotonic() < deadline, f"no {text!r}:\n{self.shown()}"
            await asyncio.sleep(0.05)

    def shown(self) -> str:
        self.terminal.refresh()
        return self.terminal.text()

    def scene(self, name: str, **more: Any) -> None:
        self.scenes.append({"name": name, "end": len(self.output), **more})

    async def ask(self, content: str, name: str, shown: str, *, working: float = 0) -> None:
        assert self.client is not None
        mark = len(self.output)
        last = content.split()[-1]
        seen = self.shown().count(last)
        pasted = content.replace("\n", "\r").encode()
        await self.client.input(b"\x1b[200~" + pasted + b"\x1b[201~")
        deadline = time.monotonic() + PATIENCE
        while self.shown().count(last) <= seen and time.monotonic() < deadline:
            await asyncio.sleep(0.05)  # an Enter that comes too early is treated as a part of the pasted text
        await self.quiet(0.7, 2)
        self.scene(f"{name} typed", typed=content, mark=mark)
        await self.client.input(b"\r")
        if working:
            await asyncio.sleep(working)
            self.scene(f"{name} working", typed=content, mark=mark)
        await self.until(shown)
        await self.quiet()
        self.scene(name, typed=content, mark=mark)


async def record(program: str, session: str, path: str, init: str, size: str) -> None:
    question = "" if session == "work" else session
    with serving() as url:
        shutil.rmtree(HOME, ignore_errors=True)
        agent = settings.prepared(program, HOME, url, question)
        async with running(agent, path, init, size) as recorder:
            await recorder.until(SHOWN[program] if session in ("work", "permission") else ASKING[session])
            await recorder.quiet(3, 12 if session == "work" else 4)
            recorder.scene("start" if session == "work" else "asks")
            if session == "permission":
                recorder.scenes.clear()
                await recorder.ask(WORK, "asks", "echo 'hi' > hello.txt")
            elif session == "work":
                await recorder.ask(WORK, "write", "I wrote hello.txt.")
                await recorder.ask("think 4", "think", "I have thought about it.", working=1)
                await recorder.ask("recite", "recite", "That is all.")
                await recorder.ask("fail", "fail", "the script says so")
    recording = {"program": program, "columns": recorder.terminal.columns, "rows": recorder.terminal.rows}
    RECORDINGS.mkdir(exist_ok=True)
    (RECORDINGS / f"{program}-{session}.bin").write_bytes(recorder.output)
    text = json.dumps(recording | {"scenes": recorder.scenes}, indent=1)
    (RECORDINGS / f"{program}-{session}.json").write_text(text + "\n")
    print(f"===== {program} {session}: {len(recorder.output)} bytes\n{recorder.shown()}")


@contextlib.contextmanager
def serving() -> Any:
    modelserver.Handler.quiet = True
    server = modelserver.Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.url
    finally:
        server.shutdown()


@contextlib.asynccontextmanager
async def running(agent: settings.Agent, path: str, init: str, size: str) -> AsyncIterator[Recorder]:
    columns, rows = (int(number) for number in size.split("x"))
    recorder = Recorder(columns, rows)
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(init, "run", "--socket", f"{folder}/agent.sock", "--tty", size, "--hangup-after", "0.5"),
            *("--kill-after", "1.5", "--", path, *agent.command),
            env=agent.environment,
            cwd=agent.directory,
        )
        recorder.client = AgentClient(f"{folder}/agent.sock", _Receiver(recorder))
        following = asyncio.create_task(recorder.client.run())
        try:
            yield recorder
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


class _Receiver:
    def __init__(self, recorder: Recorder) -> None:
        self.hello, self.output = recorder.hello, recorder.output_
        self.exited, self.lost = recorder.exited, recorder.lost


if __name__ == "__main__":
    for given in sys.argv[2:]:
        name, _, where = given.partition("=")
        name, _, only = name.partition("-")
        for one in SESSIONS[name]:
            if only in ("", one):
                asyncio.run(record(name, one, where, sys.argv[1], "80x50" if name == "opencode" else "80x1000"))
