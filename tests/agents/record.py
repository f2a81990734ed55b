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
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from agents import modelserver, settings
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient
from taskyard.sidecar.screen import known_answer, programs
from taskyard.sidecar.screen.generic_answer import Mark

RECORDINGS = Path(__file__).parents[1] / "unit" / "sidecar" / "recordings"
HOME = Path("/var/tmp/taskyard-agent")  # codex refuses a home in /tmp
WORK = "Please write hello.txt saying hi\nthen stop."
LINES = "\n".join([*(f"pasted line {number}" for number in range(1, 201)), "recite"])
CHARACTERS = " ".join([*(f"word{number}" for number in range(1, 2200)), "recite"])
# Sessions with their questions; the agent works in the first one and in those of SAID.
SESSIONS = {
    "claude": (
        *("work", "trust", "key", "bypass", "login", "permission", "again", "paste", "pause"),
        *("control", "long", "code"),
    ),
    "codex": ("work", "login", "again", "paste", "scrolled", "tall", "resume", "control", "long", "code"),
    "gemini": ("work", "trust", "permission", "again", "paste", "control", "long"),
    "opencode": ("work", "permission", "again", "paste", "pause", "control", "long"),
    "aider": ("work", "git", "control", "long"),
}
# The commands of the program that open a dialog in the session `control`.
DIALOGS = {
    "claude": ("/cost", "/model", "/resume"),
    "codex": ("/model", "/review", "/theme"),
    "gemini": ("/settings", "/theme"),
    "opencode": ("/help", "/models"),
    "aider": (),
}
# What is typed in the session `code` until the program wants a login code or a key, and the text that shows it.
CODES = {
    "claude": (("/login", "\r", "\r"), "Paste code"),
    "codex": (("3", "\r"), "API key"),
}
LONG = "\n".join(f"line {number} of the long message" for number in range(1, 201))
# What is said in the other sessions: the name of the scene, and the message.
SAID = {
    "again": (
        *(("first", "continue"), ("again", "continue"), ("count 3", "count 3"), ("count 5", "count 5")),
        *(("quote", "quote"), ("later", "continue"), ("explain", "explain")),
    ),
    "paste": (("lines", LINES), ("lines again", LINES), ("characters", CHARACTERS)),
    "pause": (("hello", "hello"), ("paused", "think 20")),
    "scrolled": (("hello", "hello"), ("long", "count 60"), ("long again", "count 60"), ("after", "hello")),
    "tall": (("hello", "hello"), ("lines", LINES)),
    "resume": (("hello", "hello"), ("lines", LINES)),
}
# The arguments with which a program resumes its session.
RESUMES = {"codex": ["resume", "--last"]}
# The text that shows that the input box is ready.
SHOWN = {
    "claude": "❯",
    "codex": "›",
    "gemini": "Type your message",
    "opencode": "Ask anything",
    "aider": "diff>",
}
ASKING = {"trust": "rust", "key": "API key", "bypass": "WARNING", "login": " in", "git": "git repo"}
# Of a smaller screen there is less to record.
SIZES = {"scrolled": "80x50", "tall": "80x50", "resume": "80x50"}
PATIENCE = 40.0


