"""One of Taskyard's processes, with the rights of its service account alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

import plainhttp
from integration.chart.installation import NAMESPACE, Cluster
from ports import free_port


def eventually(look: Callable[[], Any], *, what: str, seconds: float = 30) -> Any:
    """Polls ``look`` and returns its first true value."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)
    return found


class AccountProcess:
    """Runs from the beginning, as a user starts it: by its command."""

    def __init__(self, cluster: Cluster, folder: Path, component: str, **environment: str) -> None:
        """``component`` is operator or gateway."""
        self.health_port = free_port()
        self._log = folder / f"{component}.log"
        account = f"taskyard-{component}"
        kubeconfig = cluster.keep_kubeconfig(account, folder / f"{component}.kubeconfig")
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name(account)],
                env={
                    **os.environ,
                    "KUBECONFIG": str(kubeconfig),
                    "TASKYARD_NAMESPACE": NAMESPACE,
                    "TASKYARD_HEALTH_PORT": str(self.health_port),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def is_ready(self) -> bool:
        assert self._process.poll() is None, f"it ended:\n{self.log}"
        try:
            answer = plainhttp.get(f"http://127.0.0.1:{self.health_port}/readyz", timeout=2)
        except httpx.HTTPError:
            return False
        return answer.is_success

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
