"""etcd and kube-apiserver on loopback, without root, for the integration tests.

::

    with ControlPlane(directory) as cp:
        subprocess.run(["kubectl", "--kubeconfig", cp.kubeconfig, "get", "ns"])

No controller-manager runs unless asked for: service accounts are not created automatically, and nothing is garbage
collected. Each process has a guard, so that it does not outlive the process that started it, even after ``kill -9``.
"""

import datetime
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from localcluster import apiserver, locations, programs, progress

_READY_SECONDS = 60.0
_SERVICE_RANGE = "10.0.0.0/16"
_SERVICE_ADDRESS = "10.0.0.1"


class _Guarded:
    """One process under a guard: it ends when :meth:`stop` is called or this Python process exits."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "localcluster.guard", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(locations.PACKAGE_ROOT)},
                cwd=log.parent,
            )

    def is_running(self) -> bool:
        return self._guard.poll() is None

    @property
    def pid(self) -> int:
        guard = self._guard.pid
        return int(Path(f"/proc/{guard}/task/{guard}/children").read_text().split()[0])

    def stop(self) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()


class ControlPlane:
    """An API server of its own, with all its files under ``directory``.

    ``etcd_flags`` and ``apiserver_flags`` come last on the command lines of etcd and the API server. With
    ``controller_manager`` the named controllers run too (``("garbage-collector-controller", "namespace-controller")``;
    ``("*",)`` for all).
    Raises :class:`progress.StepError` when a program is not available or does not become ready within a minute.
    """

    def __init__(
        self,
        directory: Path,
        *,
        etcd_flags: Sequence[str] = (),
        apiserver_flags: Sequence[str] = (),
        controller_manager: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self._etcd_flags = tuple(etcd_flags)
        self._flags = tuple(apiserver_flags)
        self._controllers = tuple(controller_manager)
        self._running: dict[str, _Guarded] = {}
        self._etcd_port = self._peer_port = self._port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def etcd_url(self) -> str:
        """etcd's address, without TLS; under ``/v3/`` it takes JSON."""
        return f"http://127.0.0.1:{self._etcd_port}"

    def pid(self, name: str) -> int:
        """The process id of a program that runs, such as ``kube-apiserver`` (Linux)."""
        return self._running[name].pid

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig (group system:masters)."""
        return self.directory / "keys" / "admin.kubeconfig"

    @property
    def authority_file(self) -> Path:
        """The CA certificate to verify the API server with, PEM."""
        return self.directory / "keys" / "ca.crt"

    @property
    def apiserver_log(self) -> Path:
        return self.directory / "kube-apiserver.log"

    def __enter__(self) -> "ControlPlane":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts everything and waits until the API server is ready (about 4 s)."""
        wanted = ["etcd", "kube-apiserver", *(["kube-controller-manager"] if self._controllers else [])]
        self._programs = programs.ensure(*wanted)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._etcd_port, self._peer_port, self._port = _free_ports(3)
        self._keyring = apiserver.make_keyring(
            self.directory / "keys",
            now=datetime.datetime.now(datetime.UTC),
            addresses=(),
            service_address=_SERVICE_ADDRESS,
        )
        self._keyring.keep_kubeconfig("admin", server=self.url, user=apiserver.ADMIN, group="system:masters")
        try:
            self._run(
                "etcd",
                [
                    *apiserver.etcd_command(
                        self._programs["etcd"],
                        data=self.directory / "etcd",
                        port=self._etcd_port,
                        peer_port=self._peer_port,
                    ),
                    *self._etcd_flags,
                ],
            )
            self.start_apiserver()
            if self._controllers:
                self._start_controller_manager()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every process; the directory remains. May be called twice."""
        for name in reversed(list(self._running)):
            self._running.pop(name).stop()

    def start_apiserver(self) -> None:
        """Starts the API server on its earlier port and waits until it is ready."""
        self._run(
            "kube-apiserver",
            apiserver.apiserver_command(
                self._programs["kube-apiserver"],
                self._keyring.files,
                etcd_port=self._etcd_port,
                bind_address="127.0.0.1",
                advertise_address="127.0.0.1",
                port=self._port,
                service_range=_SERVICE_RANGE,
                # A loopback address is not allowed as an endpoint of the Service "kubernetes", so none is written.
                extra=("--endpoint-reconciler-type=none", *self._flags),
            ),
        )
        self._wait_ready()

    def stop_apiserver(self) -> None:
        """Stops the API server, as for an upgrade: connections are refused until it is started again."""
        self._running.pop("kube-apiserver").stop()

    def restart_apiserver(self) -> None:
        """Stops the API server and starts it again; stored objects remain, every watch is closed."""
        self.stop_apiserver()
        self.start_apiserver()

    def restart_controller_manager(self) -> None:
        """Restarts the controller manager, so that it knows kinds that were added since; by itself it looks for them
        only every 30 s."""
        self._running.pop("kube-controller-manager").stop()
        self._start_controller_manager()

    def _run(self, name: str, command: Sequence[str]) -> None:
        self._running[name] = _Guarded(name, command, self.directory / f"{name}.log")

    def _start_controller_manager(self) -> None:
        config = self._keyring.keep_kubeconfig(
            "controller-manager", server=self.url, user="system:kube-controller-manager"
        )
        self._run(
            "kube-controller-manager",
            [
                str(self._programs["kube-controller-manager"]),
                f"--kubeconfig={config}",
                f"--controllers={','.join(self._controllers)}",
                f"--root-ca-file={self.authority_file}",
                f"--service-account-private-key-file={self._keyring.files.key_file('service-account')}",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )

    def _wait_ready(self) -> None:
        context = ssl.create_default_context(cafile=str(self.authority_file))
        context.load_cert_chain(self._keyring.files.certificate_file("admin"), self._keyring.files.key_file("admin"))
        until = time.monotonic() + _READY_SECONDS
        while True:
            for process in self._running.values():
                if not process.is_running():
                    raise progress.StepError(
                        f"starting {process.name}", progress.telling_line_of(process.log), process.log
                    )
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", context=context, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > until:
                raise progress.StepError(
                    "starting kube-apiserver", f"not ready after {_READY_SECONDS:.0f} s", self.apiserver_log
                )
            time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Different loopback ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
