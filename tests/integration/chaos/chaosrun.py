"""One run: everything is started, disturbed, left to settle, and checked."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from integration.chaos import invariants
from integration.chaos.dice import Dice
from integration.chaos.faults import ChaosProxy
from integration.chaos.gatewaystandin import Gateway
from integration.chaos.history import History
from integration.chaos.invariants import Picture
from integration.chaos.nodes import Nodes
from integration.chaos.people import People
from integration.chaos.process_faults import ProcessFaults
from integration.chaos.retrying_client import RetryingKube
from integration.chaos.schedule import Schedule
from integration.chaos.sidecars import Sidecars
from integration.chaos.watcher import Watcher
from integration.controller.operatorprocess import OperatorProcess
from localcluster import programs
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY

NAMESPACE = "chaos"
# The chart's values are 10, 7 and 2 s: here they are scaled so that each occurs several times in a run.
LEASE = {
    "TASKYARD_LEASE_DURATION": "5s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "3.5s",
    "TASKYARD_LEASE_RETRY_PERIOD": "1s",
}
CONTROLLERS = ("garbage-collector-controller", "persistentvolumeclaim-protection-controller")
# On a slow machine the faults continue until the operator has made this many attempts, but at most twice as long.
WRITES_OF_A_TASK = 8
# Longer than the back-offs that the faults cause (at most a minute, and two recoveries) and the remaining work.
SETTLE_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.5
# kopf's watches and the lists after them have finished by then.
QUIET_SECONDS = 4.0

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]+) (?P<text>.*)")
# The possible subjects of a warning: an object, a kind, or the operator's own start and watches.
NAMED = re.compile(
    rf"(task|input|inputs of task|template|template version|lease|secret) {NAMESPACE}/[a-z0-9-]+: "
    r"|[a-z]+: |not started yet: |kopf's watches ended: |Request attempt #\d|Watcher for [a-z]+\."
)


@dataclass(frozen=True)
class Outcome:
    """The result of a run: `faults` is empty on success; the other fields are for the reader."""

    faults: list[str]
    met: Counter[str]
    did: Counter[str]
    builds: int
    typed: int
    settled_after: float
    waited_for: list[str]


class ChaosOperator(OperatorProcess):
    """An operator that holds its Lease for longer than a slow request takes."""

    def __init__(self, kubeconfig: Path, folder: Path, *, namespace: str) -> None:
        super().__init__(kubeconfig, folder, namespace=namespace)
        self._environment |= LEASE

    def start(self) -> None:
        """Starts the operator; retries, since the predecessor's Lease is removed first, through the proxy."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                return super().start()
            except httpx.TransportError:
                assert time.monotonic() < end, "the API server is unavailable for too long"
                time.sleep(LOOK_EVERY_SECONDS / 5)


