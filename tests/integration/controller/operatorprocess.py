"""The operator as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import yaml

import forkserver
import plainhttp
from ports import free_port

MODULE = "taskyard.controller.main"
START_SECONDS = 30.0


class OperatorProcess:
    """Starts, kills and restarts the operator; its log continues over restarts."""

    def __init__(
        self, kubeconfig: Path, folder: Path, *, namespace: str, name: str = "operator-0", **environment: str
    ) -> None:
        self._log = folder / "operator.log"
        self._server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        self._port = free_port()
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "TASKYARD_NAMESPACE": namespace,
            "TASKYARD_GATEWAY_URL": "https://taskyard-gateway.taskyard.svc:8444",
            "TASKYARD_SIDECAR_IMAGE": "localhost/taskyard:test",
            "TASKYARD_HEALTH_PORT": str(self._port),
            "TASKYARD_POD_NAME": name,
            # Long: on a busy machine a test may stall for seconds.
            "TASKYARD_LEASE_DURATION": "30s",
            "TASKYARD_LEASE_RENEW_DEADLINE": "25s",
            "TASKYARD_LEASE_RETRY_PERIOD": "0.5s",
            **environment,
        }
        self._environment.pop("KUBERNETES_SERVICE_HOST", None)
        self._process: forkserver.Process | None = None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def address(self) -> str:
        """The address of its probes and metrics."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ended_by_itself(self) -> bool:
        """Whether it ended without being killed."""
        return self._process is not None and self._process.poll() not in (None, -signal.SIGKILL)

    def start(self) -> None:
        """Starts it, without waiting. A killed predecessor leaves its Lease behind; since it is known to be dead, its
        Lease is deleted instead of waited for."""
        if self._process is not None:
            self.wait_dead()
            namespace = self._environment["TASKYARD_NAMESPACE"]
            path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/taskyard-operator"
            plainhttp.delete(self._server + path)
        with self._log.open("ab") as log:
            self._process = forkserver.start(MODULE, self._environment, log)

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once it has listed every kind."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if plainhttp.get(f"http://127.0.0.1:{self._port}/readyz").is_success:
                    return
            except httpx.HTTPError:
                pass
            assert self._process is not None and self._process.poll() is None, f"the operator ended:\n{self.log}"
            time.sleep(0.05)
        raise AssertionError(f"the operator was not ready within {seconds} s:\n{self.log}")

    def wait_log(self, text: str) -> None:
        """Returns once the log contains this text."""
        end = time.monotonic() + START_SECONDS
        while text not in self.log:
            assert time.monotonic() < end, f"no {text!r} within {START_SECONDS} s:\n{self.log}"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kills it, like a node that loses power."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def wait_dead(self) -> None:
        assert self._process is not None
        self._process.wait(10)

    def suspend(self) -> None:
        """Suspends it, like a node that swaps or a machine that sleeps."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def ask_to_end(self) -> None:
        """Sends SIGTERM, as the kubelet does first; `stop` waits as well."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        assert self._process is not None and self._process.poll() is None, f"the operator ended:\n{self.log}"
        self._process.send_signal(number)

    def wait_status(self) -> int:
        """Waits until it has ended; returns its exit status."""
        assert self._process is not None
        return self._process.wait(15)

    def stop(self) -> int:
        """Sends SIGTERM, waits and returns its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
