"""The agent shares the volume claim with the sidecar and may fill it: nothing is typed whose intent cannot be written,
the sidecar keeps running and reports the cause, and every message is typed once when there is room again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.sidecar.pod import Pod, until

SIZE, FILES = "64k", 8
FULL = "the journal cannot be written: No space left on device"


class SmallDisk:
    """The sidecar's state directory on a file system of its own."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def fill(self) -> None:
        """Fills the disk, so that neither a byte nor a file can be added."""
        for number in range(FILES):
            try:
                with (self._state / f"filler-{number}").open("wb", buffering=0) as file:
                    while file.write(b"x" * 4096):
                        pass
            except OSError:
                continue

    def clear(self) -> None:
        for filler in self._state.glob("filler-*"):
            filler.unlink()


@pytest.fixture
def disk(pod: Pod) -> Iterator[SmallDisk]:
    pod.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},nr_inodes={FILES},mode=0700", "taskyard-test", pod.state]
    result = subprocess.run(mount, capture_output=True, text=True, timeout=10, check=False)
    if result.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {result.stderr.strip()}")
    try:
        yield SmallDisk(pod.state)
    finally:
        subprocess.run(["umount", "--lazy", pod.state], check=True, timeout=10)


def test_a_message_waits_for_room_and_is_typed_once(pod: Pod, disk: SmallDisk) -> None:
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    disk.fill()
    for _ in range(2):
        refused = pod.post("echo once >> count", key="uid")
        assert (refused.status_code, refused.json()["detail"]) == (503, FULL)
        # The restarted sidecar finds the same full disk, and nothing was typed.
        pod.kill_sidecar()
        pod.start_sidecar()
        pod.until_stable()
    assert not (pod.home / "count").exists()
    disk.clear()
    assert pod.post("echo once >> count", key="uid").json() == {"ok": True}
    assert pod.post("echo once >> count", key="uid").json() == {"ok": True}
    pod.until_stable()
    assert (pod.home / "count").read_text() == "once\n"


def test_a_delivered_message_is_not_typed_again_when_the_disk_gets_full(pod: Pod, disk: SmallDisk) -> None:
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo once >> count", key="uid").json() == {"ok": True}
    pod.until_stable()
    disk.fill()
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo once >> count", key="uid").json() == {"ok": True}
    assert (pod.home / "count").read_text() == "once\n"


def test_a_prompt_waits_for_room_and_the_state_says_so(pod: Pod, disk: SmallDisk) -> None:
    pod.gateway.prompt = "echo once >> count"
    disk.fill()
    pod.start_agent()
    pod.start_sidecar()
    until("the state", lambda: ("working", f"The prompt waits: {FULL}") in pod.states())
    assert pod.health("/healthz").status_code == 200
    disk.clear()
    until("the prompt", lambda: (pod.home / "count").exists())
    pod.until_stable()
    until("the state", lambda: pod.states()[-1] == ("idle", ""))
    assert (pod.home / "count").read_text() == "once\n"
