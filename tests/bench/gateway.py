"""The gateway with ten thousand Tasks, as a process in front of a real etcd and kube-apiserver.

The Tasks are copied into etcd from one that the operator has started; no operator runs while the gateway is measured.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench import usage
from bench.figures import Figure, percentile
from bench.installation import TEAM, VERSION, Installation, installed
from bench.specimen import NAME, Specimen
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway, new_keyring
from integration.gateway.rest.rest_namespace import RestNamespace
from taskyard.core.security.keyring import Keyring

Say = Callable[[str], None]

TASKS = 10 * int(os.environ.get("TASKS", "1000"))
PAGE = 100
PAGES = 300
LISTS = 20
READS = 300
STREAMS = 200
# The number of streams per caller is limited.
CALLERS = 4
LISTED_SECONDS = 60.0


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
    with installed(folder, has_versions=False) as installation:
        admin, keyring = Administrator(installation.control_plane.kubeconfig), new_keyring()
        gateway = Gateway(admin, folder, system="taskyard-gateway")
        with closing(admin), gateway.serving(keyring):
            at_first = usage.resident(gateway.pid)
            ns = RestNamespace(admin, gateway, keyring, TEAM)
            specimen = _specimen(installation)
            tokens = (ns.token("owner"), *(_caller(ns) for _ in range(CALLERS - 1)))
            setting = Setting(admin, gateway, keyring, ns, tokens)
            say(f"{TASKS:,} Tasks with a build and a Pod each")
            installation.store(specimen, "fleet", range(TASKS))
            _until_listed(setting)
            usage.until_at_rest(gateway.pid)
            grown = usage.resident(gateway.pid)
            gateway.stop()
            say("the gateway starts over them")
            began = time.monotonic()
            gateway.start()
            gateway.wait_until("/readyz", 200, LISTED_SECONDS)
            took = time.monotonic() - began
            usage.until_at_rest(gateway.pid)
            memory = [
                Figure("gateway: RSS at first", at_first, "MB"),
                Figure(f"gateway: RSS, grown to {TASKS:,} Tasks", grown, "MB", 200),
                Figure(f"gateway: RSS, started over {TASKS:,} Tasks", usage.resident(gateway.pid), "MB", 200),
                Figure(f"gateway: largest RSS of the start over {TASKS:,} Tasks", usage.peak(gateway.pid), "MB"),
                Figure(f"gateway: ready over {TASKS:,} Tasks after", took, "s"),
            ]
            return [*memory, *_measured(setting, say)]


def _measured(setting: Setting, say: Say) -> list[Figure]:
    pid = setting.gateway.pid
    say(f"{PAGES} pages of {PAGE} Tasks")
    used = usage.cpu_seconds(pid)
    pages = _pages(setting)
    used = usage.cpu_seconds(pid) - used
    say(f"{READS} reads, counted at the API server")
    of_objects, of_reviews = _calls_for_reads(setting)
    say(f"{LISTS} whole lists")
    lists, size = _lists(setting)
    with_lists = usage.resident(pid)
    say(f"{STREAMS} clients of events")
    heard, with_streams = _streams(setting)
    whole = f"list of {TASKS:,} Tasks"
    return [
        Figure(f"page of {PAGE} of {TASKS:,} Tasks, p50 of {PAGES}", percentile(pages, 0.5) * 1000, "ms", 10),
        Figure(f"page of {PAGE} of {TASKS:,} Tasks, p99", percentile(pages, 0.99) * 1000, "ms"),
        Figure(f"page of {PAGE} of {TASKS:,} Tasks, CPU each", used / PAGES * 1000, "ms"),
        Figure(f"calls of the API server for {READS} reads", of_objects, "", 0),
        Figure("reviews of the caller meanwhile (remembered for 10 s)", of_reviews, ""),
        Figure(f"{whole}, p50 of {LISTS}", percentile(lists, 0.5) * 1000, "ms"),
        Figure(f"{whole}, size", size / 1e6, "MB"),
        Figure("gateway: RSS after such lists", with_lists, "MB"),
        Figure(f"clients of events that receive a change, of {STREAMS}", len(heard), "", STREAMS, True),
        Figure("they receive it after, p50", percentile(heard, 0.5) * 1000, "ms"),
        Figure("they receive it after, p99", percentile(heard, 0.99) * 1000, "ms"),
        Figure(f"gateway: RSS with {TASKS:,} Tasks and {STREAMS} clients of events", with_streams, "MB"),
    ]


def _specimen(installation: Installation) -> Specimen:
    """A Task that the operator has made Active."""
    kube = installation.kube
    with installation.operator("first") as operator:
        kube.wait("the version is validated", "templateversions", TEAM, VERSION, lambda found: "status" in found)
        installation.create_task(NAME)
        installation.wait_pod(NAME)
        installation.become_active(NAME)
        usage.until_at_rest(operator.pid)
        return installation.specimen()


def _until_listed(setting: Setting) -> None:
    """Returns once the gateway shows the Task that was stored last."""
    url, end = f"/tasks/me/fleet-{TASKS - 1}", time.monotonic() + LISTED_SECONDS
    while setting.ns.owner.get(url).status_code != 200:
        assert time.monotonic() < end, f"the gateway does not show {url} after {LISTED_SECONDS:.0f} s"
        time.sleep(0.2)


def _caller(ns: RestNamespace) -> str:
    """The token of another account with the right to read."""
    name = f"caller-{uuid.uuid4().hex[:6]}"
    ns._settle(name, [{"apiGroups": ["taskyard.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]}])
    return ns.token(name)


def _get(connection: http.client.HTTPSConnection, token: str, path: str) -> bytes:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (path, response.status, body[:500])
    return body


def _pages(setting: Setting) -> list[float]:
    """The seconds of each request of one page after the other, from the first again when all have been read."""
    connection, found, after = setting.connection(), [], ""
    for _ in range(PAGES):
        path = f"/api/v1alpha1/tasks?limit={PAGE}" + (f"&continue={quote(after)}" if after else "")
        began = time.perf_counter()
        body = _get(connection, setting.tokens[0], path)
        found.append(time.perf_counter() - began)
        page = json.loads(body)
        after = page.get("continue", "")
        assert page["count"] == PAGE or not after, page["count"]
    connection.close()
    return found


def _lists(setting: Setting) -> tuple[list[float], int]:
    """The seconds of each request of a whole list, and the size of its response in bytes."""
    connection, found, size = setting.connection(), [], 0
    for _ in range(LISTS):
        began = time.perf_counter()
        body = _get(connection, setting.tokens[0], "/api/v2/tasks")
        found.append(time.perf_counter() - began)
        size = len(body)
    connection.close()
    return found, size


def _calls_for_reads(setting: Setting) -> tuple[int, int]:
    """Requests that the API server counted during so many reads: for objects, and reviews."""
    paths = [
        "/api/v1alpha1/tasks?limit=100&q=status:active",
        "/api/v2/tasks/me/fleet-7",
        "/api/v2/users/me",
        "/api/v2/templates",
    ]
    # One caller has 500 requests in a burst, which the pages may have used up.
    connection, token = setting.connection(), setting.tokens[1]
    for path in paths:
        _get(connection, token, path)
    before = setting.admin.counted()
    for number in range(READS):
        _get(connection, token, paths[number % len(paths)])
    after = setting.admin.counted()
    connection.close()
    return after[0] - before[0], after[1] - before[1]


def _streams(setting: Setting) -> tuple[list[float], float]:
    """The seconds until each client received a change, and the gateway's RSS with all of them."""
    ready = threading.Barrier(STREAMS + 1)
    written: list[float] = []

    def follow(number: int) -> float:
        # One half of the clients follow one Task each, the other half follow all Tasks.
        path = "fleet-0/events" if number % 2 else "watch?q=status:error"
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
        setting.ns.workspace.patch_task("fleet-0", {"phase": "Error"})
        heard = [client.result(60) for client in clients]
    return heard, max(resident, usage.resident(setting.gateway.pid))
