"""Beside the largest objects a gateway takes no more memory at its start than a page of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import manifests
from bench import usage
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from kube import Kube, Object
from taskyard.core.security.keyring import Keyring

# Every character is four bytes of UTF-8.
CONTENT = "\N{GRINNING FACE}" * 60_000
VALUES = [{"name": f"p{number}", "value": "x" * 8_192} for number in range(8)]
DECLARED = [{"name": f"p{number}"} for number in range(8)]
DESCRIPTION = "\N{GRINNING FACE}" * 1_024


def large_input(number: int) -> tuple[str, Object]:
    return "taskinputs", manifests.task_input(f"large-{number}", CONTENT, task="nobody")


def large_task(number: int) -> tuple[str, Object]:
    return "tasks", manifests.task(f"large-{number}", parameters=VALUES)


def large_version(number: int) -> tuple[str, Object]:
    presets = [{"name": "long", "description": DESCRIPTION, "parameters": VALUES}]
    return "templateversions", manifests.template_version(f"large-{number}", parameters=DECLARED, presets=presets)


@pytest.mark.parametrize(
    ("make", "count", "most"),
    [
        # All of them are 29 MB as JSON. A page may be 12 MiB, and two are there at times.
        pytest.param(large_input, 120, 40, id="inputs of 240 KB"),
        # 41 MB, and those of versions were as much in memory.
        pytest.param(large_task, 600, 30, id="Tasks with parameters of 64 KiB"),
        pytest.param(large_version, 600, 30, id="template versions with presets of 64 KiB"),
    ],
)
def test_a_start_beside_the_largest_objects_takes_no_more_memory_than_a_page(
    admin: Administrator,
    keyring: Keyring,
    kube: Kube,
    namespace: str,
    tmp_path: Path,
    make: Callable[[int], tuple[str, Object]],
    count: int,
    most: int,
) -> None:
    gateway = Gateway(admin, tmp_path, anew=True)
    with gateway.serving(keyring):
        idle = usage.peak(gateway.pid)

    def create(number: int) -> None:
        plural, manifest = make(number)
        kube.create(plural, namespace, manifest)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(count)))
    gateway.start()
    try:
        gateway.wait_until("/readyz", 200)
        peak = usage.peak(gateway.pid)
    finally:
        gateway.end()
        # The gateway of other tests watches all namespaces.
        kube.request("DELETE", f"/apis/taskyard.dev/v1alpha1/namespaces/{namespace}/{make(0)[0]}")
    assert peak - idle <= most, f"{peak:.0f} MB beside {idle:.0f} MB without them"
