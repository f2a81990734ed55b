"""A namespace with users of different rights as the REST API's callers, and an agent's endpoint to send messages to."""

from __future__ import annotations

import itertools
import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from auditrun import RUN
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.workspace import Workspace
from manifests import template_version
from taskyard.core import names
from taskyard.core.security.certificates import issue_serving_certificate
from taskyard.core.security.keyring import Keyring
from taskyard.core.security.keys import pod_key

Object = dict[str, Any]

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SECONDS = 10.0

_READ = ["get", "list", "watch"]
_WRITE = ["create", "update", "patch", "delete"]
_LOOK = {"apiGroups": ["taskyard.dev"], "resources": ["templateversions", "templates", "tasks"], "verbs": _READ}
ROLES: dict[str, list[Object]] = {
    "owner": [
        _LOOK,
        {"apiGroups": ["taskyard.dev"], "resources": ["tasks", "taskinputs"], "verbs": _WRITE},
        {"apiGroups": ["taskyard.dev"], "resources": ["taskinputs"], "verbs": _READ},
        {"apiGroups": ["taskyard.dev"], "resources": ["tasks/log"], "verbs": ["get"]},
    ],
    # May see Tasks, but neither message their agents nor read their logs.
    "reader": [_LOOK],
    "nobody": [],
}
_addresses = itertools.count(1)


