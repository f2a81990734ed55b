"""The notifier with a thousand Tasks of which a hundred a second change their state, as a process in front of a real
etcd and kube-apiserver with the chart's rights and policies, and a receiver that verifies each message.

A sink is sent to 600 times a minute at most, eight are served in a namespace, and each has one message on the way: so
the Tasks are in twenty namespaces with a sink each, and no pace holds anything up. The changes come at random, so that
some last less than the three seconds after which they are told. No operator and no gateway runs: the bench writes what
they would. What the notifier asks the API server for is counted in that one's audit log.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bench import requestcounts, statechanges, usage
from bench.asyncclient import connected
from bench.etcd import Etcd
from bench.figures import Figure, percentile
from bench.installation import LEASE, START_SECONDS, create_namespace
from bench.requestcounts import Counts
from bench.statechanges import FIRST, Made, Place, Told
from integration.notifier import audited
from integration.notifier.audited import Installed
from integration.notifier.namespacesinks import NamespaceSinks, told_of_test
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube, Object
from taskyard.core import times

Say = Callable[[str], None]

TASKS = int(os.environ.get("TASKS", "1000"))
MANY = 10 * TASKS
# Each Task changes every ten seconds on average.
RATE = TASKS / 10
NAMESPACES = tuple(f"team-{number}" for number in range(20))
PER_MINUTE = 600
SECONDS, ALONE_SECONDS, REST_SECONDS = 60.0, 15.0, 10.0
DRAIN_SECONDS = 30.0
SEED = 13
RSS_GOAL = 120
SOURCE, NAME = "source-of-the-bench", "specimen-of-the-bench"
# As long as those of an Active Task.
CONDITIONS = (
    ("Ready", "True", "Active", "The agent runs, and takes messages."),
    ("TemplateResolved", "True", "Resolved", "The template version shell-v1 is used."),
    ("Succeeded", "Unknown", "Working", "The agent has not reported the result of its work."),
    ("InputRequired", "False", "NothingAsked", "The agent asks nothing."),
)


def run(folder: Path, say: Say) -> Iterator[Figure]:
    """Runs all measurements."""
    say("etcd and kube-apiserver, and the chart")
    with (
        audited.installed(folder) as installed,
        closing(Kube(installed.cluster.kubeconfig, seconds=60)) as kube,
        Etcd(installed.control_plane.etcd_url) as etcd,
        WebhookReceiver() as receiver,
    ):
        audited.wait_served(kube)
        bench = NotifierBench(installed, kube, etcd, receiver, say)
        try:
            yield from bench.figures()
        finally:
            bench.end()


class NotifierBench:
    """The measurements of one run, in their order."""

    def __init__(self, installed: Installed, kube: Kube, etcd: Etcd, receiver: WebhookReceiver, say: Say) -> None:
        self._kube, self._etcd, self._receiver, self._say = kube, etcd, receiver, say
        self._audit_log = installed.requests.file
        self._notifier = NotifierProcess(installed.cluster, installed.requests.file.parent, **LEASE)
        self._places = [(NAMESPACES[number % len(NAMESPACES)], f"fleet-{number}") for number in range(MANY)]

    def figures(self) -> Iterator[Figure]:
        """First a few Tasks with sinks, then those without, then many."""
        source = self._source()
        self._notifier.begin()
        self._rest()
        yield Figure("RSS at first", usage.resident(self._pid), "MB")
        self._store(source, self._places[:TASKS], seed=1)
        sinks = [self._sink(namespace) for namespace in NAMESPACES]
        self._rest()
        what = f"RSS with {TASKS:,} Tasks and {len(sinks)} webhooks"
        yield Figure(what, usage.resident(self._pid), "MB", RSS_GOAL)
        sinks.append(self._apprise())
        self._rest()
        yield Figure(f"{what}, and with Apprise", usage.resident(self._pid), "MB", RSS_GOAL)
        yield from self._loaded()
        for each in sinks:
            each.delete("hook")
        self._rest()
        yield from self._without_sink()
        self._store(source, self._places[TASKS:], seed=2)
        self._rest()
        yield Figure(f"RSS, grown to {MANY:,} Tasks", usage.resident(self._pid), "MB")
        yield from self._started_over()

    def end(self) -> None:
        """Ends the notifier, and says what it had to say if it has ended by itself."""
        if not self._notifier.is_running:
            self._say(f"the notifier has ended:\n{self._notifier.log[-1500:]}")
        self._notifier.kill()

    @property
    def _pid(self) -> int:
        return self._notifier.pid

    def _rest(self) -> None:
        usage.until_at_rest(self._pid)

    def _source(self) -> tuple[Object, Object]:
        """The objects of a Task whose agent waits for a message, and its build."""
        for namespace in (SOURCE, *NAMESPACES):
            create_namespace(self._kube, namespace)
        task = ToldTask(self._kube, SOURCE, NAME)
        task.start()
        fields = ("type", "status", "reason", "message")
        conditions = [dict(zip(fields, one, strict=True)) for one in CONDITIONS]
        at = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
        task.write(conditions=[one | at for one in conditions])
        task.report(FIRST)
        found = self._kube.get("tasks", SOURCE, NAME), self._kube.get("workspacebuilds", SOURCE, f"{NAME}-1")
        task.delete()
        assert found[0] is not None and found[1] is not None
        return found[0], found[1]

    def _store(self, source: tuple[Object, Object], places: Sequence[Place], *, seed: int) -> None:
        """Copies the source into etcd at these places, and waits until the API server serves the last of them."""
        began = time.monotonic()
        self._etcd.put(statechanges.stored(*source, places, seed=seed))
        # With this version it answers from its cache.
        path = self._kube.path("tasks", *places[-1])
        while self._kube.find(f"{path}?resourceVersion=0") is None:
            assert time.monotonic() < began + START_SECONDS, f"{path} is not served after {START_SECONDS:.0f} s"
            time.sleep(0.05)
        self._say(f"{len(places):,} Tasks with a build each stored in {time.monotonic() - began:.1f} s")

    def _sink(self, namespace: str) -> NamespaceSinks:
        """A sink that was sent a test message, so that its status changes no more."""
        sinks = NamespaceSinks(self._kube, namespace)
        sinks.add("hook", self._receiver.url, test="1", maxPerMinute=PER_MINUTE)
        sinks.wait("hook", told_of_test("1"))
        return sinks

    def _apprise(self) -> NamespaceSinks:
        """A sink of Apprise in the namespace without Tasks. To check its address the notifier loads what all services
        need, and keeps it."""
        sinks = NamespaceSinks(self._kube, SOURCE)
        sinks.add("hook", "ntfys://127.0.0.1/topic", type_="Apprise")
        return sinks

    def _loaded(self) -> list[Figure]:
        self._say(f"{RATE:g} changes of state a second, for {SECONDS:.0f} s")
        before, used, so_far = self._size(), usage.cpu_seconds(self._pid), len(self._receiver.taken)
        made, shown = self._change(SECONDS, seed=SEED)
        end = time.monotonic() + DRAIN_SECONDS
        while (late := statechanges.behind(shown, told := self._told(so_far))) and time.monotonic() < end:
            time.sleep(0.2)
        self._rest()
        used = usage.cpu_seconds(self._pid) - used
        told = self._told(so_far)
        done, refused = self._asked(before), self._asked(before, refused=True)
        self._say(f"asked of the API server: {requestcounts.text(done)}; refused: {requestcounts.text(refused)}")
        seconds = statechanges.latencies(made, told)
        writes, in_vain = (requestcounts.writes(counts).total() for counts in (done, refused))
        what = f"{RATE:g} changes a second"
        return [
            Figure(f"{what}: made in {SECONDS:.0f} s", len(made), ""),
            Figure(f"{what}: notifications received", len(told), ""),
            Figure(f"{what}: Tasks whose newest state has arrived", len(shown) - len(late), "", len(shown), True),
            Figure(f"{what}: notifications that came twice", statechanges.twice(told), "", 0),
            Figure(f"{what}: notifications that came after a later one", statechanges.disordered(told), "", 0),
            Figure(f"{what}: messages with a wrong signature or content", len(self._receiver.refused), "", 0),
            Figure(f"{what}: writes per notification, the Lease's apart", writes / len(told), "", 1),
            Figure(f"{what}: writes refused, since the Task had just changed", in_vain, ""),
            Figure(f"{what}: writes of the Lease", requestcounts.of_resource(done, "leases", "PATCH", "PUT"), ""),
            Figure(f"{what}: reads of a Secret per notification", _reads(done, "secrets") / len(told), ""),
            Figure(f"{what}: change → receipt, p50", percentile(seconds, 0.5), "s"),
            Figure(f"{what}: change → receipt, p99", percentile(seconds, 0.99), "s"),
            Figure(f"{what}: CPU per notification", used / len(told) * 1000, "ms"),
            Figure(f"{what}: largest RSS", usage.peak(self._pid), "MB", RSS_GOAL),
        ]

    def _without_sink(self) -> list[Figure]:
        self._say(f"without a sink: {RATE:g} changes of state a second, for {ALONE_SECONDS:.0f} s")
        before, used, so_far = self._size(), usage.cpu_seconds(self._pid), len(self._receiver.attempts)
        began = time.monotonic()
        made, _ = self._change(ALONE_SECONDS, seed=SEED + 1)
        # Until the last of them would have been told.
        time.sleep(4)
        busy = (usage.cpu_seconds(self._pid) - used) / (time.monotonic() - began)
        done = self._asked(before) + self._asked(before, refused=True)
        self._say(f"asked of the API server: {requestcounts.text(done)}; nothing, for {REST_SECONDS:.0f} s")
        used, began = usage.cpu_seconds(self._pid), time.monotonic()
        time.sleep(REST_SECONDS)
        rest = (usage.cpu_seconds(self._pid) - used) / (time.monotonic() - began)
        return [
            Figure("without a sink: changes made", len(made), ""),
            Figure("without a sink: writes but the Lease's", requestcounts.writes(done).total(), "", 0),
            Figure("without a sink: messages", len(self._receiver.attempts) - so_far, "", 0),
            Figure("without a sink: CPU meanwhile", busy * 100, "% of a core"),
            Figure("without a sink, at rest: CPU", rest * 100, "% of a core"),
        ]

    def _started_over(self) -> list[Figure]:
        self._say(f"the notifier starts over {MANY:,} Tasks")
        assert self._notifier.stop() == 0
        began = time.monotonic()
        self._notifier.start(alone=False)
        self._notifier.wait_ready(START_SECONDS)
        took = time.monotonic() - began
        self._notifier.wait_leading(START_SECONDS)
        self._rest()
        what = f"started over {MANY:,} Tasks"
        return [
            Figure(f"{what}: ready after", took, "s"),
            Figure(f"{what}: RSS", usage.resident(self._pid), "MB"),
            Figure(f"{what}: largest RSS of the start", usage.peak(self._pid), "MB"),
        ]

    def _change(self, seconds: float, *, seed: int) -> tuple[Made, dict[Place, str]]:
        """Changes the states of the first Tasks. Returns the moments, and what the changed Tasks show in the end."""
        changes = statechanges.plan(self._places[:TASKS], rate=RATE, seconds=seconds, seed=seed)

        async def work() -> Made:
            async with connected(self._kube) as client:
                return await statechanges.make(client, changes)

        made = asyncio.run(work())
        changed = {task for task, _ in made}
        shown = {}
        for namespace in NAMESPACES:
            for task in self._kube.list("tasks", namespace):
                if (place := (namespace, task["metadata"]["name"])) in changed:
                    shown[place] = str(task["status"]["state"]["state"])
        return made, shown

    def _told(self, since: int) -> list[Told]:
        """What the receiver has taken, from this number on."""
        return [
            Told(
                one.at,
                one.id,
                (str(one.event["data"]["task"]["namespace"]), one.task),
                one.name,
                times.parse(str(one.event["time"])),
            )
            for one in self._receiver.taken[since:]
        ]

    def _size(self) -> int:
        return self._audit_log.stat().st_size

    def _asked(self, since: int, *, refused: bool = False) -> Counts:
        """The notifier's requests that the audit log has from this byte on."""
        with self._audit_log.open("rb") as log:
            log.seek(since)
            return requestcounts.of_audit_log(log.read().splitlines(), refused=refused)


def _reads(counts: Counts, resource: str) -> int:
    return requestcounts.of_resource(counts, resource, "GET")
