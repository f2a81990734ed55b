"""The terminal driver against real programs, through the real taskyard-init."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from taskyard.sidecar.conversation.content import typable
from taskyard.sidecar.conversation.conversation import Turn
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import UnreachableError
from taskyard.sidecar.drivers.terminal.driver import TerminalDriver
from taskyard.sidecar.drivers.terminal.typist import keystrokes
from taskyard.sidecar.init import frames
from unit.sidecar.pod import SHELL
from unit.sidecar.recording import RECORDINGS, end_of

PATIENCE = 20.0


@dataclass
class Heard:
    """An observer that only records."""

    turn: Turn | None = None
    answers: list[str] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)

    def resume(self, instance: str) -> Turn | None:
        self.instances.append(instance)
        return self.turn

    def answer(self, text: str) -> None:
        self.answers.append(text)

    def status_changed(self) -> None: ...

    def reachable_changed(self) -> None: ...

    def screen_changed(self) -> None: ...

    def end(self) -> None: ...

    def ended(self, exit_status: int) -> None:
        self.exits.append(exit_status)


def kept() -> asyncio.Future[None]:
    """An intent that is on the disk already."""
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


class Agent:
    def __init__(self, driver: TerminalDriver, heard: Heard) -> None:
        self.driver = driver
        self.heard = heard

    async def until(self, what: str, look: Callable[[], bool], patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not look():
            assert time.monotonic() < deadline, f"waited for {what}; screen: {self.driver.screen()!r}"
            await asyncio.sleep(0.02)

    async def until_stable(self) -> None:
        await self.until("the program to wait", lambda: self.driver.status is Status.STABLE)

    async def ask(self, content: str) -> str:
        await self.until_stable()
        self.driver.open_turn(typable(content))
        assert await self.driver.send(typable(content), kept())
        assert self.driver.status is Status.RUNNING
        await self.until_stable()
        return self.heard.answers[-1]


Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def start(init_program: Path, tmp_path: Path) -> Start:
    async def start(*command: str, size: str = "80x1000") -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(init_program, "run", "--socket", tmp_path / "agent.sock", "--tty", size),
            *("--hangup-after", "0.2", "--kill-after", "1", "--", *command),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PS1": "agent$ ",
                "LANG": "C.UTF-8",
                "TASKYARD_TASK_PROMPT_FILE": str(tmp_path / "prompt.txt"),
            },
            cwd=tmp_path,
        )

    return start


@asynccontextmanager
async def driving(
    folder: Path,
    process: asyncio.subprocess.Process,
    prompt: str = "",
    stable_after: float = 0.6,
    agent_type: str = "",
) -> AsyncIterator[Agent]:
    heard = Heard()
    socket = str(folder / "agent.sock")
    driver = TerminalDriver(
        socket, prompt, heard, stable_after=stable_after, agent_type=agent_type, state_file=folder / "terminal.jsonl"
    )
    task = asyncio.create_task(driver.run())
    try:
        yield Agent(driver, heard)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(10):
            await process.wait()


async def test_bash(start: Start, tmp_path: Path) -> None:
    async with driving(tmp_path, await start(*SHELL), prompt="the prompt") as agent:
        assert await agent.ask('echo "$TASKYARD_TASK_PROMPT"; cat prompt.txt; echo') == "the prompt\nthe prompt"
        assert agent.heard.answers[0] == "agent$"
        assert await agent.ask("for i in 1 2; do\n  echo round $i\ndone") == "round 1\nround 2"
        assert await agent.ask(f"echo {'w' * 300}") == "w" * 300


async def test_python(start: Start, tmp_path: Path) -> None:
    async with driving(tmp_path, await start(sys.executable, "-q")) as agent:
        assert await agent.ask("6 * 7") == "42"
        assert await agent.ask("[print(line) for line in ('a', '', 'b')][0]") == "a\n\nb"


async def test_program_without_bracketed_paste_gets_line_by_line(start: Start, tmp_path: Path) -> None:
    async with driving(tmp_path, await start("bash", "-c", "while read -p '> ' x; do echo \"got $x\"; done")) as agent:
        assert await agent.ask("one\ntwo\n\nthree") == "got one\ngot two\n>\ngot\ngot three"


async def test_program_that_prints_slowly_is_running_until_it_is_quiet(start: Start, tmp_path: Path) -> None:
    script = 'echo start; while read line; do for i in 1 2 3 4; do sleep 0.8; echo "$line $i"; done; done'
    async with driving(tmp_path, await start("bash", "-c", script), stable_after=2) as agent:
        began = time.monotonic()
        assert await agent.ask("go") == "go 1\ngo 2\ngo 3\ngo 4"
        assert time.monotonic() - began > 4 * 0.8 + 2
        assert "go 1" in agent.heard.answers


async def test_program_that_exits(start: Start, tmp_path: Path) -> None:
    process = await start("bash", "-c", "echo last words; exit 3")
    async with driving(tmp_path, process) as agent:
        await agent.until("the exit", lambda: bool(agent.heard.exits))
        assert agent.heard.exits == [3]
        assert agent.heard.answers[-1] == "last words"
        assert agent.driver.status is Status.RUNNING
        assert not agent.driver.reachable
        with pytest.raises(UnreachableError):
            await agent.driver.send("anybody there?", kept())


async def test_restarted_program_is_another_run(start: Start, tmp_path: Path) -> None:
    first = await start("bash", "-c", "echo one; read line")
    async with driving(tmp_path, first) as agent:
        await agent.until("the first run", lambda: agent.heard.answers == ["one"])
        first.kill()
        await first.wait()
        second = await start("bash", "-c", "echo two; read line")
        try:
            await agent.until("the second run", lambda: agent.heard.answers[-1] == "two")
            assert len(set(agent.heard.instances)) == 2
        finally:
            second.terminate()
            await second.wait()


async def test_program_that_floods_is_held_back_and_leaves_the_sidecar_responsive(start: Start, tmp_path: Path) -> None:
    async with driving(
        tmp_path, await start("bash", "-c", "timeout 2 yes 'a flood of text'; echo; echo done; read x")
    ) as agent:
        await agent.until("the flood", lambda: bool(agent.driver.screen()))
        longest = 0.0
        while agent.driver.status is Status.RUNNING:
            began = time.thread_time()  # not how long a busy machine lets this process wait
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)
            assert agent.driver.screen()
        assert agent.heard.answers[-1].endswith("\ndone")
        assert len(agent.heard.answers[-1]) <= 65_536
        assert longest < 0.5


async def test_restarted_sidecar_finds_the_turn_again(start: Start, tmp_path: Path) -> None:
    process = await start(*SHELL)
    socket = str(tmp_path / "agent.sock")
    heard = Heard()
    driver = TerminalDriver(socket, "", heard, stable_after=0.6, state_file=tmp_path / "terminal.jsonl")
    task = asyncio.create_task(driver.run())
    agent = Agent(driver, heard)
    await agent.ask("echo before")
    position = driver.open_turn("echo asked; sleep 0.3; echo later")
    assert await driver.send("echo asked; sleep 0.3; echo later", kept())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with driving(tmp_path, process) as agent:
        agent.heard.turn = Turn(driver.instance, position, "echo asked; sleep 0.3; echo later", 4)
        await agent.until_stable()
        assert agent.heard.answers[-1] == "asked\nlater"
        assert agent.driver.shows("echo asked; sleep 0.3; echo later")
        assert not agent.driver.shows("echo before")


async def test_program_that_queries_its_terminal_gets_a_reply(start: Start, tmp_path: Path) -> None:
    script = (
        r"stty raw -echo; printf '\033[6n'; IFS= read -r -d R answer; stty sane; printf 'at %q' \"$answer\"; read x"
    )
    async with driving(tmp_path, await start("bash", "-c", script.replace('\\"', '"'))) as agent:
        await agent.until("the answer", lambda: "1;1" in agent.driver.screen())


async def test_enter_is_pressed_again_when_nothing_happens(start: Start, tmp_path: Path) -> None:
    """Some programs take the first Enter as part of the pasted text."""
    script = (
        "stty raw -echo; printf '> '; IFS= read -r -N 2; printf '%s' \"$REPLY\"; IFS= read -r -N 1; "
        "IFS= read -r -N 1; printf '\\r\\nentered\\r\\n'; stty sane; read x"
    )
    async with driving(tmp_path, await start("bash", "-c", script)) as agent:
        began = time.monotonic()
        assert await agent.ask("hi") == "entered"
        assert 3 < time.monotonic() - began < 9


def test_bracketed_paste_is_used_where_the_program_asked_for_it() -> None:
    assert keystrokes("a\nb", bracketed=True) == b"\x1b[200~a\rb\x1b[201~"
    assert keystrokes("a\nb", bracketed=False) == b"a\rb"


def replaying(name: str, scene: str, then: str = "read line") -> tuple[str, ...]:
    """A program that shows what a real agent did, then goes on."""
    return ("bash", "-c", f"stty raw -echo; head -c {end_of(name, scene)} {RECORDINGS / name}.bin; {then}")


async def test_question_of_a_known_program_is_reported_and_not_typed_over(start: Start, tmp_path: Path) -> None:
    process = await start(*replaying("claude-trust", "asks"))
    async with driving(tmp_path, process, agent_type="claude") as agent:
        question = "Quick safety check: Is this a project you created or one you trust?"
        await agent.until("the question", lambda: agent.driver.question == question)
        await asyncio.sleep(1.5)
        assert agent.driver.status is Status.RUNNING
        assert question in agent.driver.refusal


async def test_known_program_that_works_is_not_stable_even_when_nothing_moves(start: Start, tmp_path: Path) -> None:
    process = await start(*replaying("claude-work", "think working", "read line"))
    async with driving(tmp_path, process, agent_type="claude") as agent:
        await agent.until("the screen", lambda: "think 4" in agent.driver.screen())
        await asyncio.sleep(1.5)
        assert agent.driver.status is Status.RUNNING


async def test_blinking_hint_below_the_input_box_does_not_count_as_work(start: Start, tmp_path: Path) -> None:
    blink = (
        r"while sleep 0.2; do printf '\0337\033[31;3Hhint\0338'; sleep 0.2; printf '\0337\033[31;3H\033[K\0338'; done"
    )
    process = await start(*replaying("claude-work", "write", blink))
    async with driving(tmp_path, process, agent_type="claude") as agent:
        await agent.until_stable()
        await agent.until("the hint", lambda: "hint" in agent.driver.screen())
        assert agent.driver.status is Status.STABLE


async def test_known_program_started_by_a_script_is_recognised_by_its_banner(start: Start, tmp_path: Path) -> None:
    async with driving(tmp_path, await start(*replaying("claude-work", "start"))) as agent:
        await agent.until("the banner", lambda: agent.driver.agent_type == "claude")
        await agent.until_stable()
        assert agent.heard.answers[-1].startswith("╭─── Claude Code v")
        assert "❯" not in agent.heard.answers[-1]  # noqa: RUF001


@pytest.mark.skipif(not (shutil.which("less") and shutil.which("vim")), reason="needs less and vim")
async def test_full_screen_programs_are_read_as_a_person_sees_them(start: Start, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("".join(f"line {number} 好 é\n" for number in range(1, 100)))
    process = await start("bash", "--norc", "--noprofile", "-i", size="40x10")
    async with driving(tmp_path, process) as agent:
        await agent.until_stable()
        await agent.driver.press("less long.txt\r")
        await agent.until("the first page", lambda: agent.driver.screen().startswith("line 1 好 é\nline 2 好"))
        await agent.driver.press(" ")
        await agent.until("the second page", lambda: agent.driver.screen().startswith("line 10 好 é"))
        await agent.driver.press("q")
        await agent.until("the shell", lambda: agent.driver.screen().rstrip().endswith("agent$"))
        assert "line 10" not in agent.driver.screen()
        await agent.driver.press("vim -u NONE -n long.txt\r")
        await agent.until("the editor", lambda: agent.driver.screen().startswith("line 1 好 é\nline 2"))
        await agent.driver.press("dd3GiNEW ")
        await agent.until(
            "the change", lambda: agent.driver.screen().startswith("line 2 好 é\nline 3 好 é\nNEW line 4 好")
        )
        await agent.driver.press("\x1b:q!\r")
        await agent.until("the shell", lambda: agent.driver.screen().rstrip().endswith("agent$"))
        assert "NEW" not in agent.driver.screen()


async def test_what_was_shown_just_before_the_agent_is_asked_to_end_belongs_to_its_answer(tmp_path: Path) -> None:
    heard = Heard()
    driver = TerminalDriver(str(tmp_path / "none"), "", heard, stable_after=0.6, state_file=tmp_path / "terminal.jsonl")
    await driver.hello(frames.Hello(frames.State.RUNNING, "run", 80, 24, 0, 0))
    for text in (b"one\r\n", b"two\r\n"):
        await driver.output(text)
        await driver.ending()
    assert heard.answers == ["one", "one\ntwo"]


async def test_output_that_somebody_else_has_looked_at_first_is_read_all_the_same(tmp_path: Path) -> None:
    heard = Heard()
    driver = TerminalDriver(str(tmp_path / "none"), "", heard, stable_after=0.6, state_file=tmp_path / "terminal.jsonl")
    await driver.hello(frames.Hello(frames.State.RUNNING, "run", 80, 24, 0, 0))
    await driver.output(b"one\r\n")
    assert driver.screen() == "one"
    driver._sight.sample()
    assert heard.answers == ["one"]
