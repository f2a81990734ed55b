"""One namespace full of the largest objects, beside another in which Tasks are started.

The objects are copied into etcd, since the API server takes minutes to admit so many: no rule and no quota that would
refuse them applies, as none applies to what was stored before it was made.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import yaml

import manifests
from bench import arrivals, usage
from bench.arrivals import Window
from bench.asyncclient import connected
from bench.etcd import Entry
from bench.figures import Figure, percentile
from bench.installation import (
    START_SECONDS,
    TEAM,
    VERSION,
    Installation,
    create_namespace,
    installed,
    wait_leading,
    wait_valid,
)
from bench.memoryguard import MemoryGuard
from bench.specimen import NAME, Specimen
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway, new_keyring
from kube import Object
from localcluster.locations import REPOSITORY
from taskyard.core import quantity

Say = Callable[[str], None]

HOSTILE = "hostile"
INPUTS, CONTENT_BYTES = 5000, 256 * 1024
TASKS, VERSIONS = 400, 100
# Of all annotations together the API server takes 256 KiB, and a policy of values and presets 64 KiB.
ANNOTATION_BYTES = 260_000
VALUES = [{"name": f"p{number}", "value": "x" * 8_192} for number in range(8)]
DECLARED = [{"name": f"p{number}", "type": "string", "pattern": "x+"} for number in range(8)]
PRESETS = [{"name": "long", "default": False, "description": "y" * 1_024, "parameters": VALUES}]
FILL_SECONDS = 100.0
RATE, WINDOW_SECONDS, SEED = 10, 40.0, 13
READY_SECONDS = 60.0
# What the API server takes of a core while it sends events, and when it is given up that it ends.
BUSY_SHARE, LOOK_SECONDS, SENT_SECONDS = 1.0, 3.0, 60.0
ETCD_FLAGS = ("--quota-backend-bytes=8589934592",)


def run(folder: Path, say: Say) -> Iterator[Figure]:
    """Runs all measurements."""
    say("etcd and kube-apiserver")
    with installed(folder, etcd_flags=ETCD_FLAGS) as setting:
        yield from HostileBench(setting, say).figures()


class HostileBench:
    """The measurements of one run."""

    def __init__(self, setting: Installation, say: Say) -> None:
        self._setting, self._say = setting, say
        self._limits = {process: memory_limit(process) for process in ("operator", "gateway")}

    def figures(self) -> Iterator[Figure]:
        """Before, while the namespace is filled, with it, and a start over it."""
        setting = self._setting
        create_namespace(setting.kube, HOSTILE)
        with ExitStack() as stack:
            administrator = stack.enter_context(closing(Administrator(setting.control_plane.kubeconfig)))
            gateway = Gateway(administrator, setting.folder, system="taskyard-gateway")
            gateway.make_keys(new_keyring())
            stack.callback(gateway.end)
            gateway.start()
            gateway.wait_until("/readyz", 200)
            operator = setting.start_operator("before")
            stack.callback(operator.kill)
            operator.wait_ready(START_SECONDS)
            wait_leading(operator)
            wait_valid(setting.kube)
            specimen, started = self._specimens()
            processes = {"operator": operator.pid, "gateway": gateway.pid}
            usage.until_at_rest(*processes.values())
            for name, pid in processes.items():
                yield Figure(f"{name}: RSS at first", usage.resident(pid), "MB")
            before = self._window(specimen, "before")
            with MemoryGuard(processes) as guard:
                yield from self._fill(specimen, started)
                usage.until_at_rest(*processes.values(), seconds=20)
                sent = self._until_sent()
                after = self._window(specimen, "after")
            self._say(f"largest RSS: {text(guard.peaks)}")
            yield from self._memory("while it is filled, and with it", guard.peaks)
            what = "elsewhere: Task create → Pod create"
            yield Figure(f"{what} p99 with it, of that before", p99(after) / p99(before), "", 2)
            yield Figure(f"{what} p99 before", p99(before), "ms")
            yield Figure(f"{what} p99 with it", p99(after), "ms")
            yield Figure("elsewhere: Tasks without a Pod", after.missing, "", 0)
            yield Figure("the API server has sent the events of 1.3 GB to two watches after", sent, "s")
            if operator.is_running:
                operator.stop()
            gateway.end()
            peaks, served = self._start_over(gateway)
            yield from self._memory("a start over it", peaks)
            yield Figure("a start over it: the first new Task elsewhere has its Pod after", served, "s")

    def _specimens(self) -> tuple[Specimen, Specimen]:
        setting = self._setting
        setting.create_task(NAME)
        setting.wait_pod(NAME)
        time.sleep(1)
        started = setting.specimen()
        setting.become_active(NAME)
        time.sleep(1)
        return setting.specimen(), started

    def _fill(self, active: Specimen, started: Specimen) -> list[Figure]:
        """Stores the objects, the inputs last and as many as there is time for; returns how many."""
        what = "huge annotations, parameters and presets"
        self._say(f"{TASKS} Tasks and {VERSIONS} versions with {what}, {INPUTS:,} inputs of 256 KiB")
        began, self._stored = time.monotonic(), 0
        names = [f"hostile-{number}" for number in range(TASKS)]
        # One in ten is Active, so that its inputs are due; the others wait for a node.
        seconds = time.monotonic()
        setting = self._setting
        setting.etcd.put(huge(self._elsewhere(active.stored(iter(names[::10]), seed=1))))
        setting.etcd.put(
            huge(self._elsewhere(started.stored((name for name in names if name not in names[::10]), seed=2)))
        )
        setting.etcd.put(huge(self._versions()))
        self._say(f"{TASKS + VERSIONS} objects in {time.monotonic() - seconds:.0f} s")
        setting.etcd.put(self._inputs(names, began + FILL_SECONDS))
        self._filled = time.monotonic()
        size = self._stored * CONTENT_BYTES / (1 << 20)
        self._say(f"{self._stored:,} inputs, {size:,.0f} MB, in {time.monotonic() - began:.0f} s")
        return [
            Figure("filled: TaskInputs of 256 KiB", self._stored, ""),
            Figure("filled: Tasks and versions with annotations of 260 kB and values of 64 KiB", TASKS + VERSIONS, ""),
        ]

    def _until_sent(self) -> float:
        """Returns once the API server has told the watches what was stored past it, with the seconds since then. That
        takes it longer than anybody needs to create as much, and is no cost of what is measured."""
        self._say("until the API server has sent the events")
        began, busy = time.monotonic(), True
        while busy and time.monotonic() - began < SENT_SECONDS:
            used = usage.cpu_seconds(self._setting.apiserver)
            time.sleep(LOOK_SECONDS)
            busy = usage.cpu_seconds(self._setting.apiserver) - used > BUSY_SHARE * LOOK_SECONDS
        return time.monotonic() - self._filled

    def _elsewhere(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for key, value in entries:
            moved = value.replace(f'"namespace": "{TEAM}"'.encode(), f'"namespace": "{HOSTILE}"'.encode())
            yield key.replace(f"/{TEAM}/", f"/{HOSTILE}/"), moved

    def _versions(self) -> Iterator[Entry]:
        found = self._setting.kube.get("templateversions", TEAM, VERSION)
        assert found is not None
        for number in range(VERSIONS):
            name = VERSION if number == 0 else f"hostile-v{number}"
            yield self._entry("templateversions", found, name, number)

    def _inputs(self, tasks: list[str], until: float) -> Iterator[Entry]:
        # The Task does not exist, so this one is never due.
        found = self._setting.kube.create("taskinputs", TEAM, manifests.task_input("input", "y", task="nobody"))
        content = ("y" * 1023 + "\n") * (CONTENT_BYTES // 1024)
        for number in range(INPUTS):
            if time.monotonic() > until:
                return
            spec = {**found["spec"], "task": tasks[number % len(tasks)], "content": content}
            self._stored += 1
            yield self._entry("taskinputs", {**found, "spec": spec}, f"hostile-{number}", number)

    def _entry(self, plural: str, found: Object, name: str, number: int) -> Entry:
        metadata = {**found["metadata"], "name": name, "namespace": HOSTILE}
        metadata["uid"] = f"{len(plural):08x}-0000-4000-8000-{number:012x}"
        del metadata["resourceVersion"]
        return f"/registry/taskyard.dev/{plural}/{HOSTILE}/{name}", json.dumps({**found, "metadata": metadata}).encode()

    def _window(self, specimen: Specimen, prefix: str) -> Window:
        self._say(f"{RATE} Tasks a second in another namespace, for {WINDOW_SECONDS:.0f} s")
        moments = arrivals.moments(RATE, WINDOW_SECONDS, seed=SEED)

        async def work() -> Window:
            async with connected(self._setting.kube) as client:
                return await arrivals.window(client, specimen, prefix, moments)

        return asyncio.run(work())

    def _start_over(self, gateway: Gateway) -> tuple[dict[str, float], float]:
        """The largest RSS of both processes that start now, and the seconds until a new Task has its Pod."""
        self._say("operator and gateway start over it")
        setting = self._setting
        setting.create_task("waiting")
        began = time.monotonic()
        operator = setting.start_operator("over-it")
        gateway.start()
        try:
            with MemoryGuard({"operator": operator.pid, "gateway": gateway.pid}) as guard:
                try:
                    served = setting.wait_pod("waiting", READY_SECONDS) - began
                except AssertionError:
                    served = READY_SECONDS
                while gateway.probe("/readyz") != 200 and "gateway" not in guard.killed:
                    if time.monotonic() - began > READY_SECONDS:
                        break
                    time.sleep(0.1)
                usage.until_at_rest(*(p for n, p in guard.processes.items() if n not in guard.killed), seconds=20)
            self._say(f"largest RSS: {text(guard.peaks)}; served after {served:.1f} s")
            return guard.peaks, served
        finally:
            operator.kill()

    def _memory(self, when: str, peaks: dict[str, float]) -> list[Figure]:
        return [Figure(f"{name}: largest RSS, {when}", peak, "MB", self._limits[name]) for name, peak in peaks.items()]


def huge(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The entries with the largest annotation, and the most parameters and presets that are taken, except those of Pods
    and builds."""
    for key, value in entries:
        if "/tasks/" in key or "/templateversions/" in key:
            found = json.loads(value)
            found["metadata"]["annotations"] = {"example.com/notes": "x" * ANNOTATION_BYTES}
            is_task = "/tasks/" in key
            found["spec"] |= {"parameters": VALUES} if is_task else {"parameters": DECLARED, "presets": PRESETS}
            value = json.dumps(found).encode()
        yield key, value


def memory_limit(process: str) -> float:
    """The chart's memory limit of a process, in MB (2^20 bytes)."""
    values = yaml.safe_load((REPOSITORY / "charts" / "taskyard" / "values.yaml").read_text())
    octets = quantity.parse(values[process]["resources"]["limits"]["memory"])
    assert octets is not None
    return float(octets) / (1 << 20)


def p99(found: Window) -> float:
    """In milliseconds; a Task without a Pod counts with the time that was waited for it."""
    seconds = [*found.latencies, *[arrivals.DRAIN_SECONDS] * found.missing]
    return percentile(seconds, 0.99) * 1000


def text(memory: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:,.0f} MB" for name, size in memory.items())
