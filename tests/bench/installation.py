"""A real etcd and kube-apiserver with Taskyard's CRDs, and operators that run in front of them as processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import manifests
from bench import requestcounts
from bench.etcd import Etcd
from bench.requestcounts import Counts
from bench.specimen import NAME, Specimen
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, phase_is
from localcluster import programs
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY

TEAM = "team"
SYSTEM = "taskyard"
VERSION, VERSION_WITH_HOME = "shell-v1", "shell-with-home-v1"
# As somebody types it who wants something done.
PROMPT = "Find out why the nightly import takes an hour longer since Monday, mend it, and add a test that shows it. "

# How long an operator may take to list everything, and to answer while it is busy.
START_SECONDS = 90.0
PATIENCE = 60.0

# The chart's retry period, which decides how long a hand-over takes; with more patience, for a busy machine.
LEASE = {
    "TASKYARD_LEASE_DURATION": "45s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "40s",
    "TASKYARD_LEASE_RETRY_PERIOD": "2s",
}


@dataclass(frozen=True)
class Installation:
    """The control plane and its clients. `folder` has the logs."""

    control_plane: ControlPlane
    kube: Kube
    etcd: Etcd
    folder: Path
    operators: dict[str, OperatorProcess] = field(default_factory=dict)

    @property
    def apiserver(self) -> int:
        """The process id of kube-apiserver."""
        return self.control_plane.pid("kube-apiserver")

    def counts(self) -> Counts:
        """The requests that the API server has answered so far."""
        return requestcounts.of_api_server(self.kube.text("/metrics"))

    def start_operator(self, name: str) -> OperatorProcess:
        """Starts an operator, without waiting; `name` is that of its Pod, new each time."""
        folder = self.folder / name
        folder.mkdir()
        operator = OperatorProcess(self.control_plane.kubeconfig, folder, namespace=SYSTEM, name=name, **LEASE)
        operator.start()
        self.operators[name] = operator
        return operator

    def logs(self) -> str:
        """The end of each operator's log."""
        return "\n".join(
            f"{name} (running: {operator.is_running}):\n{operator.log[-1500:]}"
            for name, operator in self.operators.items()
        )

    @contextmanager
    def operator(self, name: str) -> Iterator[OperatorProcess]:
        """An operator that leads and can start Tasks; it is stopped afterwards."""
        operator = self.start_operator(name)
        try:
            operator.wait_ready(START_SECONDS)
            wait_leading(operator)
            yield operator
            operator.stop()
        finally:
            operator.kill()

    def create_task(self, name: str, version: str = VERSION) -> None:
        """Creates a Task in the namespace TEAM."""
        self.kube.create("tasks", TEAM, task(name, version))

    def wait_pod(self, task: str, seconds: float = 60) -> float:
        """Returns the moment (time.monotonic) at which a Task has its Pod. A watch tells it: to ask again and again
        would keep the API server busy."""
        path, kube, end = self.kube.path("pods", TEAM), self.kube, time.monotonic() + seconds
        with httpx.Client(base_url=kube.server, verify=kube.context, timeout=seconds + 5, trust_env=False) as client:
            while (left := end - time.monotonic()) > 0:
                watch = {
                    "watch": "true",
                    "fieldSelector": f"metadata.name={task}-1",
                    "timeoutSeconds": str(int(left) + 1),
                }
                with client.stream("GET", path, params=watch) as response:
                    # A refusal, in whatever form, is no Pod.
                    for line in response.iter_lines():
                        if line.startswith('{"type":"ADDED"'):
                            return time.monotonic()
                time.sleep(0.05)
        raise AssertionError(f"Task {task} has no Pod after {seconds} s")

    def store(self, specimen: Specimen, prefix: str, numbers: range) -> None:
        """Copies the specimen into etcd, under a prefix and these numbers, and waits until the API server has all of
        them in its caches."""
        self.etcd.put(specimen.stored((f"{prefix}-{number}" for number in numbers), seed=numbers.start))
        last, end = f"{prefix}-{numbers[-1]}", time.monotonic() + START_SECONDS
        for plural, name in (("tasks", last), ("workspacebuilds", f"{last}-1"), ("pods", f"{last}-1")):
            # With this version it answers from its cache.
            path = f"{specimen.path(plural)}/{name}?resourceVersion=0"
            while self.kube.find(path) is None:
                assert time.monotonic() < end, f"the API server does not know {path} after {START_SECONDS} s"
                time.sleep(0.05)

    def specimen(self, name: str = NAME) -> Specimen:
        """The objects of the first build of a Task, as they are now."""
        found = [
            self.kube.get(plural, TEAM, of)
            for plural, of in (("tasks", name), ("workspacebuilds", f"{name}-1"), ("pods", f"{name}-1"))
        ]
        assert all(found), found
        return Specimen(TEAM, *found)

    def become_active(self, name: str) -> None:
        """Does what scheduler, kubelet and gateway do to a Task that has its Pod, until it is Active."""
        kubelet, kube = Kubelet(self.kube, TEAM), self.kube
        kubelet.bind(f"{name}-1")
        kube.wait("the build succeeds", "workspacebuilds", TEAM, f"{name}-1", phase_is("Succeeded"))
        kubelet.enroll(name)
        kubelet.run(f"{name}-1", ready=True)
        kube.wait("the Task is active", "tasks", TEAM, name, phase_is("Active"))


