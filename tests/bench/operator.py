"""The operator as a process in front of a real etcd and kube-apiserver, from its first Task to ten thousand.

No kubelet runs: a Task is started once its Pod object exists. What cannot be compared from day to day is measured
beside something of the same minutes: a bare client that writes the same objects, a ConfigMap. The population of Tasks
at rest is copied into etcd from one that the operator itself has started.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bench import agentsandbox, arrivals, burst, requestcounts, usage
from bench.arrivals import Window
from bench.asyncclient import AsyncClient, connected
from bench.figures import Figure, percentile
from bench.installation import (
    START_SECONDS,
    VERSION_WITH_HOME,
    Installation,
    installed,
    metrics,
    wait_leading,
    wait_valid,
)
from bench.patchcost import patch_beside_create
from bench.requestcounts import Counts
from bench.specimen import NAME, Specimen
from integration.controller.operatorprocess import OperatorProcess

Say = Callable[[str], None]
T = TypeVar("T")

TASKS = int(os.environ.get("TASKS", "1000"))
# Tasks at rest: a thousand, five thousand, ten thousand.
STAGES = (TASKS, 5 * TASKS, 10 * TASKS)
RSS_GOALS = {5000: 150.0, 10_000: 250.0}
WITH_CLAIM = 20
RATES = (1, 10, 50)
WINDOW_SECONDS = 10.0
STEADY_SECONDS = 20.0
SEED = 13


def run(folder: Path, say: Say) -> Iterator[Figure]:
    """Runs all measurements."""
    say("etcd and kube-apiserver")
    with installed(folder) as setting:
        bench = OperatorBench(setting, say)
        started, running = bench.first()
        yield from bench.at_first
        yield from bench.burst(started)
        yield from bench.patch(running)
        yield from bench.latency(started)
        yield from bench.growth(running)
        yield from bench.full(started)


class OperatorBench:
    """The measurements of one run, in their order."""

    def __init__(self, setting: Installation, say: Say) -> None:
        self._setting, self._say = setting, say
        self.at_first: list[Figure] = []

    def first(self) -> tuple[Specimen, Specimen]:
        """Starts the first Tasks of this installation; returns the objects of one that has its Pod, and of one that is
        Active."""
        setting = self._setting
        with setting.operator("first") as operator:
            wait_valid(setting.kube)
            usage.until_at_rest(operator.pid)
            at_first = usage.resident(operator.pid)
            setting.create_task(NAME)
            setting.wait_pod(NAME)
            usage.until_at_rest(operator.pid)
            started = setting.specimen()
            setting.become_active(NAME)
            usage.until_at_rest(operator.pid)
            running = setting.specimen()
            self._say(f"{WITH_CLAIM} Tasks until they are Active, with a claim each")
            calls = self._calls(operator)
            for number in range(WITH_CLAIM):
                name = f"home-{number}"
                setting.create_task(name, VERSION_WITH_HOME)
                setting.wait_pod(name)
                setting.become_active(name)
            calls = self._calls(operator) - calls
        self._forget("home-")
        self.at_first = [
            Figure("calls per Task until it is Active, with a claim", calls / WITH_CLAIM, "", 7),
            Figure("RSS at first", at_first, "MB"),
        ]
        return started, running

    def burst(self, specimen: Specimen) -> list[Figure]:
        """So many Tasks at once, between two runs of the bare client."""
        setting, bare = self._setting, []
        # Half of them before and half after, since the machine may be slower or faster by then.
        self._say(
            f"{TASKS:,} Tasks at once: half of them by a bare client, all by the operator, half by the bare client"
        )
        half = TASKS // 2
        bare.append(half / self._client(lambda client: burst.bare(client, specimen, "bare", half)))
        self._forget("bare-")
        with setting.operator("burst") as operator:
            usage.until_at_rest(operator.pid)
            counted, calls, used = setting.counts(), self._calls(operator), usage.cpu_seconds(operator.pid)
            rate = TASKS / self._client(lambda client: burst.started(client, specimen, "burst", TASKS))
            used_until_pods = usage.cpu_seconds(operator.pid) - used
            calls = self._calls(operator) - calls
            self._say(f"{rate:.1f} Pods/s beside {bare[0]:.1f}; until the operator is at rest")
            usage.until_at_rest(operator.pid)
            used = usage.cpu_seconds(operator.pid) - used
            counted = setting.counts() - counted
            resident = usage.resident(operator.pid)
            self._say(f"requests: {requestcounts.text(_of_tasks(counted))}")
        self._forget("burst-")
        beside = self._beside_agent_sandbox(rate)
        bare.append(half / self._client(lambda client: burst.bare(client, specimen, "bare", half)))
        self._forget("bare-")
        of_bare = statistics.mean(bare)
        events = requestcounts.of_resource(counted, "events", "POST", "PATCH")
        return [
            Figure(f"{TASKS:,} Tasks at once: Pods/s of the bare client's", rate / of_bare, "", 0.7, True),
            Figure(f"{TASKS:,} Tasks at once: Pods", rate, "/s"),
            Figure(f"{TASKS:,} Tasks at once: the bare client's Pods", of_bare, "/s"),
            Figure("CPU of the operator per started Task, until it is at rest", used / TASKS * 1000, "ms", 4),
            Figure(
                "CPU of the operator per started Task, until all have their Pods", used_until_pods / TASKS * 1000, "ms"
            ),
            Figure("calls per Task until all have their Pods, Events apart", calls / TASKS, "", 4),
            Figure("writes of Events per Task", events / TASKS, "", 2),
            Figure(f"RSS after {TASKS:,} Tasks at once", resident, "MB"),
            *beside,
        ]

    def _beside_agent_sandbox(self, rate: float) -> list[Figure]:
        """As many Sandboxes at once, beside the rate of the Tasks; nothing without agent-sandbox's controller."""
        setting, files = self._setting, agentsandbox.given()
        if files is None:
            self._say("agent-sandbox is left out: AGENT_SANDBOX names no controller")
            return []
        self._say(f"{TASKS:,} Sandboxes at once, by agent-sandbox's controller with {agentsandbox.WORKERS} workers")
        with agentsandbox.running(setting, files) as controller:
            usage.until_at_rest(controller.pid, setting.apiserver, seconds=20)
            counted, used = setting.counts(), usage.cpu_seconds(controller.pid)
            theirs = TASKS / self._client(lambda client: controller.burst(client, TASKS))
            usage.until_at_rest(controller.pid)
            used = usage.cpu_seconds(controller.pid) - used
            resident = usage.resident(controller.pid)
            written = requestcounts.writes(setting.counts() - counted)
        self._say(f"{theirs:.1f} Pods/s; writes: {requestcounts.text(written)}")
        what = f"agent-sandbox, {TASKS:,} Sandboxes at once"
        return [
            Figure(f"{TASKS:,} Tasks at once: Pods/s of agent-sandbox's", rate / theirs, "", 1.4, True),
            Figure(f"{what}: Pods", theirs, "/s"),
            Figure(f"{what}: CPU of its controller per Sandbox, until it is at rest", used / TASKS * 1000, "ms"),
            Figure(f"{what}: RSS of its controller after them", resident, "MB"),
        ]

    def patch(self, specimen: Specimen) -> list[Figure]:
        """The API server's CPU for a patch of a Task's status, beside that for a ConfigMap."""
        self._say("patches of a Task's status beside creations of ConfigMaps")
        cost = patch_beside_create(self._setting, specimen)
        return [
            Figure("CPU of the API server: patch of a Task's status, of a ConfigMap's create", cost.ratio, "", 1.8),
            Figure("CPU of the API server: patch of a Task's status", cost.patch * 1000, "ms"),
            Figure("CPU of the API server: create of a ConfigMap", cost.create * 1000, "ms"),
        ]

    def latency(self, specimen: Specimen) -> Iterator[Figure]:
        """Task create → Pod create of Tasks that arrive at random, without others."""
        with self._setting.operator("latency") as operator:
            for rate in RATES:
                usage.until_at_rest(operator.pid)
                yield from self._window(specimen, rate, "", has_goal=rate == 10)
        for rate in RATES:
            self._forget(f"at{rate}-")

    def growth(self, specimen: Specimen) -> Iterator[Figure]:
        """Memory of an operator that starts over so many Tasks, except the last stage."""
        for stage, before in zip(STAGES, (0, *STAGES), strict=False):
            began = time.monotonic()
            self._setting.store(specimen, "fleet", range(before, stage))
            self._say(f"{stage:,} Tasks at rest: {stage - before:,} stored in {time.monotonic() - began:.1f} s")
            if stage < STAGES[-1]:
                with self._setting.operator(f"over-{stage}") as operator:
                    usage.until_at_rest(operator.pid)
                    yield from _memory(operator, stage)

    def full(self, specimen: Specimen) -> Iterator[Figure]:
        """All of the last stage: start, memory, rest, latency, hand-over."""
        setting, count = self._setting, STAGES[-1]
        self._say(f"start over {count:,} Tasks")
        before = setting.counts()
        setting.create_task("waiting")
        began = time.monotonic()
        leader = setting.start_operator("leader")
        standby = None
        try:
            restart = setting.wait_pod("waiting", START_SECONDS) - began
            usage.until_at_rest(leader.pid)
            # The new Task's own: its creation, its reservation, its build, its Pod.
            written = self._written(setting.counts() - before)
            yield Figure(f"start over {count:,} Tasks: the first new Task has its Pod after", restart, "s", 10)
            yield Figure(f"start over {count:,} Tasks: writes for Tasks that need none", _others(written), "", 0)
            yield from _memory(leader, count)
            standby = setting.start_operator("standby")
            standby.wait_ready(START_SECONDS)
            usage.until_at_rest(standby.pid)
            yield from _memory(standby, count, "standby: ")
            yield from self._steady(leader, count)
            for rate in RATES:
                yield from self._window(specimen, rate, f"{count:,} Tasks at rest: ", has_goal=rate == 10)
                usage.until_at_rest(leader.pid, standby.pid)
            yield from self._hand_over(leader, standby)
        finally:
            leader.kill()
            if standby:
                standby.kill()

    def _steady(self, leader: OperatorProcess, count: int) -> list[Figure]:
        self._say(f"nothing, for {STEADY_SECONDS:.0f} s")
        before, used, began = self._setting.counts(), usage.cpu_seconds(leader.pid), time.monotonic()
        time.sleep(STEADY_SECONDS)
        share = (usage.cpu_seconds(leader.pid) - used) / (time.monotonic() - began)
        written = self._written(self._setting.counts() - before)
        what = f"at rest with {count:,} Tasks"
        return [
            Figure(f"{what}: writes but the Lease's, in {STEADY_SECONDS:.0f} s", written.total(), "", 0),
            Figure(f"{what}: CPU", share * 100, "% of a core", 1),
        ]

    def _hand_over(self, leader: OperatorProcess, standby: OperatorProcess) -> list[Figure]:
        self._say("the leader is asked to end")
        began = time.monotonic()
        leader.ask_to_end()
        self._setting.create_task("handed-over")
        took = self._setting.wait_pod("handed-over") - began
        leader.stop()
        wait_leading(standby)
        usage.until_at_rest(standby.pid)
        return [
            Figure("hand-over: the standby has made a new Task's Pod after", took, "s", 1),
            Figure("hand-over: RSS of the new leader", usage.resident(standby.pid), "MB"),
        ]

    def _window(self, specimen: Specimen, rate: int, what: str, *, has_goal: bool) -> list[Figure]:
        self._say(f"{what}{rate} Tasks a second, for {WINDOW_SECONDS:.0f} s")
        arriving = arrivals.moments(rate, WINDOW_SECONDS, seed=SEED)
        prefix = f"at{rate}-{'full' if what else 'alone'}"
        found: Window = self._client(lambda client: arrivals.window(client, specimen, prefix, arriving))
        name = f"{what}Task create → Pod create at {rate}/s"
        p50, p99 = (percentile(found.latencies, share) * 1000 for share in (0.5, 0.99))
        missing = [Figure(f"{name}: Tasks without a Pod", found.missing, "", 0)] if found.missing else []
        return [
            Figure(f"{name}, p50", p50, "ms", 20 if has_goal else None),
            Figure(f"{name}, p99", p99, "ms", 100 if has_goal else None),
            *missing,
        ]

    def _calls(self, operator: OperatorProcess) -> int:
        """The operator's calls so far, except watches and those for Events and the Lease."""
        of_operator = requestcounts.of_operator(metrics(operator)).total()
        counted = self._setting.counts()
        # The API server renews leases of its own, but patches none.
        return (
            of_operator
            - requestcounts.of_resource(counted, "events", "POST", "PATCH")
            - requestcounts.of_resource(counted, "leases", "PATCH")
        )

    def _written(self, counted: Counts) -> Counts:
        written = requestcounts.writes(counted)
        self._say(f"writes: {requestcounts.text(written)}")
        return written

    def _forget(self, prefix: str) -> None:
        """Removes all objects of Tasks whose names start so, while no operator runs."""
        self._setting.etcd.delete(*self._setting.specimen().prefixes(prefix))

    def _client(self, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
        async def worked() -> T:
            async with connected(self._setting.kube) as client:
                return await work(client)

        return asyncio.run(worked())


def _memory(operator: OperatorProcess, count: int, whose: str = "") -> list[Figure]:
    goal = RSS_GOALS.get(count)
    return [
        Figure(f"{whose}RSS over {count:,} Tasks", usage.resident(operator.pid), "MB", goal),
        Figure(f"{whose}largest RSS of the start over {count:,} Tasks", usage.peak(operator.pid), "MB", goal),
    ]


def _of_tasks(counted: Counts) -> Counts:
    own = ("tasks", "workspacebuilds", "pods", "events", "networkpolicies", "persistentvolumeclaims")
    return Counter({request: n for request, n in counted.items() if request.resource.partition("/")[0] in own})


def _others(written: Counts) -> int:
    """The writes that are not those of one new Task: create, reservation, build, Pod, and its Events."""
    own = {"tasks": 1, "tasks/status": 1, "workspacebuilds": 1, "workspacebuilds/status": 1, "pods": 1, "events": 4}
    return sum(max(0, n - own.get(request.resource, 0)) for request, n in written.items())
