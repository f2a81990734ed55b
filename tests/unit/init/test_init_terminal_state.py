"""What the kernel knows about the terminal: who has the foreground, its modes, and whether somebody reads."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from unit.init.client import EXITED, HELLO, INPUT, RUNNING, WAITING, Client, frame
from unit.init.process import Running, Start, descendants, eventually

BASH = ("bash", "--norc", "--noprofile", "-i")
PYTHON = Path(sys.executable).name
ASYNCIO_READER = (
    "import asyncio\n"
    "async def main():\n"
    "    got = asyncio.Event()\n"
    "    asyncio.get_running_loop().add_reader(0, got.set)\n"
    "    await got.wait()\n"
    "asyncio.run(main())\n"
)
LEAVES_ITS_GROUP_TO_A_CHILD = "import os, time; os.fork() == 0 and time.sleep(1)"


# As tini does: the child gets a group of its own, and the foreground.
GIVES_ITS_CHILD_THE_FOREGROUND = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
    "for command in sys.argv[1:]:\n"
    "    pid = os.fork()\n"
    "    if pid == 0:\n"
    "        os.setpgid(0, 0)\n"
    "        os.tcsetpgrp(0, os.getpid())\n"
    "        os.execvp('sh', ['sh', '-c', command])\n"
    "    os.waitpid(pid, 0)\n"
)


@pytest.fixture(params=["asan"])  # tests that measure name the static build
def program(request: pytest.FixtureRequest, builds: Path) -> Path:
    return builds / ("taskyard-init-asan" if request.param == "asan" else "taskyard-init")


def watched(start: Start, *command: str, **how: object) -> tuple[Running, Client]:
    """A run, and a client of version 2 that has started the command."""
    running = start(*command, **how)
    client = running.client(version=2)
    client.go()
    return running, client


@pytest.mark.parametrize(
    ("script", "name"),
    [
        pytest.param(("cat",), "cat", id="read"),
        pytest.param(("sh", "-c", "read x"), "sh", id="a shell's read"),
        pytest.param((sys.executable, "-c", "import select; select.select([0], [], [])"), PYTHON, id="select"),
        pytest.param(
            (sys.executable, "-c", "import select; p = select.poll(); p.register(0, select.POLLIN); p.poll()"),
            PYTHON,
            id="poll",
        ),
        pytest.param((sys.executable, "-c", ASYNCIO_READER), PYTHON, id="epoll"),
        pytest.param((sys.executable, "-c", "open('/dev/tty').read()"), PYTHON, id="another descriptor"),
        pytest.param(
            (sys.executable, "-c", "import os, threading; threading.Thread(target=os.read, args=(0, 1)).start()"),
            PYTHON,
            id="a thread",
        ),
        pytest.param(("sh", "-c", "sleep 0.2; cat; exit 0"), "cat", id="a child without a group of its own"),
    ],
)
def test_a_program_that_waits_for_input_reads(start: Start, script: tuple[str, ...], name: str) -> None:
    """T3: whichever way a program waits for input, it is known to wait."""
    _, client = watched(start, *script)
    state = client.read_until_told(reader="yes", name=name)
    assert (state.foreground, state.canonical, state.echo) == ("own", True, True)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("sleep 5 & wait", id="a background job"),
        pytest.param("echo working; sleep 5; echo", id="a silent command"),
        pytest.param("cat < /dev/zero > /dev/null; echo", id="a busy command"),
        pytest.param("(sleep 5) | cat; echo", id="a read of a pipe"),
    ],
)
def test_a_program_that_works_does_not_read(start: Start, script: str) -> None:
    """T3: work is told from waiting, though both are silent."""
    _, client = watched(start, "sh", "-c", script)
    client.read_for(0.8)
    assert {(state.foreground, state.reader) for state in client.told} == {("own", "no")}


def test_select_on_other_descriptors_is_no_read(start: Start) -> None:
    script = (
        "import os, select; r, w = os.pipe(); select.select([r], [0], [], 5) if 0 else select.select([r], [], [], 5)"
    )
    _, client = watched(start, sys.executable, "-c", script)
    client.read_for(0.8)
    assert {state.reader for state in client.told} == {"no"}


def test_the_end_of_silent_work_is_noticed(start: Start) -> None:
    _, client = watched(start, "sh", "-c", "sleep 0.8; read x; sleep 0.8; exit 3")
    client.read_until_told(reader="no")
    client.read_until_told(reader="yes")
    client.type("\r")
    client.read_until_told(reader="no")
    assert client.read_to_exit() == 3


def test_a_job_of_a_shell_has_the_foreground_until_it_ends(start: Start) -> None:
    """T3: a command in the foreground of bash is work, and bash's own prompt is none."""
    _, client = watched(start, *BASH)
    prompt = client.read_until_told(foreground="own", reader="yes")
    assert (prompt.name, prompt.canonical) == ("bash", False)
    client.type("sleep 1.2\r")
    assert client.read_until_told(foreground="other").reader == "no"
    assert client.read_until_told(name="sleep").canonical
    assert client.read_until_told(foreground="own", reader="yes").name == "bash"
    client.type("sh -c 'sleep 0.6; read l; echo \"got $l\"'\r")
    client.read_until_told(foreground="other", reader="no")
    assert client.read_until_told(reader="yes").foreground == "other"