class RestNamespace:
    """The test's namespace. `owner`, `reader` and `nobody` are its service accounts."""

    def __init__(self, admin: Administrator, gateway: Gateway, keyring: Keyring, name: str) -> None:
        self.admin = admin
        self.name = name
        self.workspace = Workspace(admin, name)
        self._gateway, self._keyring = gateway, keyring
        self._clients: dict[str, httpx.Client] = {}
        for role, rules in ROLES.items():
            self._settle(role, rules)
        version = template_version(presets=[{"name": "large", "default": True}, {"name": "small"}])
        self.version = admin.create(self.workspace.path("templateversions"), version)
        self.wait(f"/templateversions/{self.version['metadata']['uid']}", lambda answer: answer.status_code == 200)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def token(self, role: str, audience: str = AUDIENCE) -> str:
        return self.admin.token(self.name, role, audience=audience)

    def client(self, token: str = "", *, header: str = "Authorization") -> httpx.Client:
        """A client with that token, or without one."""
        client = self._gateway.client(self._keyring, port=self._gateway.people_port)
        client.base_url = f"{client.base_url}/api/v2"
        if token:
            client.headers[header] = f"Bearer {token}" if header == "Authorization" else token
        return client

    def url(self, path: str) -> str:
        """The URL of a route that is not part of the Coder Tasks API, for any client."""
        return f"https://localhost:{self._gateway.people_port}/api/v1alpha1{path}"

    def as_(self, role: str) -> httpx.Client:
        """A client with a service account of the namespace."""
        if role not in self._clients:
            self._clients[role] = self.client(self.token(role))
        return self._clients[role]

    @property
    def owner(self) -> httpx.Client:
        return self.as_("owner")

    def wait(self, path: str, holds: Callable[[httpx.Response], Any], *, role: str = "owner") -> httpx.Response:
        """Returns the answer to a GET once `holds` is true of it: the cache lags behind the API server."""
        until = time.monotonic() + SECONDS
        while not holds(answer := self.as_(role).get(path)):
            assert time.monotonic() < until, f"{path}: {answer.status_code} {answer.text}"
            time.sleep(0.02)
        return answer

    def manifest(self, name: str, prompt: str) -> Object:
        """A Task that does not exist yet."""
        spec = {"prompt": prompt, "templateVersion": "shell-v1"}
        return {"apiVersion": "taskyard.dev/v1alpha1", "kind": "Task", "metadata": {"name": name}, "spec": spec}

    def task(self, name: str = "hello", *, prompt: str = "say hello", status: Object | None = None) -> Object:
        """Creates a Task with that status and waits until the cache has it."""
        task = self.admin.create(self.workspace.path("tasks"), self.manifest(name, prompt))
        self.wait(f"/tasks/me/{name}", lambda answer: answer.status_code == 200)
        return self.change(name, status) if status else task

    def change(self, name: str, status: Object) -> Object:
        """Writes to a Task's status like the operator, and waits until the cache has it."""
        self.workspace.patch_task(name, status)
        task = self.admin.get(self.workspace.path("tasks", name))
        if "phase" in status:
            shown = {"pausing": "unknown"}.get(status["phase"].lower(), status["phase"].lower())
            self.wait(f"/tasks/me/{name}", lambda answer: answer.json()["status"] == shown)
        return task

    def running_task(self, name: str = "hello", *, address: str = "127.0.0.1", **status: Any) -> Object:
        """Creates an active Task whose Pod has an address."""
        task = self.task(name)
        build = self.workspace.build(task, 1)
        pod = self.workspace.pod(build["metadata"]["name"], labels={names.TASK_LABEL: name})
        owner = names.owner_reference(name=name, uid=task["metadata"]["uid"])
        path = self.workspace.path("pods", pod["metadata"]["name"], group="/api/v1")
        self.admin.patch(path, {"metadata": {"ownerReferences": [owner]}})
        pod = self.admin.patch(f"{path}/status", {"status": {"podIP": address, "podIPs": [{"ip": address}]}})
        self.workspace.record(build, pod)
        self.change(name, active(pod["metadata"]["name"]) | status)
        return pod

    def admit(self, guests: RestNamespace, *, role: str) -> None:
        """Gives the owner of another namespace a role in this one."""
        self.admin.create(
            f"{RBAC}/namespaces/{self.name}/rolebindings",
            {
                "metadata": {"name": f"guest-{role}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": "owner", "namespace": guests.name}],
            },
        )

    def _settle(self, role: str, rules: list[Object]) -> None:
        create, namespace = self.admin.create, self.name
        create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": role}})
        create(f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": role}, "rules": rules})
        create(
            f"{RBAC}/namespaces/{namespace}/rolebindings",
            {
                "metadata": {"name": role},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": role, "namespace": namespace}],
            },
        )


def build(number: int = 1, transition: str = "Start", phase: str = "Succeeded", reason: str = "Initial") -> Object:
    """`status.build` of a Task called hello."""
    return {
        "name": f"hello-{number}",
        "number": number,
        "transition": transition,
        "reason": reason,
        "phase": phase,
        "createdAt": "2026-01-01T00:00:00.000000Z",
    }


def active(pod: str = "hello-1") -> Object:
    """The status of a Task whose agent answers."""
    workspace = {"status": "Running", "pod": pod, "agentLifecycle": "Ready", "appHealth": "Healthy"}
    return {"phase": "Active", "build": build(), "workspace": workspace}


def paused(number: int = 2) -> Object:
    """The status of a paused Task."""
    workspace = {"status": "Stopped", "pod": None, "agentLifecycle": None, "appHealth": None}
    return {"phase": "Paused", "build": build(number, "Stop", reason="ManualPause"), "workspace": workspace}


class Agent:
    """The AgentAPI routes as a sidecar serves them, over TLS with its Pod's key. Its answers can be set."""

    def __init__(self) -> None:
        self.address = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}.{next(_addresses)}"
        self.answers: dict[str, tuple[int, Any]] = {
            "/status": (200, {"status": "stable", "agent_type": "custom", "transport": "pty"}),
            "/messages": (200, {"messages": []}),
            "/message": (200, {"ok": True}),
        }
        self.asked: list[tuple[str, Object]] = []
        self.keys: list[str] = []
        self.key = ""
        # While cleared, it answers nothing.
        self.answering = threading.Event()
        self.answering.set()

    @contextmanager
    def serving(self, keyring: Keyring, pod: Object) -> Iterator[Agent]:
        """Serves as the sidecar of a Pod."""
        uid = pod["metadata"]["uid"]
        self.key = pod_key(keyring.master_key, uid)
        issued = issue_serving_certificate(
            keyring.authority, dns_names=[uid], now=datetime.now(UTC), lifetime=timedelta(days=1)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tls.pem"
            path.write_text(issued.certificate_pem + issued.key_pem)
            context.load_cert_chain(path)
        server = ThreadingHTTPServer((self.address, 8484), self._handler())
        # Hands are shaken in the connection's thread: a client that never does keeps no other waiting, nor the end.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: Object) -> None:
                status, document = agent.answers[self.path]
                if self.headers["Authorization"] != f"Bearer {agent.key}":
                    status, document = 401, {"title": "no key"}
                agent.asked.append((self.path, body))
                agent.keys.append(self.headers.get("Idempotency-Key", ""))
                agent.answering.wait(20)
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                # An event of a stream is a line of its own.
                for line in content.decode().splitlines():
                    RUN.note_document(line.removeprefix("data: "))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler
