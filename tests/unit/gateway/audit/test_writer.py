"""Lines are written in order, by a thread, whatever becomes of who reads them."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

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
