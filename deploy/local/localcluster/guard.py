"""Runs one command and ends it when the process that started the guard is gone, however that ended.

``python -m localcluster.guard COMMAND…``: the guard's standard input is a pipe that its owner holds open. When that
pipe is closed, the command gets SIGTERM, after 5 s SIGKILL. Otherwise the guard exits with the command's status. Linux
and macOS.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys

GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def main(command: list[str]) -> int:
    ended, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C reaches the whole foreground group, but the owner decides what happens to the command: both leave the
    # group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_the_guard)
    # A test run that is ended by its process group ends the guard as well, which then ends the command.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.terminate())
    while child.poll() is None:
        readable, _, _ = select.select([0, ended], [], [])
        if 0 in readable and not os.read(0, 4096):
            child.terminate()
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if ended in readable:
            os.read(ended, 4096)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _end_with_the_guard() -> None:
    """In the child, on Linux: makes the kernel kill it when the guard dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
