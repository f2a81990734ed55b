"""The notifier as a real process, with the rights of its service account alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx

import forkserver
import plainhttp
from integration.chart.installation import NAMESPACE, Cluster
from integration.notifier.receivers import MAIL_PORT
from ports import free_port

MODULE = "taskyard.notifier.main"
LEASE = "taskyard-notifier"
START_SECONDS = 30.0
ALLOWED = {
    "TASKYARD_NOTIFIER_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TASKYARD_NOTIFIER_PLAIN_HTTP": "true",
    "TASKYARD_NOTIFIER_APPRISE_SCHEMES": "mailto,mailtos,matrix,matrixs,ntfy,ntfys",
    "TASKYARD_NOTIFIER_MAIL_SERVERS": f"127.0.0.1,127.0.0.1:{MAIL_PORT}",
}
# Long: on a busy machine a test may stall for seconds.
LEASE_TERMS = {
    "TASKYARD_LEASE_DURATION": "30s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "25s",
    "TASKYARD_LEASE_RETRY_PERIOD": "0.5s",
}


class NotifierProcess:
    """Starts, kills and restarts the notifier; its log continues over restarts."""

    def __init__(self, cluster: Cluster, folder: Path, *, name: str = "notifier-0", **environment: str) -> None:
        self._cluster = cluster
        self._log = folder / f"{name}.log"
        self._port = free_port()
        kubeconfig = cluster.keep_kubeconfig("taskyard-notifier", folder / f"{name}.kubeconfig")
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "TASKYARD_NAMESPACE": NAMESPACE,
            "TASKYARD_HEALTH_PORT": str(self._port),
            "TASKYARD_POD_NAME": name,
            **ALLOWED,
            **LEASE_TERMS,
            **environment,
        }
        self._environment.pop("KUBERNETES_SERVICE_HOST", None)
        self._process: forkserver.Process | None = None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, alone: bool = True) -> None:
        """Starts it, without waiting. `alone`: the Lease of a killed predecessor is deleted instead of waited for."""
        if alone:
            self._cluster.kubectl("delete", "lease", LEASE, "-n", NAMESPACE, "--ignore-not-found")
        with self._log.open("ab") as log:
            self._process = forkserver.start(MODULE, self._environment, log)

    def begin(self) -> None:
        """Starts it, and returns once it leads."""
        self.start()
        self.wait_ready()
        self.wait_leading()

    def metric(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 without one."""
        text = plainhttp.get(f"http://127.0.0.1:{self._port}/metrics").raise_for_status().text
        listed = ",".join(f'{label}="{value}"' for label, value in labels.items())
        sample = f"{name}{{{listed}}} " if listed else f"{name} "
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(sample)), 0.0)

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once it has listed every kind."""
        self._wait("it is ready", lambda: plainhttp.get(f"http://127.0.0.1:{self._port}/readyz").is_success, seconds)

    def wait_leading(self, seconds: float = START_SECONDS) -> None:
        self._wait("it leads", lambda: self.metric("taskyard_notifier_leader") == 1, seconds)

    def _wait(self, what: str, holds: object, seconds: float) -> None:
        assert callable(holds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except httpx.HTTPError:
                pass
            assert self.is_running, f"the notifier ended:\n{self.log}"
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} s:\n{self.log}")

    def kill(self) -> None:
        """Kills it, like a node that loses power, and waits until it is dead."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def suspend(self) -> None:
        """Suspends it, like a machine that sleeps."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None and self.is_running, f"the notifier ended:\n{self.log}"
        self._process.send_signal(number)

    def wait_status(self) -> int:
        """Waits until it has ended; returns its exit status."""
        assert self._process is not None
        return self._process.wait(15)

    def stop(self) -> int:
        """Sends SIGTERM, waits and returns its exit status."""
        self._signal(signal.SIGTERM)
        assert self._process is not None
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
