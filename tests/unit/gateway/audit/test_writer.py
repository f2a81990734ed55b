"""Lines are written in order, by a thread, whatever becomes of who reads them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster.locations import REPOSITORY
from taskyard.gateway.audit.writer import LineWriter

Told = Counter[str]


@pytest.fixture
def told() -> Told:
    return Counter()


class Pipe:
    """A pipe, of which either end may be closed once or more often."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._open = {self.reading, self.writing}

    def close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)

    def read_all(self) -> bytes:
        """What comes until the other end is closed."""
        with os.fdopen(self.reading, "rb", closefd=False) as stream:
            return stream.read()

    def reading_in_a_thread(self) -> Callable[[], bytes]:
        """Starts to read; the function that it returns has all that came."""
        heard: list[bytes] = []
        thread = threading.Thread(target=lambda: heard.append(self.read_all()))
        thread.start()

        def result() -> bytes:
            thread.join(10)
            return heard[0]

        return result


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close(pipe.reading)
    pipe.close(pipe.writing)


def writer(descriptor: int, told: Told, **options: int) -> LineWriter:
    return LineWriter(
        descriptor,
        written=lambda: told.update(written=1),
        lost=lambda: told.update(lost=1),
        **options,
    )


def test_lines_are_there_in_order_once_it_is_closed(pipe: Pipe, told: Told) -> None:
    one = writer(pipe.writing, told)
    lines = [b"%d\n" % number for number in range(1000)]
    for line in lines:
        one.write(line)
    one.close()
    pipe.close(pipe.writing)
    assert pipe.read_all().splitlines(keepends=True) == lines
    assert told == {"written": 1000}


def test_a_reader_that_stops_delays_nobody_and_loses_only_what_is_beyond_the_bound(pipe: Pipe, told: Told) -> None:
    one = writer(pipe.writing, told, most=100)
    line = b"x" * 4095 + b"\n"
    began = time.monotonic()
    for _ in range(1000):
        one.write(line)
    assert time.monotonic() - began < 2
    lost = told["lost"]
    assert 1000 - 100 - 64 <= lost <= 1000 - 100, "a hundred wait, and a pipe takes some more"
    result = pipe.reading_in_a_thread()
    one.close()
    pipe.close(pipe.writing)
    assert result() == line * (1000 - lost)
    assert told["written"] == 1000 - lost


def test_a_reader_that_never_comes_back_does_not_stop_the_end(pipe: Pipe, told: Told) -> None:
    one = writer(pipe.writing, told)
    for _ in range(100):
        one.write(b"x" * 4095 + b"\n")
    began = time.monotonic()
    one.close(seconds=0.3)
    assert 0.2 < time.monotonic() - began < 3


def test_a_broken_pipe_loses_lines_and_nothing_else(pipe: Pipe, told: Told, capfd: pytest.CaptureFixture[str]) -> None:
    pipe.close(pipe.reading)
    one = writer(pipe.writing, told)
    for _ in range(50):
        one.write(b"line\n")
    one.close()
    assert told == {"lost": 50}
    complaints = capfd.readouterr().err.splitlines()
    assert complaints == ["taskyard-gateway: lines of the audit log are lost: [Errno 32] Broken pipe"], "once a minute"


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: Pipe, told: Told) -> None:
    os.set_blocking(pipe.writing, False)
    one = writer(pipe.writing, told)
    line = b"y" * 4095 + b"\n"
    for _ in range(200):
        one.write(line)
    result = pipe.reading_in_a_thread()
    one.close()
    pipe.close(pipe.writing)
    assert result() == line * 200
    assert told == {"written": 200}


def test_a_device_without_room_loses_lines_and_nothing_else(told: Told, capfd: pytest.CaptureFixture[str]) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    one = writer(descriptor, told)
    for _ in range(50):
        one.write(b"line\n")
    one.close()
    os.close(descriptor)
    assert told == {"lost": 50}
    assert "No space left on device" in capfd.readouterr().err


# A file that takes a part of a line and then no more: for a process whose files may have so many bytes (RLIMIT_FSIZE)
# that is the same as a full disk. The limit is that of a whole process, so it is one of its own.
FILLING = """
import json, os, resource, signal, sys, time
from collections import Counter
from taskyard.gateway.audit.writer import LineWriter

path, limit, flags, begin = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
descriptor, told = os.open(path, os.O_WRONLY | flags), Counter()
os.lseek(descriptor, begin, os.SEEK_SET)
writer = LineWriter(descriptor, written=lambda: told.update(written=1), lost=lambda: told.update(lost=1))

def write(first, number):
    expected = told.total() + number
    for n in range(first, first + number):
        writer.write(json.dumps({"audit": n, "filled": "x" * 290}).encode() + b"\\n")
    while told.total() < expected:
        time.sleep(0.01)

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
write(0, 10)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
write(10, 5)
writer.close()
print(json.dumps(told))
"""


def filled(file: Path, limit: int, flags: int, *, begin: int = 0) -> dict[str, int]:
    """Writes lines 0 to 9 up to a limit of bytes, and 10 to 14 without it. Returns how many were written and lost."""
    arguments = [sys.executable, "-c", FILLING, str(file), str(limit), str(flags), str(begin)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "operator")}
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert "lines of the audit log are lost: [Errno 27] File too large" in result.stderr
    told: dict[str, int] = json.loads(result.stdout)
    return told


@pytest.mark.parametrize("flags", [pytest.param(os.O_APPEND, id="at its end"), pytest.param(0, id="at a place")])
@pytest.mark.parametrize("limit", [pytest.param(1000, id="in a line"), pytest.param(3 * 317, id="between two lines")])
def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path, flags: int, limit: int) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"")
    assert filled(file, limit, flags) == {"written": 3 + 5, "lost": 7}
    lines = [json.loads(line) for line in file.read_text().splitlines() if line]
    assert [line["audit"] for line in lines] == [0, 1, 2, *range(10, 15)]
    assert {len(line["filled"]) for line in lines} == {290}


def test_half_a_line_of_somebody_else_is_no_part_of_the_next_one(tmp_path: Path) -> None:
    """Whoever shares the file meets the full disk too."""
    file = tmp_path / "log"
    file.write_bytes(b"2026-01-31 12:00:00 WARN")
    filled(file, len(file.read_bytes()), os.O_APPEND)
    first, *lines = [line for line in file.read_text().splitlines() if line]
    assert first == "2026-01-31 12:00:00 WARN"
    assert [json.loads(line)["audit"] for line in lines] == list(range(10, 15))


def test_a_part_that_cannot_be_taken_back_is_no_part_of_the_next_one(tmp_path: Path) -> None:
    """There is something behind it: what others have written is not cut off."""
    file = tmp_path / "log"
    file.write_bytes(b"." * 5000)
    filled(file, 1000, 0)
    lines = file.read_text().splitlines()
    whole = [json.loads(line)["audit"] for line in lines if line.startswith("{") and line.endswith("}")]
    assert whole == [0, 1, 2, *range(10, 15)]
    assert len(file.read_bytes()) == 5000