def test_the_child_of_a_small_init_is_the_agent_and_its_jobs_are_others(start: Start) -> None:
    """T2: a command that takes no input itself is a wrapper, and what it started is no job of a shell."""
    _, client = watched(start, sys.executable, "-c", GIVES_ITS_CHILD_THE_FOREGROUND, "exec " + " ".join(BASH))
    client.read_until_told(foreground="own", reader="yes", name="bash")
    client.type("sleep 0.6\r")
    client.read_until_told(foreground="other", reader="no", name="sleep")
    client.read_until_told(foreground="own", reader="yes", name="bash")


def test_the_next_child_of_a_small_init_is_the_agent_when_the_first_is_gone(start: Start) -> None:
    """T2: a setup that asks something comes before the agent."""
    _, client = watched(start, sys.executable, "-c", GIVES_ITS_CHILD_THE_FOREGROUND, "read x", "exec cat")
    client.read_until_told(foreground="own", reader="yes", name="sh")
    client.type("\r")
    client.read_until_told(foreground="own", reader="yes", name="cat")


def test_a_background_job_leaves_the_foreground_to_its_shell(start: Start) -> None:
    _, client = watched(start, *BASH)
    client.read_until_told(foreground="own", reader="yes")
    client.type("sleep 5 &\r")
    client.read_for(1)
    assert (client.told[-1].foreground, client.told[-1].reader) == ("own", "yes")
    client.type("wait\r")
    client.read_until_told(foreground="own", reader="no")


def test_a_password_prompt_has_no_echo(start: Start) -> None:
    _, client = watched(start, "sh", "-c", "stty -echo; read secret; stty echo; read open")
    client.read_until_told(reader="yes", canonical=True, echo=False)
    client.type("secret\r")
    client.read_until_told(reader="yes", canonical=True, echo=True)
    assert not any("secret" in state.name for state in client.told)


@pytest.mark.parametrize(
    ("line", "ends"), [pytest.param("vim -u NONE", ":q!\r", id="vim"), pytest.param("less /etc/passwd", "q", id="less")]
)
def test_an_editor_and_a_pager_read_in_key_mode(start: Start, line: str, ends: str) -> None:
    name = line.split()[0]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    _, client = watched(start, *BASH, environment={"TERM": "xterm"})
    client.read_until_told(reader="yes")
    client.type(line + "\r")
    state = client.read_until_told(foreground="other", reader="yes", name=name)
    assert not state.canonical
    client.type(ends)
    client.read_until_told(foreground="own", reader="yes", name="bash")


def test_a_terminal_inside_of_the_terminal_reads_whatever_runs_in_it(start: Start) -> None:
    """`script`, as ssh and tmux do, takes the terminal's keys and has another terminal for its command."""
    if shutil.which("script") is None:
        pytest.skip("script is not installed")
    _, client = watched(start, *BASH)
    client.read_until_told(reader="yes")
    client.type("script -q -c 'echo up; sleep 5' /dev/null\r")
    client.read_until("up\r\n")
    client.read_until_told(foreground="other", reader="yes", canonical=False, name="script")


def test_a_python_prompt_reads(start: Start) -> None:
    _, client = watched(start, sys.executable, "-q", environment={"TERM": "dumb"})
    client.read_until(">>> ")
    client.read_until_told(reader="yes")
    client.type("import time; time.sleep(0.7)\r")
    client.read_until_told(reader="no")
    client.read_until_told(reader="yes")


def test_the_leader_of_a_group_may_be_gone(start: Start) -> None:
    _, client = watched(start, *BASH)
    client.read_until_told(reader="yes")
    client.type(f'{sys.executable} -c "{LEAVES_ITS_GROUP_TO_A_CHILD}" | cat\r')
    client.read_until_told(foreground="other", name="cat")
    client.read_until_told(foreground="own", reader="yes")


