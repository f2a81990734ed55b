"""The whole cluster on one node, inside namespaces of its own: up, down, status. Needs root and Linux.

The node is one process tree under :mod:`supervisor`, with its own process ids, mounts, network, host name and IPC. The
host sees only one interface, one folder in each cgroup hierarchy, ``/var/lib/taskyard-cluster`` and the record. ``up``
may be killed at any point; the next ``up`` or ``down`` clears what is left.
"""

import contextlib
import datetime
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from localcluster import apiserver, cgroups, locations, network, node, packages, processes, programs, progress, record
from localcluster.client import Client
from localcluster.supervisor import PHASE

_READY_SECONDS = 120.0
# On a busy machine the API server is slow, which is no reason to discard its cluster.
_PATIENCE_SECONDS = 20.0
_PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "coredns",
)
# kubelet and the CNI library have these paths built in; the node's own folders are mounted there, in its namespace
# only.
_MOUNT_POINTS = ("/var/lib/kubelet", "/var/lib/cni")
# The folders among them that the host did not have, one per line.
_MADE = locations.STATE / "made"
_SHAPE = ("apiserver.py", "certificates.py", "client.py", "network.py", "node.py", "provisioner.py", "supervisor.py")


@dataclass(frozen=True)
class Status:
    """``state`` is ``ready``, ``starting``, ``broken``, ``foreign`` (another checkout's) or ``down``; ``detail``
    explains it in a few words."""

    state: str
    detail: str
    checkout: str | None = None


def up() -> bool:
    """Ensures that a Ready node of this checkout runs; True when it was started now, False when it was running already.

    Installs and builds what is missing, and removes what a killed run or another checkout left behind.
    Raises :class:`progress.StepError`.
    """
    _require_root()
    packages.ensure(packages.NODE)
    built = programs.ensure(*_PROGRAMS)
    with record.alone():
        found = record.read()
        if found is not None and _is_ours(found) and _is_ready(_PATIENCE_SECONDS):
            return False
        if found is not None or locations.STATE.exists() or network.exists():
            _say_what_is_cleared(found)
            with progress.step("removing what an earlier run left behind"):
                _clear()
        with progress.step("starting the cluster", log=locations.LOGS / "supervisor.log") as step:
            _start(built)
            _wait_ready(step)
    return True


def down() -> bool:
    """Stops the cluster and removes every trace of it; False if there was none. Raises :class:`progress.StepError`."""
    _require_root()
    with record.alone():
        there = record.read() is not None or locations.STATE.exists() or network.exists()
        if there:
            with progress.step("stopping the cluster"):
                _clear()
    return there


def status() -> Status:
    """What runs on this machine, without changing it."""
    found = record.read()
    if found is None:
        return Status("down", "no cluster is on record")
    if not found.is_alive():
        return Status("broken", "its first process is gone; `up` clears it and starts it again", found.checkout)
    if Path(found.checkout) != locations.REPOSITORY:
        return Status("foreign", "another checkout's cluster is running; `up` stops it", found.checkout)
    if _phase() != "ready":
        return Status("starting", _phase(), found.checkout)
    if not _is_ready():
        return Status("broken", "the API server does not answer", found.checkout)
    return Status("ready", str(locations.KUBECONFIG), found.checkout)


def inside(*command: str) -> list[str]:
    """A command line that runs ``command`` within the running node's namespaces (for ``ctr``, ``iptables``, ``ip``)."""
    found = record.read()
    if found is None or not found.is_alive():
        raise progress.StepError("entering the node", "no cluster runs: start it with `python -m localcluster up`")
    pid = str(found.supervisor.pid)
    return ["nsenter", "--target", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command]


def _require_root() -> None:
    if sys.platform != "linux":
        raise progress.StepError(
            "starting the cluster", "it needs Linux; TASKYARD_CLUSTER=current uses another cluster"
        )
    if os.geteuid() != 0:
        raise progress.StepError("starting the cluster", "it needs root; TASKYARD_CLUSTER=current uses another cluster")


def _fingerprint() -> str:
    shape = hashlib.sha256(programs.versions().encode())
    for name in _SHAPE:
        shape.update((Path(__file__).parent / name).read_bytes())
    return shape.hexdigest()[:16]


def _is_ours(found: record.Record) -> bool:
    return found.is_alive() and Path(found.checkout) == locations.REPOSITORY and found.fingerprint == _fingerprint()


def _client() -> Client:
    settings = node.settings_from_json((locations.STATE / "settings.json").read_text())
    return Client(
        settings.server,
        authority=settings.keys / "ca.crt",
        certificate=settings.keys / "admin.crt",
        key=settings.keys / "admin.key",
    )


def _phase() -> str:
    try:
        lines = (locations.STATE / PHASE).read_text().splitlines()
    except OSError:
        return "beginning"
    return lines[-1] if lines else "beginning"


def _is_ready(seconds: float = 0.0) -> bool:
    """Whether the start succeeded, the kubeconfig is in its place, and the API server answers in time."""
    until = time.monotonic() + seconds
    try:
        if _phase() != "ready" or not locations.KUBECONFIG.is_file():
            return False
        client = _client()
        while not client.is_ready():
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _say_what_is_cleared(found: record.Record | None) -> None:
    if found is not None and found.is_alive() and Path(found.checkout) != locations.REPOSITORY:
        print(f"    a cluster of another checkout is running ({found.checkout}): it is stopped for this one")


