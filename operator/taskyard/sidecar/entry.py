"""The entry point `taskyard-sidecar`: takes the kubelet's port before it loads the sidecar.

The kubelet asks for readiness the moment the container runs, and again when the agent's container does; if it finds
nobody listening, it asks again up to two seconds later. To load the sidecar takes a third of a second, in which its
requests wait in the port's queue.
"""

import contextlib
import os
import socket
from collections.abc import Mapping

from taskyard import listening
from taskyard.environment import SettingsError
from taskyard.sidecar.settings import Settings


def take_port(environment: Mapping[str, str]) -> socket.socket | None:
    """The listening socket of the kubelet's port; None where it cannot be had: the sidecar itself tells why."""
    with contextlib.suppress(SettingsError, OSError):
        settings = Settings.from_environment(environment)
        return listening.bind(settings.listen, settings.health_port)
    return None


def main() -> None:
    """Exit status 0 after SIGTERM, 1 when it cannot run."""
    probes = take_port(os.environ)
    from taskyard.sidecar import main as sidecar

    sidecar.main(probes)
