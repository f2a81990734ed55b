"""How long work and its failures are shown."""

import io
import sys
from pathlib import Path

import pytest

from localcluster import progress


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        pytest.param(0.42, "0.4s", id="tenths below ten seconds"),
        pytest.param(12.9, "12s", id="whole seconds from ten on"),
        pytest.param(192, "3m12s", id="minutes"),
        pytest.param(3725, "1h02m", id="hours"),
    ],
)
def test_a_duration_fits_the_end_of_a_line(seconds: float, shown: str) -> None:
    assert progress.duration(seconds) == shown


@pytest.mark.parametrize(
    ("log", "line"),
    [
        pytest.param("a\nError: no disk\nbye\n", "Error: no disk", id="the last line about an error"),
        pytest.param("E: Unable to locate package x\n100\n", "E: Unable to locate package x", id="apt"),
        pytest.param("one\ntwo\n\n", "two", id="else the last line that is not empty"),
        pytest.param("", "it wrote nothing", id="an empty log"),
    ],
)
def test_the_telling_line_of_a_log(log: str, line: str) -> None:
    assert progress.telling_line(log) == line


def test_a_step_is_one_line_with_its_note_and_time() -> None:
    screen = io.StringIO()
    with progress.step("counting", stream=screen) as step:
        step.note("2 of 2")
    assert screen.getvalue() == "==> counting (2 of 2) … 0.0s\n"


def test_a_step_that_cannot_read_a_file_fails_with_title_cause_and_log(tmp_path: Path) -> None:
    with (
        pytest.raises(progress.StepError) as failed,
        progress.step("reading", log=tmp_path / "log", stream=io.StringIO()),
    ):
        (tmp_path / "missing").read_text()
    assert failed.value.title == "reading"
    assert "No such file" in failed.value.cause
    assert failed.value.log == tmp_path / "log"


def test_a_failed_command_is_reported_by_the_line_that_explains_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "log"

    def body() -> int:
        progress.run("asking", [sys.executable, "-c", "print('error: no answer'); print('bye'); exit(3)"], log=log)
        return 0

    assert progress.main(body) == 1
    assert capsys.readouterr().err == f"failed: asking\n cause: error: no answer\n   log: {log}\n"


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(progress.StepError, match="not finished after"):
        progress.run(
            "waiting", [sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "log", timeout=0.2
        )