@contextmanager
def installed(folder: Path, *, has_versions: bool = True, etcd_flags: Sequence[str] = ()) -> Iterator[Installation]:
    """An installation with the namespaces TEAM and SYSTEM, and, if it has versions, two template versions in TEAM."""
    with ExitStack() as stack:
        control_plane = stack.enter_context(ControlPlane(folder / "control-plane", etcd_flags=etcd_flags))
        apply_crds(control_plane, REPOSITORY / "crds")
        kube = stack.enter_context(closing(Kube(control_plane.kubeconfig, seconds=60)))
        for namespace in (TEAM, SYSTEM):
            create_namespace(kube, namespace)
        with_home = manifests.template_version(VERSION_WITH_HOME)
        without = manifests.template_version(VERSION)
        del without["spec"]["home"]
        for version in (with_home, without) if has_versions else ():
            kube.create("templateversions", TEAM, version)
        installation = Installation(control_plane, kube, stack.enter_context(Etcd(control_plane.etcd_url)), folder)
        try:
            yield installation
        except BaseException:
            print(installation.logs(), file=sys.stderr)
            raise


def apply_crds(control_plane: ControlPlane, crds: Path) -> None:
    """Installs CRDs from a file or a folder, and returns once they are served."""
    _kubectl(control_plane, "apply", "--server-side", "-f", str(crds))
    _kubectl(control_plane, "wait", "--for=condition=Established", "--timeout=30s", "-f", str(crds))


def create_namespace(kube: Kube, name: str) -> None:
    """A namespace with the service account that no controller makes here."""
    kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    kube.create("serviceaccounts", name, {"metadata": {"name": "default"}})


def task(name: str, version: str = VERSION) -> dict[str, object]:
    """A Task with a prompt of usual length."""
    return manifests.task(name, prompt=PROMPT * 2, templateVersion=version)


def metrics(operator: OperatorProcess) -> str:
    """An operator's metrics."""
    return httpx.get(f"{operator.address}/metrics", timeout=PATIENCE, trust_env=False).raise_for_status().text


def wait_leading(operator: OperatorProcess, seconds: float = START_SECONDS) -> None:
    """Returns once this operator leads."""
    _until(lambda: "\ntaskyard_leader 1.0" in metrics(operator), f"{operator.address} leads", seconds)


def wait_valid(kube: Kube) -> None:
    """Returns once the template versions may be used."""
    for version in (VERSION, VERSION_WITH_HOME):
        kube.wait("the version is validated", "templateversions", TEAM, version, lambda found: "status" in found)


def _until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def _kubectl(control_plane: ControlPlane, *arguments: str) -> None:
    command = [programs.kubectl(), "--kubeconfig", control_plane.kubeconfig, *arguments]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
