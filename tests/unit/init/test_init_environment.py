"""What the command finds in its environment: a locale, and the prompt or the reason why it is not there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from unit.init.process import SANITIZER, Start

MERGED = ("--pipes", "--merge")
ALL_FORMS = [pytest.param((), id="terminal"), pytest.param(("--pipes",), id="pipes"), pytest.param(MERGED, id="merged")]
NO_LOCALE = {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}
FILE = "TASKYARD_TASK_PROMPT_FILE"
# Four bytes for each character of the file's name; a C locale shows each as an octal code.
LIST = ("bash", "--norc", "-c", "touch 'grün.txt' 'שלום' && ls --quoting-style=escape; locale charmap")


@pytest.mark.parametrize("options", ALL_FORMS)
def test_a_command_without_a_locale_has_utf_8(start: Start, run_dir: Path, options: tuple[str, ...]) -> None:
    """T13"""
    (run_dir / "files").mkdir()
    client = start(*LIST, options=options, environment=NO_LOCALE, prefix=("env", "-C", str(run_dir / "files"))).client()
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen.decode().split() == ["grün.txt", "שלום", "UTF-8"]


@pytest.mark.parametrize(
    ("given", "in_go", "shown"),
    [
        pytest.param({}, {}, "C.UTF-8||", id="nothing"),
        pytest.param({"LANG": "C"}, {}, "C||", id="the template's"),
        pytest.param({}, {"LANG": "C"}, "C||", id="the sidecar's"),
        pytest.param({"LC_ALL": "POSIX"}, {}, "||POSIX", id="for all categories"),
        pytest.param({"LC_CTYPE": "de_DE.ISO-8859-1"}, {}, "|de_DE.ISO-8859-1|", id="for characters"),
        pytest.param({"LC_MESSAGES": "de_DE.UTF-8"}, {}, "C.UTF-8||", id="for something else only"),
    ],
)
def test_a_locale_that_is_given_stays(start: Start, given: dict[str, str], in_go: dict[str, str], shown: str) -> None:
    """T13"""
    running = start("sh", "-c", 'printf %s "$LANG|$LC_CTYPE|$LC_ALL"', options=MERGED, environment=NO_LOCALE | given)
    client = running.client()
    client.go(in_go)
    assert client.read_to_exit() == 0
    assert client.screen.decode() == shown


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        pytest.param("字" * 50_000, "the prompt has 150000 bytes, TASKYARD_TASK_PROMPT holds 120000", id="too long"),
        pytest.param("a" * 120_001, "the prompt has 120001 bytes", id="a byte too long"),
        pytest.param("one\0two", "the prompt has a NUL, which no variable can hold", id="NUL"),
    ],
)
def test_a_prompt_that_the_command_would_not_get_ends_the_run_with_the_reason(
    start: Start, run_dir: Path, prompt: str, reason: str
) -> None:
    """T12: once, whatever number of attempts there may be, since each of them would lack the prompt."""
    running = start(
        *("sh", "-c", f'touch {run_dir}/ran; printf %s "$TASKYARD_TASK_PROMPT" | wc -c'),
        options=(*MERGED, "--retries", "3", "--retry-after", "0"),
        environment={FILE: str(run_dir / "prompt.txt")},
    )
    client = running.client()
    client.go({}, prompt)
    assert client.read_to_exit() == 125
    assert running.wait() == 125
    assert client.screen.decode().startswith(f"[taskyard: {reason}")
    assert client.screen.decode().endswith(f": have the command read ${FILE}]\n")
    assert reason in running.said()
    assert not (run_dir / "ran").exists()
    assert (run_dir / "prompt.txt").read_bytes() == prompt.encode()


@pytest.mark.parametrize(
    "script",
    [pytest.param(f'wc -c < "${FILE}"', id="by its variable"), pytest.param("wc -c < {path}", id="by its path")],
)
def test_a_command_that_reads_the_prompts_file_gets_every_prompt(start: Start, run_dir: Path, script: str) -> None:
    """T12"""
    path = run_dir / "prompt.txt"
    client = start("sh", "-c", script.format(path=path), options=MERGED, environment={FILE: str(path)}).client()
    client.go({}, "字" * 50_000)
    assert client.read_to_exit() == 0
    assert client.screen.split() == [b"150000"]


def test_a_terminal_and_a_protocol_start_without_the_variable(start: Start) -> None:
    """T12: they get the prompt in another way."""
    client = start("sh", "-c", 'echo "${TASKYARD_TASK_PROMPT-unset}"', options=("--pipes",)).client()
    client.go({}, "字" * 50_000)
    assert client.read_to_exit() == 0
    assert client.screen == b"unset\n"


def test_a_variable_that_the_kernel_refuses_is_named(start: Start) -> None:
    """T12"""
    client = start("true", options=MERGED).client()
    client.go({"LARGE": "x" * 131_066, "SMALL": "y"})
    assert client.read_to_exit() == 126
    assert client.screen.decode() == (
        "taskyard-init: cannot run true: Argument list too long "
        "(the variable LARGE has 131073 bytes, the kernel takes 131072)\n"
    )


def test_variables_that_are_too_much_together_are_refused_with_their_size(start: Start) -> None:
    """T12: a stack of 1 MiB leaves 256 KiB for arguments and environment, of which the prompt takes 240,000 bytes."""
    limited = ("prlimit", "--stack=1048576")
    client = start("true", options=MERGED, prefix=limited).client()
    client.go({f"V{number}": "x" * 10_000 for number in range(9)}, "p" * 120_000)
    assert client.read_to_exit() == 126
    assert "Argument list too long (arguments and environment are too large: 33" in client.screen.decode()


def test_a_terminal_goes_without_the_variable_rather_than_not_start(start: Start) -> None:
    """T12: only for a command is the prompt nowhere else."""
    running = start("sh", "-c", 'echo "${TASKYARD_TASK_PROMPT-unset}"', prefix=("prlimit", "--stack=1048576"))
    client = running.client()
    client.go({f"V{number}": "x" * 10_000 for number in range(9)}, "p" * 120_000)
    assert client.read_to_exit() == 0
    assert client.screen == b"unset\r\n"


@pytest.fixture
def installed(program: Path, run_dir: Path) -> Path:
    """taskyard-init as the sidecar installs it, beside taskyard-report."""
    (run_dir / "bin").mkdir()
    subprocess.run([program, "install", run_dir / "bin"], env=SANITIZER, check=True, timeout=10)
    return run_dir / "bin" / "taskyard-init"


@pytest.mark.parametrize("options", ALL_FORMS)
@pytest.mark.parametrize(
    ("given", "in_go", "path"),
    [
        pytest.param("/usr/bin:/bin", {}, "/usr/bin:/bin:{own}", id="the container's"),
        pytest.param("/x", {"PATH": "/usr/bin:/bin"}, "/usr/bin:/bin:{own}", id="the sidecar's"),
        pytest.param("{own}:/usr/bin:/bin", {}, "{own}:/usr/bin:/bin", id="at the beginning"),
        pytest.param("/usr/bin:{own}:/bin", {}, "/usr/bin:{own}:/bin", id="in the middle"),
        pytest.param("/usr/bin:/bin:{own}", {}, "/usr/bin:/bin:{own}", id="at the end"),
        pytest.param("{own}x:/usr/bin:/bin", {}, "{own}x:/usr/bin:/bin:{own}", id="a longer name"),
        pytest.param("/usr/bin:/bin:", {}, "/usr/bin:/bin::{own}", id="the working directory stays"),
    ],
)
def test_reports_folder_is_at_the_end_of_path(
    launch: Start, installed: Path, options: tuple[str, ...], given: str, in_go: dict[str, str], path: str
) -> None:
    own = str(installed.parent)
    client = launch(
        installed,
        *("/bin/sh", "-c", 'printf "%s " "$PATH"; command -v taskyard-report'),
        options=options,
        environment={"PATH": given.format(own=own)},
    ).client()
    client.go({name: value.format(own=own) for name, value in in_go.items()})
    assert client.read_to_exit() == 0
    assert client.screen.decode().split() == [path.format(own=own), f"{own}/taskyard-report"]


def test_program_of_the_image_wins(launch: Start, installed: Path, run_dir: Path) -> None:
    (run_dir / "image").mkdir()
    (run_dir / "image" / "taskyard-report").symlink_to(shutil.which("true") or "")
    client = launch(
        installed,
        *("/bin/sh", "-c", "command -v taskyard-report"),
        options=MERGED,
        environment={"PATH": f"{run_dir}/image:/bin"},
    ).client()
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen.decode().strip() == f"{run_dir}/image/taskyard-report"


def test_path_that_is_not_set_stays_so(launch: Start, installed: Path) -> None:
    """Where PATH is not set, each program has a default of its own."""
    unset = launch(installed, "/usr/bin/env", options=MERGED, prefix=("/usr/bin/env", "-u", "PATH")).client()
    unset.go()
    assert unset.read_to_exit() == 0
    assert not [line for line in unset.screen.decode().split("\n") if line.startswith("PATH=")]