class Run:
    """A run of one seed with `tasks` Tasks, its files in `folder`."""

    def __init__(self, seed: int, *, tasks: int, folder: Path) -> None:
        self._seed, self._tasks, self._folder = seed, tasks, folder
        self._dice = Dice(seed)

    def outcome(self) -> Outcome:
        """Executes the run."""
        with control_plane(self._folder / "control-plane") as plane, ExitStack() as stack:
            kube = RetryingKube(plane.kubeconfig)
            stack.callback(kube.close)
            proxy = ChaosProxy(kube, self._folder, self._dice)
            stack.enter_context(proxy)
            operator = ChaosOperator(proxy.kubeconfig, self._folder, namespace=NAMESPACE)
            stack.callback(operator.kill)
            schedule = Schedule()
            sidecars = Sidecars(self._dice, worked=lambda uid: nodes.worked(uid))
            nodes = Nodes(kube, NAMESPACE, self._dice, schedule, sidecars, Gateway(kube, NAMESPACE))
            history = History()
            people = People(kube, NAMESPACE, self._dice, schedule)
            process_faults = ProcessFaults(self._dice, operator=operator, proxy=proxy, plane=plane)
            stack.enter_context(sidecars)
            stack.enter_context(schedule)
            stack.callback(kube.give_up)
            stack.enter_context(Watcher(kube, "pods", NAMESPACE, history.pod_event, nodes.pod_event))
            stack.enter_context(Watcher(kube, "workspacebuilds", NAMESPACE, history.build_event))

            operator.start()
            operator.wait_ready()
            seconds = 12.0 + self._tasks / 8
            people.prepare()
            proxy.active = True
            people.begin(tasks=self._tasks, seconds=seconds)
            process_faults.begin(seconds=2 * seconds)
            begin = time.monotonic()
            time.sleep(seconds)
            while len(proxy.writes) < WRITES_OF_A_TASK * self._tasks and time.monotonic() < begin + 2 * seconds:
                time.sleep(LOOK_EVERY_SECONDS)
            process_faults.stop()
            proxy.active, nodes.calm, sidecars.calm = False, True, True

            begin = time.monotonic()
            picture, faults, waited_for = self._settle(kube, schedule, sidecars, process_faults)
            settled_after = time.monotonic() - begin
            for made in proxy.created:
                if made["kind"] == "WorkspaceBuild":
                    history.made(made)
            faults += history.wrongs + history.number_faults() + sidecars.wrongs
            faults += schedule.faults + process_faults.faults
            if not faults:
                faults += self._restarted(operator, proxy)
                after = Picture.take(kube, NAMESPACE)
                faults += [f"after the restart: {fault}" for fault in invariants.faults(after, sidecars.typed)]
            faults += log_faults(operator.log)
            if faults:
                self._keep(picture, history)
            return Outcome(
                faults=faults,
                met=proxy.met + nodes.met + sidecars.met + process_faults.met,
                did=people.did,
                builds=sum(map(len, history.builds.values())),
                typed=sum(map(len, sidecars.typed.values())),
                settled_after=settled_after,
                waited_for=waited_for,
            )

    def _settle(
        self, kube: RetryingKube, schedule: Schedule, sidecars: Sidecars, process_faults: ProcessFaults
    ) -> tuple[Picture, list[str], list[str]]:
        """Waits for a limited time until there are no faults; returns the objects, the faults, and those before."""
        end, waited_for = time.monotonic() + SETTLE_SECONDS, list[str]()
        while True:
            process_faults.keep_running()
            acting = not schedule.done
            picture = Picture.take(kube, NAMESPACE)
            faults = invariants.faults(picture, sidecars.typed)
            # Users, nodes and agents may have delayed actions left, after the API server was unavailable.
            if acting or not schedule.done:
                faults.append("users, nodes or agents have not finished")
            if not faults or time.monotonic() > end:
                return picture, faults, waited_for
            waited_for = faults
            time.sleep(LOOK_EVERY_SECONDS)

    def _restarted(self, operator: OperatorProcess, proxy: ChaosProxy) -> list[str]:
        """Checks that a fresh process finds nothing to write."""
        operator.kill()
        operator.wait_dead()
        before = len(proxy.writes)
        operator.start()
        operator.wait_ready()
        time.sleep(QUIET_SECONDS)
        return [f"a fresh process writes: {line}" for line in proxy.writes[before:]]

    def _keep(self, picture: Picture, history: History) -> None:
        """Saves the objects as they were checked and the history, for debugging."""
        (self._folder / "objects.json").write_text(json.dumps(asdict(picture), indent=1))
        (self._folder / "history.json").write_text(json.dumps(history.told, indent=1))


def log_faults(log: str) -> list[str]:
    """Unwanted lines of the operator's log: traces, defects, warnings that do not name their subject."""
    faults = []
    for line in log.splitlines():
        record = RECORD.fullmatch(line)
        if record is None:
            faults.append(f"log: more than one line: {line}")
        elif "Traceback" in line or "defect" in line:
            faults.append(f"log: {line}")
        elif record["level"] != "INFO" and not NAMED.match(record["text"]):
            faults.append(f"log: no object is named: {line}")
    return faults


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """The run's own control plane, with the CRDs, a namespace, and garbage collection that knows Tasks."""
    with ControlPlane(folder, controller_manager=CONTROLLERS) as plane:
        crds = str(REPOSITORY / "crds")
        kubectl(plane.kubeconfig, "apply", "--server-side", "-f", crds)
        kubectl(plane.kubeconfig, "wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
        kubectl(plane.kubeconfig, "create", "namespace", NAMESPACE)
        kubectl(plane.kubeconfig, "create", "serviceaccount", "default", "--namespace", NAMESPACE)
        plane.restart_controller_manager()
        yield plane


def kubectl(kubeconfig: Path, *arguments: str) -> None:
    """Runs kubectl; raises AssertionError with its error message when it fails."""
    command: list[str | Path] = [programs.kubectl(), "--kubeconfig", str(kubeconfig), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr.strip()}"
