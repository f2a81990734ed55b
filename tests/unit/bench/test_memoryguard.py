"""Processes whose memory is watched."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bench import memoryguard
from bench.memoryguard import MemoryGuard


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    found = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield found
    found.kill()
    found.wait()


def test_the_peak_is_kept_and_a_small_process_runs_on(process: subprocess.Popen[bytes]) -> None:
    with MemoryGuard({"small": process.pid}) as guard:
        time.sleep(0.3)
    assert 1 < guard.peaks["small"] < 200
    assert guard.killed == set() and process.poll() is None


def test_a_process_above_the_ceiling_is_killed_and_its_peak_stays(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memoryguard, "CEILING_MB", 0.5)
    with MemoryGuard({"large": process.pid}) as guard:
        assert process.wait(10) == -9
        time.sleep(0.3)
    assert guard.killed == {"large"}
    assert guard.peaks["large"] > 0.5
