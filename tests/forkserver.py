"""Starts processes as forks of one that has imported their module, since an import takes one to two seconds of a core.

While `forking(module)` is entered, `start(module, …)` forks; otherwise, and where the memory of a whole process is
measured, it starts Python anew. A forked process has its own PID, environment, output and exit status, and gets signals
like any other. Its parent is a small keeper, which waits for it and tells its exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MAX_REQUEST_BYTES = 1 << 20
LOOK_SECONDS = 0.005

_servers: dict[str, ForkServer] = {}


class Forked:
    """A forked process, with those methods of `subprocess.Popen` that the tests use."""

    def __init__(self, told: int) -> None:
        """`told` is the end of a pipe on which the keeper writes the PID and later the exit status."""
        self._told = told
        self._looking = threading.Lock()
        self.returncode: int | None = None
        self.pid = self._number()

    def __del__(self) -> None:
        if self.returncode is None:
            os.close(self._told)

    def poll(self) -> int | None:
        with self._looking:
            if self.returncode is None and select.select([self._told], [], [], 0)[0]:
                self.returncode = self._number()
                os.close(self._told)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                assert timeout is not None
                raise subprocess.TimeoutExpired("a forked process", timeout)
            time.sleep(LOOK_SECONDS)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            read = os.read(self._told, 1)
            assert read, "the forked process' keeper is gone"
            line += read
        return int(line)


Process = subprocess.Popen[bytes] | Forked


class ForkServer:
    """A process that has imported a module and forks at each request. It starts at the first."""

    def __init__(self, module: str, environment: Mapping[str, str], also: Sequence[str] = ()) -> None:
        self._modules = (module, *also)
        self._environment = environment
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._asking = threading.Lock()

    def fork(self, environment: Mapping[str, str], output: IO[bytes], errors: IO[bytes]) -> Forked:
        with self._asking:
            if self._socket is None:
                self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._server = subprocess.Popen(
                        [sys.executable, __file__, *self._modules],
                        stdin=theirs,
                        stdout=subprocess.DEVNULL,
                        env=self._environment,
                    )
            told, telling = os.pipe()
            try:
                request = json.dumps(dict(environment)).encode()
                assert len(request) < MAX_REQUEST_BYTES
                socket.send_fds(self._socket, [request], [output.fileno(), errors.fileno(), telling])
            finally:
                os.close(telling)
            return Forked(told)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            assert self._server is not None
            self._server.wait(10)


@contextmanager
def forking(module: str, environment: Mapping[str, str] = os.environ, *, also: Sequence[str] = ()) -> Iterator[None]:
    """Processes of this module are forked meanwhile. `environment` is that of the import, and has Python's settings.
    `also` are modules that each process loads when it runs, and finds loaded then."""
    path = {"PYTHONPATH": str(Path(__file__).parents[1] / "operator")}
    _servers[module] = server = ForkServer(module, {**environment, **path}, also)
    try:
        yield
    finally:
        del _servers[module]
        server.close()


def start(
    module: str,
    environment: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes] | None = None,
    *,
    anew: bool = False,
) -> Process:
    """Starts `main()` of a module; standard error goes to `output` too unless there are `errors`. `anew`: never as a
    fork."""
    if module in _servers and not anew:
        return _servers[module].fork(environment, output, errors or output)
    return subprocess.Popen(
        [sys.executable, "-c", f"from {module} import main; main()"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors or subprocess.STDOUT,
    )


def _serve(module: str) -> None:
    """In the server: forks at each request, until nobody can ask any more. Returns in each forked process, as that."""
    # Ctrl-C reaches the whole foreground group: only the forked processes heed it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = socket.socket(fileno=os.dup(0))
    while True:
        request, descriptors, _, _ = socket.recv_fds(asked, MAX_REQUEST_BYTES, 3)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not request:
            sys.exit(0)
        output, errors, telling = descriptors
        if os.fork() == 0:
            asked.close()
            if _keep(telling):
                _become(module, json.loads(request), output, errors)
                return
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(telling: int) -> bool:
    """In the keeper: forks once more, and tells the PID and the exit status. Returns only in the forked process."""
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        return True
    try:
        os.write(telling, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        # Nobody may want to know it any more.
        with contextlib.suppress(BrokenPipeError):
            os.write(telling, b"%d\n" % os.waitstatus_to_exitcode(status))
    finally:
        os._exit(0)


def _become(module: str, environment: dict[str, str], output: int, errors: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module]


if __name__ == "__main__":
    # Python put this file's folder first, whose modules are the tests'.
    del sys.path[0]
    named, *others = sys.argv[1:]
    imported = importlib.import_module(named)
    for other in others:
        importlib.import_module(other)
    _serve(named)
    imported.main()