class Recorder:
    """Receives a terminal's output and keeps all of it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.terminal = Terminal(columns, rows)
        self.output = bytearray()
        self.heard_at = time.monotonic()
        self.scenes: list[dict[str, Any]] = []
        self.client: AgentClient | None = None
        self.ended_at: int | None = None

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

    async def terminal_state(self, state: frames.TerminalState) -> None: ...

    async def ending(self) -> None:
        self.ended_at = len(self.output)

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

    def reading(self, program: programs.Program) -> programs.Reading:
        self.terminal.refresh()
        return programs.read(program, self.terminal)

    def shown(self) -> str:
        self.terminal.refresh()
        return self.terminal.text()

    def scene(self, name: str, **more: Any) -> None:
        self.scenes.append({"name": name, "end": len(self.output), **more})

    async def press(self, keys: bytes, reached: Callable[[], bool]) -> None:
        """Presses the keys until that is reached, and waits for the rest of what they do."""
        assert self.client is not None
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < deadline, f"{keys!r} had no effect:\n{self.shown()}"
            await self.client.input(keys)
            again = time.monotonic() + 12
            while not reached() and time.monotonic() < again:
                await asyncio.sleep(0.05)
        await self.quiet(0.7, 4)

    async def control(self, program: programs.Program, dialogs: Sequence[str]) -> None:
        """Opens and closes each dialog; then a command line of the shell and a message are typed, and taken back."""

        def reading() -> programs.Reading:
            return self.reading(program)

        for command in dialogs:
            await self.press(command.encode(), lambda: not reading().empty)
            self.scene(f"{command} typed")
            await self.press(b"\r", lambda: bool(reading().question))
            self.scene(f"{command} asks")
            await self.press(b"\x1b", lambda: reading().waits and reading().empty)
            self.scene(f"{command} closed")
        await self.press(b"!ls", lambda: not reading().empty)
        self.scene("shell typed")
        await self.press(program.clear + program.leave, lambda: reading().says and reading().empty)
        self.scene("shell left")
        await self.press(b"\x1b[200~left\rin the box\x1b[201~", lambda: not reading().empty)
        self.scene("box holds")
        await self.press(program.clear * 4, lambda: reading().empty)
        self.scene("box emptied")

    async def ask(self, content: str, name: str, shown: str, *, working: float = 0) -> None:
        assert self.client is not None
        mark = len(self.output)
        last = content.split()[-1]
        seen = self.shown().count(last)
        pasted = content.replace("\n", "\r").encode()
        await self.client.input(b"\x1b[200~" + pasted + b"\x1b[201~")
        deadline = time.monotonic() + PATIENCE
        while self.shown().count(last) <= seen and "[Pasted" not in self.shown() and time.monotonic() < deadline:
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

    async def say(self, content: str, name: str, program: programs.Program) -> None:
        """Sends a message and waits for the answer that the scripted model gives."""
        assert self.client is not None
        self.terminal.refresh()
        mark = Mark.of(self.terminal, len(self.output))
        reader = known_answer.Reader()
        await self.client.input(b"\x1b[200~" + content.replace("\n", "\r").encode() + b"\x1b[201~")
        await self.holds(lambda: known_answer.shows(program, self.terminal, mark, content))
        await self.quiet(0.7, 3)
        self.scene(f"{name} typed", typed=content, mark=mark.position)
        await self.client.input(b"\r")
        if name == "paused":
            await asyncio.sleep(2)
            return
        last = modelserver.answer(modelserver.Asked((content,), after_tool=False, tools=frozenset())).text.split()[-1]

        def answered() -> bool:
            reading = programs.read(program, self.terminal)
            answer = reader.read(program, reading, self.terminal, mark, content)
            return reading.waits and answer is not None and answer.endswith(last)

        await self.holds(answered)
        await self.quiet()
        self.scene(name, typed=content, mark=mark.position)

    async def holds(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.shown()
            await asyncio.sleep(0.2)
            self.terminal.refresh()


async def record(program: str, session: str, path: str, init: str, size: str) -> None:
    question = session if session in ASKING or session == "permission" else "login" if session == "code" else ""
    with serving() as url:
        shutil.rmtree(HOME, ignore_errors=True)
        agent = settings.prepared(program, HOME, url, question)
        async with running(agent, path, init, size) as recorder:
            await recorder.until(ASKING.get(session, SHOWN[program]))
            await recorder.quiet(3, 12 if session == "work" else 4)
            recorder.scene("asks" if session in ASKING else "start")
            for name, content in SAID.get(session, ()):
                await recorder.say(content, name, programs.named(program))
            if session == "permission":
                recorder.scenes.clear()
                await recorder.ask(WORK, "asks", "echo 'hi' > hello.txt")
            elif session == "control":
                await recorder.control(programs.named(program), DIALOGS[program])
            elif session == "long":
                await recorder.ask(LONG, "long sent", "You said: line 1 of the long message")
                await recorder.press(b"", lambda: recorder.reading(programs.named(program)).waits)
                recorder.scene("long", **{key: recorder.scenes[-1][key] for key in ("typed", "mark")})
            elif session == "code":
                recorder.scenes.clear()
                keys, shown = CODES[program]
                for some in keys:
                    before = recorder.shown()
                    await recorder.press(some.encode(), lambda before=before: recorder.shown() != before)
                await recorder.until(shown)
                await recorder.quiet()
                recorder.scene("asks")
            elif session == "work":
                await recorder.ask(WORK, "write", "I wrote hello.txt.")
                await recorder.ask("think 4", "think", "I have thought about it.", working=1)
                await recorder.ask("recite", "recite", "That is all.")
                await recorder.ask("fail", "fail", "the script says so")
        if session == "pause":  # what it shows when it is asked to end
            paused = recorder.scenes[-1]
            recorder.scene("paused", typed=paused["typed"], mark=paused["mark"])
        elif session == "resume":
            agent.command = RESUMES[program] + agent.command
            async with running(agent, path, init, size) as recorder:
                await recorder.until("That is all.")
                await recorder.quiet(3, 12)
                recorder.scene("start")
                await recorder.say("hello", "hello", programs.named(program))
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
        self.hello, self.output, self.errors = recorder.hello, recorder.output_, recorder.output_
        self.ending, self.exited, self.lost = recorder.ending, recorder.exited, recorder.lost
        self.terminal_state = recorder.terminal_state


if __name__ == "__main__":
    for given in sys.argv[2:]:
        name, _, where = given.partition("=")
        name, _, only = name.partition("-")
        for one in SESSIONS[name]:
            if only in ("", one):
                asyncio.run(
                    record(name, one, where, sys.argv[1], SIZES.get(one, "80x50" if name == "opencode" else "80x1000"))
                )