UNDUMPABLE = (
    "import ctypes, sys\n"
    "ctypes.CDLL(None).prctl(4, 0)\n"  # PR_SET_DUMPABLE: who is not privileged may not look at it
    "print('hidden', flush=True)\n"
    "sys.stdin.readline()\n"
)


def test_a_process_that_may_not_be_looked_at_is_unknown(start: Start) -> None:
    """A strict Yama, or a setuid program: nothing is said rather than that nobody reads."""
    without_rights = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    _, client = watched(start, sys.executable, "-c", UNDUMPABLE, prefix=without_rights)
    client.read_until("hidden")
    assert client.read_until_told(reader="unknown").foreground == "own"
    client.read_for(0.6)
    assert client.told[-1].reader == "unknown"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        pytest.param(["{script}"], "tool.py", id="a script"),
        pytest.param(["-W", "ignore", "-u", "{script}", "-c"], "tool.py", id="after options"),
        pytest.param(["{folder}/gem-cli/dist/index.py"], "gem-cli", id="a file whose name says nothing"),
        pytest.param(["-c", "input()"], PYTHON, id="no script"),
        pytest.param(["-m", "tool"], "tool", id="a module"),
    ],
)
def test_a_script_has_its_own_name(start: Start, tmp_path: Path, arguments: list[str], name: str) -> None:
    """Who waits for input is called by the name that people know, not by that of its interpreter."""
    script = tmp_path / "tool.py"
    script.write_text("input()\n")
    index = tmp_path / "gem-cli" / "dist" / "index.py"
    index.parent.mkdir(parents=True)
    index.write_text("input()\n")
    words = [word.format(script=script, folder=tmp_path) for word in arguments]
    _, client = watched(start, sys.executable, *words, environment={"PYTHONPATH": str(tmp_path)})
    assert client.read_until_told(reader="yes").name == name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("a\x1b[31m\u2028b\n", "a?[31m\u2028b?", id="control characters"),
        pytest.param("größe字", "größe字", id="UTF-8"),
        pytest.param("字" * 40, "字" * 21, id="64 bytes of whole characters"),
    ],
)
def test_a_name_is_printable_and_short(start: Start, tmp_path: Path, given: str, shown: str) -> None:
    script = tmp_path / given
    script.write_text("read x\n")
    _, client = watched(start, "sh", str(script))
    assert client.read_until_told(reader="yes").name == shown


def test_whoever_waits_when_input_comes_waits_no_more(start: Start) -> None:
    """T1: between a typed line and the read for the next one, `reader` is `no` at least once."""
    _, client = watched(start, "cat")
    client.read_until_told(reader="yes")
    for number in range(5):
        told = len(client.told)
        client.type(f"line {number}\r")
        client.read_until(f"line {number}\r\nline {number}\r\n")
        while len(client.told) == told or client.told[-1].reader != "yes":
            client.take()
        assert [state.reader for state in client.told[told:]] == ["no", "yes"]


def test_input_that_a_program_takes_without_a_word_is_noticed(start: Start) -> None:
    _, client = watched(start, "sh", "-c", "stty -echo; read x; sleep 5")
    client.read_until_told(reader="yes", echo=False)
    client.type("x\r")
    client.read_for(1)
    assert client.told[-1].reader == "no"


def test_only_changes_are_told(start: Start) -> None:
    _, client = watched(start, "sh", "-c", "while :; do echo tick; sleep 0.1; done")
    client.read_for(1.5)
    assert all(one != other for one, other in zip(client.told, client.told[1:], strict=False))
    assert len(client.told) <= 3


def test_the_state_follows_the_replay(start: Start) -> None:
    running, client = watched(start, "sh", "-c", "echo before; read x; echo after; read x")
    client.read_until_told(reader="yes")
    later = running.client(version=2)
    assert (later.hello.version, later.hello.state, later.hello.replay) == (2, RUNNING, 8)
    while not later.told:
        later.take()
    assert later.screen == b"before\r\n"
    assert later.told[0].reader == "yes"


def test_a_client_of_version_1_is_told_nothing(start: Start) -> None:
    running, client = watched(start, "cat")
    old = running.client()
    assert old.hello.version == 1
    client.read_until_told(reader="yes")
    client.type("x\r")
    client.read_until_told(reader="yes")
    old.read_for(0.3)  # it accepts no terminal frame
    assert old.screen == b"x\r\nx\r\n"


