"""A short run of libFuzzer: whatever the socket's clients, the command and the sidecar send, in whatever order.

The harnesses in `fuzz/` define what counts as a fault. `fuzz/frames` and `fuzz/report` hold the inputs that earlier and
longer runs found worth keeping.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from initprogram import SOURCE

FOLDER = Path(__file__).parent / "fuzz"
SECONDS = 3


def unable() -> str:
    """Why this machine cannot fuzz; empty when it can."""
    if shutil.which("clang") is None:
        return "fuzz of taskyard-init: clang is not installed"
    said = subprocess.run(["clang", "-print-runtime-dir"], capture_output=True, text=True, check=False).stdout.strip()
    if not any(Path(said).glob("libclang_rt.fuzzer*.a")):
        return "fuzz of taskyard-init: clang has no libFuzzer (libclang-rt-dev) here"
    return ""


@pytest.fixture(scope="module")
def harnesses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both harnesses."""
    if reason := unable():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("fuzz")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    built = subprocess.run(
        ["make", "-s", "-C", SOURCE, f"BUILD={folder}", "fuzz"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.parametrize("part", ["frames", "report"])
def test_no_input_breaks_it(harnesses: Path, part: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    done = subprocess.run(
        [
            harnesses / f"fuzz_{part}",
            "-seed=1",
            f"-max_total_time={SECONDS}",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-max_len=4096",
            f"-artifact_prefix={tmp_path}/",
            found,
            FOLDER / part,
        ],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{[path.read_bytes() for path in tmp_path.glob('*-*')]}\n{done.stderr[-4000:]}"
    assert "Done" in done.stderr
