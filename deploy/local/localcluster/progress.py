"""Shows long work as one line with its elapsed time, and failures as a title, a cause and a log file.

On a terminal the line is rewritten in place; elsewhere it is printed when the step ends, with a heartbeat line every
15 s until then, so that a log never looks stuck.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

HEARTBEAT_SECONDS = 15.0
_TELLING = re.compile(
    r"\b(error|fatal|panic|failed|failure|cannot|can't|unable|denied|refused|not found|no such)\b|^E:", re.IGNORECASE
)
_LINES_LOOKED_AT = 60

_shown: list["Step"] = []
_write_lock = threading.RLock()


class StepError(Exception):
    """A step that failed for a reason that a user can act on.

    ``title`` names the step, ``cause`` is one line, ``log`` the file with details (or None).
    """

    def __init__(self, title: str, cause: str, log: Path | None = None) -> None:
        super().__init__(f"{title}: {cause}")
        self.title = title
        self.cause = cause
        self.log = log


def duration(seconds: float) -> str:
    """``0.4s``, ``12s``, ``3m12s``, ``1h02m``: short enough to end a line with."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def telling_line(text: str) -> str:
    """The line of a log that best describes what went wrong: the last one about an error, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][-_LINES_LOOKED_AT:]
    for line in reversed(lines):
        if _TELLING.search(line):
            return line[:400]
    return lines[-1][:400] if lines else "it wrote nothing"


def telling_line_of(log: Path) -> str:
    """:func:`telling_line` of a file; for a missing file, a sentence that says so."""
    try:
        return telling_line(log.read_text(errors="replace")[-65536:])
    except OSError:
        return f"{log} does not exist"


class Step:
    """One line on the screen, from the beginning of some work to its end."""

    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.title = title
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._note = ""
        self._ended = threading.Event()
        self._terminal = stream.isatty()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the step started."""
        return self._clock() - self._began

    def note(self, text: str) -> None:
        """Shows the step's progress after the title (``2 of 5``); a note replaces the one before."""
        self._note = text

    def begin(self) -> None:
        _shown.append(self)
        self._ticker.start()
        if self._terminal:
            self._write("")

    def end(self, outcome: str = "") -> None:
        self._ended.set()
        self._ticker.join()
        self._write(outcome, last=True)
        _shown.remove(self)

    def _tick(self) -> None:
        while not self._ended.wait(1.0 if self._terminal else HEARTBEAT_SECONDS):
            # An outer step prints nothing while an inner one is shown: two cannot share one line.
            if _shown and _shown[-1] is self:
                self._write("")

    def _write(self, outcome: str, *, last: bool = False) -> None:
        note = f" ({self._note})" if self._note else ""
        line = f"==> {self.title}{note} … {outcome}{' after ' if outcome else ''}{duration(self.elapsed)}"
        with _write_lock, contextlib.suppress(OSError, ValueError):
            if self._terminal:
                self._stream.write(f"\r\x1b[K{line}" + ("\n" if last else ""))
            else:
                self._stream.write((line if last else f"    {line[4:]}, still running") + "\n")
            self._stream.flush()


@contextlib.contextmanager
def step(title: str, *, log: Path | None = None, stream: TextIO | None = None) -> Iterator[Step]:
    """Shows the work of the block as one line.

    An ``OSError``, a ``TimeoutError`` or a failed child process that ends the block becomes a :class:`StepError` of
    this title; a ``StepError`` from within passes unchanged.
    """
    shown = Step(title, stream or sys.stdout)
    shown.begin()
    try:
        yield shown
    except StepError:
        shown.end("failed")
        raise
    except subprocess.CalledProcessError as error:
        shown.end("failed")
        said = error.stderr if isinstance(error.stderr, str) else ""
        cause = telling_line(said) if said.strip() else str(error)
        raise StepError(title, cause, log) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        shown.end("failed")
        raise StepError(title, str(error), log) from error
    except BaseException:
        shown.end("interrupted")
        raise
    shown.end()


def run(
    title: str,
    command: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    shown: bool = True,
) -> None:
    """Runs a command as a step and writes its output to ``log``, which it replaces.

    ``timeout`` is in seconds. Raises :class:`StepError` when the command cannot start, exits with a status other than
    0, or takes longer. ``shown=False`` runs it inside a step that is already on the screen.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if shown:
            stack.enter_context(step(title, log=log))
        output = stack.enter_context(log.open("wb"))
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd
            )
        except OSError as error:
            raise StepError(title, str(error), log) from error
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise StepError(title, f"not finished after {duration(timeout or 0)}", log) from error
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if status != 0:
            raise StepError(title, telling_line_of(log), log)


def main(body: Callable[[], int]) -> int:
    """Runs a program's body: a :class:`StepError` is printed in three lines on stderr and becomes exit status 1."""
    try:
        return body()
    except StepError as failure:
        print(f"failed: {failure.title}\n cause: {failure.cause}", file=sys.stderr)
        if failure.log is not None:
            print(f"   log: {failure.log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