def test_pipes_are_no_terminal(start: Start) -> None:
    running = start("cat", options=("--pipes",))
    client = running.client(version=2)
    client.go()
    client.type("x")
    client.read_until("x")
    client.read_for(0.5)
    assert client.told == []
    client.end_input()
    assert client.read_to_exit() == 0


def test_a_client_of_a_later_version_is_answered_in_this_one(start: Start) -> None:
    running = start("cat")
    assert running.client(version=9).hello.version == 2


def test_the_stream_begins_again_for_a_client_that_says_hello(start: Start) -> None:
    """All of the output comes twice: once for a client that says nothing, once for the one that has said hello."""
    running, first = watched(start, sys.executable, "-c", "print('0123456789' * 40_000); input()")
    first.read_until_told(reader="yes")
    client = running.client(receive_buffer=4096)
    assert client.hello.version == 1
    client.read_until(lambda screen: len(screen) > 10_000)
    client.send(HELLO, b"\2")
    frames = 0
    while True:  # what was on its way
        kind, payload = client.read_frame()
        frames += 1
        if kind == HELLO:
            break
    assert payload[0] == 2
    client.version, client.screen = 2, bytearray()
    client.read_until_told(reader="yes")
    assert bytes(client.screen) == (b"0123456789" * 40_000 + b"\r\n")[-(256 << 10) :]


def test_the_exit_status_comes_again_for_a_client_that_says_hello(start: Start) -> None:
    running = start("sh", "-c", "echo bye; exit 7")
    late = running.client()
    assert late.hello.state == WAITING
    starter = running.client(version=2)
    starter.go()
    while late.status is None:
        late.take()
    newest = running.client(version=2) if running.process.poll() is None else None
    assert starter.read_to_exit() == 7
    if newest is not None:
        assert newest.hello.state == EXITED
        assert newest.read_to_exit() == 7
        assert newest.screen == b"bye\r\n"
    assert running.wait() == 7


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(HELLO, b"\0"), id="version 0"),
        pytest.param(frame(HELLO, b""), id="no version"),
        pytest.param(frame(HELLO, b"\2\2"), id="two bytes"),
        pytest.param(frame(HELLO, b"\2") + frame(HELLO, b"\2"), id="twice"),
        pytest.param(frame(INPUT, b"x") + frame(HELLO, b"\2"), id="not first"),
    ],
)
def test_a_malformed_hello_drops_its_sender(start: Start, sent: bytes) -> None:
    running = start("cat")
    client = running.client()
    client.socket.sendall(sent)
    assert client.is_closed()
    assert "a client was dropped" in running.said()


@pytest.mark.parametrize("program", ["static"], indirect=True)
@pytest.mark.parametrize("command", [("cat",), BASH], ids=["line mode", "key mode"])
def test_a_terminal_at_rest_costs_nothing(start: Start, command: tuple[str, ...]) -> None:
    """No look at all, and not one wake-up, while the command's own group waits for input."""
    running, client = watched(start, *command)
    client.read_until_told(reader="yes")
    client.read_for(1.6)
    before = switches(running.pid)
    client.read_for(1.5)
    assert switches(running.pid) == before


@pytest.mark.parametrize("program", ["static"], indirect=True)
def test_work_costs_four_looks_a_second(start: Start) -> None:
    running, client = watched(start, "sleep", "10")
    client.read_until_told(reader="no")
    client.read_for(1.5)
    before = switches(running.pid)
    client.read_for(2)
    assert switches(running.pid) - before <= 10


@pytest.mark.parametrize("program", ["static"], indirect=True)
def test_without_a_client_of_version_2_nothing_is_looked_at(start: Start) -> None:
    running = start("sleep", "10")
    client = running.client()
    client.go()
    eventually(lambda: descendants(running.pid) != [], "the command runs")
    time.sleep(0.3)
    before = switches(running.pid)
    time.sleep(1)
    assert switches(running.pid) == before


@pytest.mark.parametrize("program", ["static"], indirect=True)
def test_it_stays_below_two_megabytes(start: Start) -> None:
    running, client = watched(start, *BASH)
    client.read_until_told(reader="yes")
    client.type("seq 1 50000; cat\r")
    client.read_until_told(foreground="other", reader="yes", name="cat")
    assert running.memory("VmHWM") < 2048


def switches(pid: int) -> int:
    """How often the process has gone to sleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("voluntary")))
