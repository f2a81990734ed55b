"""Each Pod loads the driver of its protocol, and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from taskyard.sidecar.drivers.factory import load_driver
from taskyard.sidecar.settings import PROTOCOLS
from unit.sidecar.pod import OPERATOR

SCRIPT = """
import asyncio, sys
from pathlib import Path
from unittest.mock import Mock
import taskyard.sidecar.main
from taskyard.sidecar.drivers import factory
# Loads its parts when it is made first, as the gateway's client.
taskyard.sidecar.main.Gateway(Mock(gateway_url="https://gateway", ca_certificate=""), Mock())
settings = Mock(protocol=sys.argv[1], agent_type="", agent_ready="", agent_port=1, state_dir=Path("/nonexistent"))
factory.load_driver(settings.protocol)
loaded = set(sys.modules)
async def make():
    return factory.driver_for(settings, "prompt", Mock())
print(type(asyncio.run(make())).__name__)
print(*sorted(set(sys.modules) - loaded))
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_loaded_beforehand_is_what_the_driver_needs(protocol: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, protocol],
        env={"PYTHONPATH": str(OPERATOR)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    name, later = done.stdout.splitlines()
    assert name.lower() == f"{protocol}Driver".lower()
    assert later == ""


def test_there_is_a_module_for_each_protocol() -> None:
    for protocol in PROTOCOLS:
        load_driver(protocol)
