"""An API server with the chart installed, the notifier among it, and an audit log of what the notifier does there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.chart.installation import Cluster
from integration.requestlog import RequestLog
from kube import Kube
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY

ACCOUNT = "taskyard-notifier"
SERVED_SECONDS = 30.0


@dataclass(frozen=True)
class Installed:
    """An API server with the chart, and what is asked of it."""

    control_plane: ControlPlane
    cluster: Cluster
    requests: RequestLog


@contextmanager
def installed(folder: Path) -> Iterator[Installed]:
    """The chart installed by helm, in an API server of its own whose files are in the folder."""
    requests = RequestLog(folder)
    with ControlPlane(folder / "control-plane", apiserver_flags=requests.flags) as running:
        cluster = Cluster(running.kubeconfig)
        cluster.install("--set", "notifier.enabled=true")
        cluster.must("wait", "--for=condition=Established", "--timeout=30s", "-f", str(REPOSITORY / "crds"))
        yield Installed(running, cluster, requests)


def wait_served(kube: Kube) -> None:
    """Returns once the notifier's kinds are served: their storage begins a moment after the CRDs are established."""
    for plural in ("tasks", "workspacebuilds", "notificationsinks"):
        end = time.monotonic() + SERVED_SECONDS
        while True:
            try:
                kube.list(plural, "default")
                break
            except AssertionError:
                assert time.monotonic() < end, f"{plural} are not served after {SERVED_SECONDS:.0f} s"
                time.sleep(0.1)
