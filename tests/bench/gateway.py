"""The gateway with a thousand Tasks, as a process in front of a real etcd and kube-apiserver."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench import usage
from bench.figures import Figure, percentile
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway, new_keyring
from integration.gateway.rest.rest_namespace import RestNamespace, paused
from localcluster import programs
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY
from taskyard.core.security.keyring import Keyring

Say = Callable[[str], None]

TASKS = 1000
WRITERS = 8
LISTS = 200
READS = 300
STREAMS = 200
# The number of streams per caller is limited.
CALLERS = 4


@dataclass(frozen=True)
class Setting:
    """The processes and the account that all measurements use."""

    admin: Administrator
    gateway: Gateway
    keyring: Keyring
    ns: RestNamespace
    tokens: tuple[str, ...]

    def connection(self) -> http.client.HTTPSConnection:
        """A connection to the listener for users, with less overhead than httpx."""
        context = ssl.create_default_context(cadata=self.keyring.authority.certificate_pem)
        return http.client.HTTPSConnection("localhost", self.gateway.people_port, timeout=60, context=context)


def run(folder: Path, say: Say) -> list[Figure]:
    """Runs all measurements."""
    say("etcd and kube-apiserver")
    with ControlPlane(folder / "control-plane") as control_plane:
        crds = str(REPOSITORY / "crds")
        _kubectl(control_plane, "apply", "--server-side", "-f", crds)
        _kubectl(control_plane, "wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
        admin, keyring = Administrator(control_plane.kubeconfig), new_keyring()
        with closing(admin), Gateway(admin, folder, system="taskyard").serving(keyring) as gateway:
            at_first = usage.resident(gateway.pid)
            admin.create("/api/v1/namespaces", {"metadata": {"name": "team"}})
            ns = RestNamespace(admin, gateway, keyring, "team")
            tokens = (ns.token("owner"), *(_caller(ns) for _ in range(CALLERS - 1)))
            setting = Setting(admin, gateway, keyring, ns, tokens)
            return [Figure("gateway: RSS at first", at_first, "MB"), *_measured(setting, say)]


def _measured(setting: Setting, say: Say) -> list[Figure]:
    pid = setting.gateway.pid
    say(f"{TASKS} Tasks with a build each")
    _fill(setting.ns)
    say(f"{LISTS} lists")
    used = usage.cpu_seconds(pid)
    seconds, size = _lists(setting)
    used = usage.cpu_seconds(pid) - used
    say(f"{READS} reads, counted at the API server")
    of_objects, of_reviews = _calls_for_reads(setting)
    with_tasks = usage.resident(pid)
    say(f"{STREAMS} clients of events")
    heard, with_streams = _streams(setting)
    return [
        Figure(
            f"list of {TASKS:,} Tasks ({size / 1e6:.1f} MB), p50 of {LISTS}", percentile(seconds, 0.5) * 1000, "ms", 30
        ),
        Figure(f"list of {TASKS:,} Tasks, p99", percentile(seconds, 0.99) * 1000, "ms"),
        Figure(f"list of {TASKS:,} Tasks, CPU each", used / LISTS * 1000, "ms"),
        Figure(f"calls of the API server for {READS} reads", of_objects, "", 0),
        Figure("reviews of the caller meanwhile (remembered for 10 s)", of_reviews, ""),
        Figure(f"gateway: RSS with {TASKS:,} Tasks", with_tasks, "MB"),
        Figure(f"clients of events that receive a change, of {STREAMS}", len(heard), "", STREAMS, True),
        Figure("they receive it after, p50", percentile(heard, 0.5) * 1000, "ms"),
        Figure("they receive it after, p99", percentile(heard, 0.99) * 1000, "ms"),
        Figure(f"gateway: RSS with {TASKS:,} Tasks and {STREAMS} clients of events", with_streams, "MB", 120),
    ]


def _kubectl(control_plane: ControlPlane, *arguments: str) -> None:
    command = [programs.kubectl(), "--kubeconfig", control_plane.kubeconfig, *arguments]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)


def _caller(ns: RestNamespace) -> str:
    """The token of another account with the right to read."""
    name = f"caller-{uuid.uuid4().hex[:6]}"
    ns._settle(name, [{"apiGroups": ["taskyard.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]}])
    return ns.token(name)


def _fill(ns: RestNamespace) -> None:
    def one(number: int) -> None:
        name = f"task-{number}"
        task = ns.workspace.task(name, prompt=f"Do the work number {number}, with care. " * 5)
        ns.workspace.build(task, 1)
        status = paused(1)
        ns.workspace.patch_task(name, {**status, "build": {**status["build"], "name": f"{name}-1"}})

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(one, range(TASKS)))
    ns.wait("/tasks", lambda answer: sum(task["status"] == "paused" for task in answer.json()["tasks"]) == TASKS)


def _get(connection: http.client.HTTPSConnection, token: str, path: str) -> bytes:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (path, response.status, body[:500])
    return body


def _lists(setting: Setting) -> tuple[list[float], int]:
    """The seconds of each list request, and the size of its response in bytes."""
    connection, found, size = setting.connection(), [], 0
    for _ in range(LISTS):
        began = time.perf_counter()
        body = _get(connection, setting.tokens[0], "/api/v2/tasks")
        found.append(time.perf_counter() - began)
        size = len(body)
    assert json.loads(body)["count"] == TASKS
    connection.close()
    return found, size


def _calls_for_reads(setting: Setting) -> tuple[int, int]:
    """Requests that the API server counted during so many reads: for objects, and reviews."""
    paths = ["/api/v2/tasks?q=status:paused", "/api/v2/tasks/me/task-7", "/api/v2/users/me", "/api/v2/templates"]
    connection = setting.connection()
    for path in paths:
        _get(connection, setting.tokens[0], path)
    before = setting.admin.counted()
    for number in range(READS):
        _get(connection, setting.tokens[0], paths[number % len(paths)])
    after = setting.admin.counted()
    connection.close()
    return after[0] - before[0], after[1] - before[1]


def _streams(setting: Setting) -> tuple[list[float], float]:
    """The seconds until each client received a change, and the gateway's RSS with all of them."""
    ready = threading.Barrier(STREAMS + 1)
    written: list[float] = []

    def follow(number: int) -> float:
        # One half of the clients follow one Task each, the other half follow all Tasks.
        path = "task-0/events" if number % 2 else "watch?q=status:error"
        connection = setting.connection()
        token = setting.tokens[number % CALLERS]
        where = f"/api/v1alpha1/tasks/{'me/' if number % 2 else ''}{path}"
        connection.request("GET", where, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        assert response.status == 200, (where, response.status, response.read())
        response.readline()
        ready.wait(60)
        while b'"status":"error"' not in response.readline():
            pass
        took = time.perf_counter() - written[0]
        response.close()
        connection.close()
        return took

    with concurrent.futures.ThreadPoolExecutor(STREAMS) as threads:
        clients = [threads.submit(follow, number) for number in range(STREAMS)]
        ready.wait(60)
        resident = usage.resident(setting.gateway.pid)
        written.append(time.perf_counter())
        setting.ns.workspace.patch_task("task-0", {"phase": "Error"})
        heard = [client.result(60) for client in clients]
    return heard, max(resident, usage.resident(setting.gateway.pid))