def _start(built: dict[str, Path]) -> None:
    locations.CLUSTER.mkdir(exist_ok=True)
    shutil.rmtree(locations.LOGS, ignore_errors=True)
    locations.LOGS.mkdir()
    locations.STATE.mkdir(parents=True)
    locations.STATE.chmod(0o711)
    settings = _settings(built)
    _write_files(settings)
    made = [place for place in _MOUNT_POINTS if not Path(place).exists()]
    _MADE.write_text("\n".join(made))
    for place in made:
        Path(place).mkdir()
    cgroups.make()
    with (locations.LOGS / "supervisor.log").open("wb") as log:
        parent = subprocess.Popen(
            [
                *("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc"),
                *("--kill-child", settings.python, "-m", "localcluster.supervisor"),
                f"{settings.state}/settings.json",
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": settings.python_path, "PYTHONUNBUFFERED": "1"},
            cwd="/",
            start_new_session=True,
        )
    assert parent.stdin is not None
    # From here to "go" the supervisor exits by itself when we are killed: the pipe closes with us.
    with parent.stdin as word:
        supervisor = _first_child(parent)
        above = processes.identify(parent.pid)
        if above is None:
            raise progress.StepError("starting the cluster", "unshare ended", locations.LOGS / "supervisor.log")
        record.write(record.Record(str(locations.REPOSITORY), _fingerprint(), supervisor, above))
        network.join(settings.network, supervisor.pid)
        word.write(b"go\n")


def _first_child(parent: "subprocess.Popen[bytes]") -> processes.Identity:
    log = locations.LOGS / "supervisor.log"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for pid in processes.children(parent.pid):
            found = processes.identify(pid)
            if found is not None:
                return found
        if parent.poll() is not None:
            raise progress.StepError("making the node's namespaces", progress.telling_line_of(log), log)
        time.sleep(0.01)
    parent.kill()
    raise progress.StepError("making the node's namespaces", "unshare started no process within 10 s", log)


def _settings(built: dict[str, Path]) -> node.Settings:
    containerd, plugin = packages.find("containerd"), packages.find("/usr/lib/cni/ptp")
    assert containerd is not None and plugin is not None  # packages.ensure installed them
    try:
        plan = network.choose(network.host_routes())
    except ValueError as error:
        raise progress.StepError("choosing the cluster's addresses", str(error)) from error
    return node.Settings(
        state=str(locations.STATE),
        logs=str(locations.LOGS),
        network=plan,
        programs={name: str(path) for name, path in built.items()} | {"containerd": str(containerd)},
        cni_plugins=str(plugin.parent),
        python=sys.executable,
        python_path=str(locations.PACKAGE_ROOT),
    )


def _write_files(settings: node.Settings) -> None:
    for name, content in node.configuration_files(settings).items():
        path = settings.configuration / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    settings.claims.mkdir()
    plan, server = settings.network, settings.server
    keyring = apiserver.make_keyring(
        settings.keys,
        now=datetime.datetime.now(datetime.UTC),
        addresses=(plan.node,),
        service_address=plan.kubernetes_service,
    )
    settings.keys.chmod(0o700)
    keyring.keep("kubelet-server", keyring.authority.issue(node.NAME, dns=(node.NAME,), ips=(plan.node, "127.0.0.1")))
    for name, user, group in (
        ("admin", apiserver.ADMIN, "system:masters"),
        ("kube-controller-manager", "system:kube-controller-manager", ""),
        ("kube-scheduler", "system:kube-scheduler", ""),
        ("kube-proxy", "system:kube-proxy", ""),
        ("kubelet", f"system:node:{node.NAME}", "system:nodes"),
        ("coredns", "taskyard:coredns", "system:masters"),
        ("provisioner", "taskyard:provisioner", "system:masters"),
    ):
        keyring.keep_kubeconfig(name, server=server, user=user, group=group)
    (locations.STATE / "settings.json").write_text(settings.to_json())
    apiserver.write_private(locations.KUBECONFIG, (settings.keys / "admin.kubeconfig").read_bytes())


def _wait_ready(step: progress.Step) -> None:
    until = time.monotonic() + _READY_SECONDS
    found = record.read()
    while (phase := _phase()) != "ready":
        step.note(phase)
        if phase.startswith("failed: "):
            name = phase.removeprefix("failed: ")
            log = locations.LOGS / f"{name}.log"
            if not log.exists():
                log = locations.LOGS / "supervisor.log"
            raise progress.StepError(f"starting {name}", progress.telling_line_of(log), log)
        if found is None or not found.is_alive():
            log = locations.LOGS / "supervisor.log"
            raise progress.StepError("starting the cluster", progress.telling_line_of(log), log)
        if time.monotonic() > until:
            name = phase.removeprefix("waiting for ").removeprefix("starting ")
            log = locations.LOGS / f"{name}.log"
            raise progress.StepError(f"starting the cluster ({phase})", progress.telling_line_of(log), log)
        time.sleep(0.05)
    step.note("ready")


def _clear() -> None:
    """Ends the recorded processes and those in our cgroups, then removes what they had on the host. The record is
    removed last, so that the next run finishes a clearing that was killed."""
    found = record.read()
    if found is not None:
        for one in (found.supervisor, found.parent):
            processes.send(one, signal.SIGKILL)
        for one in (found.supervisor, found.parent):
            if not processes.wait_gone(one, 20):
                raise progress.StepError("stopping the cluster", f"process {one.pid} does not exit")
    left = cgroups.clear()
    if left:
        raise progress.StepError("stopping the cluster", f"the cgroup {left[0]} cannot be removed")
    network.remove()
    for checkout in {str(locations.REPOSITORY), found.checkout if found is not None else str(locations.REPOSITORY)}:
        (Path(checkout) / locations.KUBECONFIG.relative_to(locations.REPOSITORY)).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        for place in _MADE.read_text().splitlines():
            with contextlib.suppress(OSError):
                Path(place).rmdir()
    if locations.STATE.exists():
        shutil.rmtree(locations.STATE)
    record.forget()
