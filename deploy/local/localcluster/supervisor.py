"""The node's first process: PID 1 of its own namespaces, so that all others end when this one process does.

``unshare --net --mount --pid … python -m localcluster.supervisor settings.json``, started by :mod:`cluster`, which
writes ``go`` to its standard input once the network interface exists and the node is recorded; without it the
supervisor exits, so that a killed start leaves nothing behind. It then mounts, starts every program, restarts those
that end, and reaps orphans. It writes its progress to ``<state>/phase`` (the last line counts; ``ready`` means
success).
"""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from localcluster import cgroups, node
from localcluster.apiserver import Credentials, apiserver_command, etcd_command
from localcluster.client import Client, RefusedError
from localcluster.network import NODE_INTERFACE

PHASE = "phase"
_GIVE_UP_AFTER = 8
_CALM_SECONDS = 60.0


class Programs:
    """The node's processes by name, each with a log of its name; one that ends is restarted a second later."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._commands: dict[str, list[str]] = {}
        self._names: dict[int, str] = {}
        self._due: dict[str, float] = {}
        self._ends: dict[str, list[float]] = {}

    def start(self, name: str, command: list[str]) -> None:
        self._commands[name] = command
        log = str(self._logs / f"{name}.log")
        pid = os.posix_spawn(
            command[0],
            command,
            self._environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setpgroup=0,
        )
        self._names[pid] = name

    def reap(self) -> str | None:
        """Records every process that ended; returns the name of one that keeps ending, if there is one."""
        hopeless = None
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                name = self._names.pop(ended[0], None)
                if name is not None:
                    now = time.monotonic()
                    print(f"{name} ended with {os.waitstatus_to_exitcode(ended[1])}", flush=True)
                    self._due[name] = now + 1.0
                    recent = [at for at in self._ends.get(name, []) if now - at < _CALM_SECONDS]
                    self._ends[name] = [*recent, now]
                    if len(recent) + 1 >= _GIVE_UP_AFTER:
                        hopeless = name
        return hopeless

    def start_again(self) -> None:
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.start(name, self._commands[name])


def prepare(settings: node.Settings) -> None:
    """Mounts, addresses and limits of the namespaces: invisible outside, and gone with the last process."""
    state = Path(settings.state)
    # Containers' mounts propagate within the node (kubelet needs that), never to the host.
    _run("mount", "--make-rshared", "/")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder, place in (("log", "/var/log"), ("kubelet", "/var/lib/kubelet"), ("cni", "/var/lib/cni")):
        (state / folder).mkdir(parents=True, exist_ok=True)
        _run("mount", "--bind", str(state / folder), place)
    _shield_host_settings()
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", f"{settings.network.node}/30", "dev", NODE_INTERFACE)
    _run("ip", "link", "set", NODE_INTERFACE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    socket.sethostname(node.NAME)
    for name in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        _, hard = resource.getrlimit(name)
        resource.setrlimit(name, (hard, hard))
    cgroups.enter()


def _shield_host_settings() -> None:
    """Hides the machine-wide kernel settings that kubelet changes: it finds files that hold the values it wants."""
    wanted = {
        "vm/overcommit_memory": "1",
        "vm/panic_on_oom": "0",
        "kernel/panic": "10",
        "kernel/panic_on_oops": "1",
        "kernel/keys/root_maxkeys": "1000000",
        "kernel/keys/root_maxbytes": "25000000",
    }
    for name, value in wanted.items():
        real = Path("/proc/sys") / name
        if real.exists():
            shield = Path("/run/shield") / name
            shield.parent.mkdir(parents=True, exist_ok=True)
            shield.write_text(f"{value}\n")
            _run("mount", "--bind", str(shield), str(real))


def bring_up(settings: node.Settings, programs: Programs, client: Client) -> Iterator[str]:
    """Starts the node in steps: yields its phase often, so that the caller can look after the processes."""
    commands = node.commands(settings)
    programs.start("containerd", commands.pop("containerd"))
    programs.start(
        "etcd",
        etcd_command(
            Path(settings.programs["etcd"]),
            data=Path(settings.state) / "etcd",
            port=node.ETCD_PORT,
            peer_port=node.ETCD_PEER_PORT,
        ),
    )
    programs.start(
        "kube-apiserver",
        apiserver_command(
            Path(settings.programs["kube-apiserver"]),
            Credentials(settings.keys),
            etcd_port=node.ETCD_PORT,
            bind_address="0.0.0.0",
            advertise_address=settings.network.node,
            port=node.API_PORT,
            service_range=settings.network.services,
        ),
    )
    while not client.is_ready():
        yield "waiting for kube-apiserver"
    for name, command in commands.items():
        programs.start(name, command)
        yield f"starting {name}"
    for path, value in node.objects(settings):
        while not _applied(client, path, value):
            yield "making the cluster's own objects"
    while not _node_is_ready(client):
        yield "waiting for kubelet"
    while not _default_service_account_exists(client):
        yield "waiting for kube-controller-manager"
    yield "ready"


def _applied(client: Client, path: str, value: dict[str, object]) -> bool:
    try:
        client.apply(path, value)
        return True
    except (RefusedError, OSError) as error:
        print(f"{path}: {error}", flush=True)
        return False


def _node_is_ready(client: Client) -> bool:
    try:
        conditions = client.get(f"/api/v1/nodes/{node.NAME}").get("status", {}).get("conditions", [])
    except (RefusedError, OSError):
        return False
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _default_service_account_exists(client: Client) -> bool:
    try:
        client.get("/api/v1/namespaces/default/serviceaccounts/default")
        return True
    except (RefusedError, OSError):
        return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def main(settings_file: str) -> None:
    if sys.stdin.readline().strip() != "go":
        sys.exit('no "go" on standard input: the start was interrupted')
    settings = node.settings_from_json(Path(settings_file).read_text())
    phase_file = Path(settings.state) / PHASE

    def tell(phase: str) -> None:
        with phase_file.open("a") as handle:
            handle.write(f"{phase}\n")

    tell("mounting")
    try:
        prepare(settings)
    except (OSError, subprocess.CalledProcessError) as error:
        tell(f"failed: {error}")
        sys.exit(1)
    # PID 1 receives only signals that it has a handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PYTHONPATH": settings.python_path,
    }
    programs = Programs(Path(settings.logs), environment)
    keys = settings.keys
    client = Client(settings.server, authority=keys / "ca.crt", certificate=keys / "admin.crt", key=keys / "admin.key")
    steps, told = bring_up(settings, programs, client), ""
    while True:
        hopeless = programs.reap()
        if hopeless is not None and told != "ready":
            tell(f"failed: {hopeless}")
            sys.exit(1)
        programs.start_again()
        phase = next(steps, told)
        if phase != told:
            told = phase
            tell(phase)
        time.sleep(0.05 if told != "ready" else 0.2)


if __name__ == "__main__":
    main(sys.argv[1])
