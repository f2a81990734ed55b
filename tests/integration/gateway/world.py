"""What the gateway's integration tests stand on: objects in a real API server, and a gateway as a process."""

import base64
import os
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from taskyard.core import names
from taskyard.core.certificates import new_authority
from taskyard.core.keyring import Keyring, secret_data
from taskyard.core.keys import MASTER_KEY_BYTES, prompt_sha256

TASKYARD = "/apis/taskyard.dev/v1alpha1"
RULES = [
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["taskyard.dev"], "resources": ["workspacebuilds"], "verbs": ["get", "list"]},
    {"apiGroups": ["taskyard.dev"], "resources": ["tasks"], "verbs": ["get"]},
    {"apiGroups": ["taskyard.dev"], "resources": ["tasks/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    {
        "apiGroups": ["taskyard.dev"],
        "resources": ["tasks", "taskinputs", "templates", "templateversions", "workspacebuilds"],
        "verbs": ["list", "watch"],
    },
    {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["list", "watch"]},
]

Object = dict[str, Any]

BODY = {"protocolVersions": [1], "sidecarVersion": "0.1.0"}


class Administrator:
    """The API server with an administrator's rights; any answer but success fails the test."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"]
        self.authority = _content(cluster, "certificate-authority", kubeconfig)
        context = ssl.create_default_context(cadata=self.authority)
        context.load_cert_chain(_file(user, "client-certificate", kubeconfig), _file(user, "client-key", kubeconfig))
        self._client = httpx.Client(base_url=self.server, verify=context, timeout=20)

    def create(self, path: str, manifest: Object) -> Object:
        return self._answer(self._client.post(path, json=manifest))

    def get(self, path: str) -> Object:
        return self._answer(self._client.get(path))

    def find(self, path: str) -> Object | None:
        response = self._client.get(path)
        return None if response.status_code == 404 else self._answer(response)

    def text(self, path: str) -> str:
        """What a path answers that is no object, such as the API server's metrics."""
        return self._client.get(path).raise_for_status().text

    def counted(self) -> tuple[int, int]:
        """Requests that the API server has counted: for objects that a gateway shows, without the watches, which go on
        for long; and reviews of tokens and rights."""
        objects = reviews = 0
        for line in re.findall(r"^apiserver_request_total(\{.*)$", self.text("/metrics"), re.MULTILINE):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            count = int(float(line.rpartition(" ")[2]))
            if labels["resource"] in ("tokenreviews", "subjectaccessreviews"):
                reviews += count
            elif labels["verb"] != "WATCH" and (
                labels["group"] == "taskyard.dev" or labels["resource"] in ("pods", "configmaps")
            ):
                objects += count
        return objects, reviews

    def patch(self, path: str, change: Object) -> Object:
        content_type = {"Content-Type": "application/merge-patch+json"}
        return self._answer(self._client.patch(path, json=change, headers=content_type))

    def delete(self, path: str) -> None:
        self._answer(self._client.delete(path, params={"gracePeriodSeconds": "0"}))

    def close(self) -> None:
        self._client.close()

    def token(self, namespace: str, account: str, *, audience: str, pod: Object | None = None) -> str:
        """A service account's token, bound to a Pod if one is given."""
        spec: Object = {"audiences": [audience], "expirationSeconds": 3600}
        if pod is not None:
            metadata = pod["metadata"]
            spec["boundObjectRef"] = {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "uid": metadata["uid"],
            }
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        token: str = self.create(path, request)["status"]["token"]
        return token

    @staticmethod
    def _answer(response: httpx.Response) -> Object:
        assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
        answer: Object = response.json()
        return answer


@dataclass
class Workspace:
    """One namespace with Tasks, builds and Pods, made as the operator would make them."""

    admin: Administrator
    namespace: str

    def path(self, plural: str, name: str = "", group: str = TASKYARD) -> str:
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def task(self, name: str = "hello", prompt: str = "say hello") -> Object:
        return self.admin.create(
            self.path("tasks"),
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "Task",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"prompt": prompt, "templateVersion": "shell-1"},
            },
        )

    def build(self, task: Object, number: int, transition: str = "Start", reason: str = "Initial") -> Object:
        """Reserve the number in the Task's status, then create the build."""
        name = task["metadata"]["name"]
        self.patch_task(
            name,
            {
                "templateVersion": "shell-1",
                "template": "shell",
                "build": {
                    "name": names.build_name(name, number),
                    "number": number,
                    "transition": transition,
                    "reason": reason,
                    "phase": "Pending",
                    "createdAt": "2026-01-01T00:00:00Z",
                },
            },
        )
        return self.admin.create(
            self.path("workspacebuilds"),
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "WorkspaceBuild",
                "metadata": {
                    "name": names.build_name(name, number),
                    "namespace": self.namespace,
                    "labels": {names.TASK_LABEL: name},
                    "ownerReferences": [names.owner_reference(name=name, uid=task["metadata"]["uid"])],
                },
                "spec": {
                    "task": name,
                    "number": number,
                    "transition": transition,
                    "reason": reason,
                    "templateVersion": "shell-1",
                    "promptSHA256": prompt_sha256(task["spec"]["prompt"]),
                },
            },
        )

    def pod(self, name: str, labels: dict[str, str] | None = None) -> Object:
        return self.admin.create(
            self.path("pods", group="/api/v1"),
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self.namespace, "labels": labels or {}},
                "spec": {
                    "serviceAccountName": "default",
                    "automountServiceAccountToken": False,
                    "containers": [{"name": "agent", "image": "localhost/none"}],
                },
            },
        )

    def record(self, build: Object, pod: Object) -> None:
        """Record the Pod in the build, as the operator does once the Pod is bound to a node."""
        self.admin.patch(
            self.path("workspacebuilds", build["metadata"]["name"]) + "/status",
            {"status": {"phase": "Succeeded", "podUID": pod["metadata"]["uid"]}},
        )

    def patch_task(self, name: str, status: Object) -> None:
        self.admin.patch(self.path("tasks", name) + "/status", {"status": status})

    def task_status(self, name: str = "hello") -> Object:
        status: Object = self.admin.get(self.path("tasks", name))["status"]
        return status

    def token(self, pod: Object, audience: str = "taskyard") -> str:
        return self.admin.token(self.namespace, "default", audience=audience, pod=pod)

    def running_task(self, name: str = "hello", prompt: str = "say hello") -> "RunningTask":
        """A Task with its first build, whose Pod is recorded."""
        task = self.task(name, prompt)
        build = self.build(task, 1)
        pod = self.pod(build["metadata"]["name"])
        self.record(build, pod)
        return RunningTask(task=task, build=build, pod=pod, token=self.token(pod))


@dataclass(frozen=True)
class RunningTask:
    """`token` is the service-account token of the Pod."""

    task: Object
    build: Object
    pod: Object
    token: str = field(repr=False)


class Gateway:
    """A gateway process, with the rights of a service account that has exactly RULES."""

    def __init__(self, admin: Administrator, system: str, directory: Path) -> None:
        self.admin = admin
        self.system = system
        self.log = directory / "gateway.log"
        self.port, self.health_port, self.people_port = free_port(), free_port(), free_port()
        self._kubeconfig = directory / "gateway.kubeconfig"
        self._write_kubeconfig()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from taskyard.gateway.main import main; main()"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "KUBECONFIG": str(self._kubeconfig),
                    "PYTHONPATH": str(Path(__file__).parents[3] / "operator"),
                    "TASKYARD_NAMESPACE": self.system,
                    "TASKYARD_LISTEN_ADDRESS": "127.0.0.1",
                    "TASKYARD_SIDECAR_PORT": str(self.port),
                    "TASKYARD_HEALTH_PORT": str(self.health_port),
                    "TASKYARD_PEOPLE_PORT": str(self.people_port),
                    **environment,
                },
            )

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.terminate()
        return self.wait()

    def terminate(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit status; a gateway that does not end is killed and fails the test."""
        assert self._process is not None
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def probe(self, path: str) -> int:
        """Status of a probe, 0 when nothing listens."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}{path}", timeout=5).status_code
        except httpx.TransportError:
            return 0

    def wait_until(self, path: str, status: int, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while (found := self.probe(path)) != status:
            assert time.monotonic() < until, f"{path} is {found}, not {status}:\n{self.log.read_text()}"
            time.sleep(0.05)

    def wait_until_logged(self, text: str, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while text not in self.log.read_text():
            assert time.monotonic() < until, f"{text!r} is not in the log:\n{self.log.read_text()}"
            time.sleep(0.05)

    def client(self, keyring: Keyring, *, port: int | None = None) -> httpx.Client:
        """A client that trusts the installation's authority and nothing else; of the sidecars' port, or another."""
        context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
        return httpx.Client(base_url=f"https://localhost:{port or self.port}", verify=context, timeout=20)

    def make_keys(self, keyring: Keyring) -> None:
        self.admin.create(
            f"/api/v1/namespaces/{self.system}/secrets",
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": names.KEYS_SECRET, "namespace": self.system},
                "immutable": True,
                "data": secret_data(keyring),
            },
        )

    def _write_kubeconfig(self) -> None:
        system, rbac = self.system, "/apis/rbac.authorization.k8s.io/v1"
        subject = {"kind": "ServiceAccount", "name": "taskyard-gateway", "namespace": system}
        group = "rbac.authorization.k8s.io"
        secret_rule = {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [names.KEYS_SECRET],
            "verbs": ["get"],
        }
        create = self.admin.create
        create("/api/v1/namespaces", {"metadata": {"name": system}})
        create(f"/api/v1/namespaces/{system}/serviceaccounts", {"metadata": {"name": "taskyard-gateway"}})
        create(f"{rbac}/clusterroles", {"metadata": {"name": system}, "rules": RULES})
        create(
            f"{rbac}/clusterrolebindings",
            {
                "metadata": {"name": system},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": system},
                "subjects": [subject],
            },
        )
        create(
            f"{rbac}/namespaces/{system}/roles",
            {"metadata": {"name": "taskyard-gateway"}, "rules": [secret_rule]},
        )
        create(
            f"{rbac}/namespaces/{system}/rolebindings",
            {
                "metadata": {"name": "taskyard-gateway"},
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "taskyard-gateway"},
                "subjects": [subject],
            },
        )
        token = self.admin.token(system, "taskyard-gateway", audience="https://kubernetes.default.svc.cluster.local")
        authority = base64.b64encode(self.admin.authority.encode()).decode()
        self._kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                    "clusters": [
                        {
                            "name": "test",
                            "cluster": {"server": self.admin.server, "certificate-authority-data": authority},
                        }
                    ],
                    "users": [{"name": "test", "user": {"token": token}}],
                }
            )
        )


def new_keyring() -> Keyring:
    """Keys of an installation, as the operator makes them."""
    return Keyring(authority=new_authority(datetime.now(UTC)), master_key=secrets.token_bytes(MASTER_KEY_BYTES))


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _file(entry: Object, key: str, kubeconfig: Path) -> str:
    """Path of a kubeconfig's file entry; embedded data is written beside the kubeconfig."""
    if f"{key}-data" in entry:
        path = kubeconfig.parent / f"embedded-{key}.pem"
        path.write_bytes(base64.b64decode(entry[f"{key}-data"]))
        return str(path)
    return str(kubeconfig.parent / entry[key])


def _content(entry: Object, key: str, kubeconfig: Path) -> str:
    return Path(_file(entry, key, kubeconfig)).read_text()


def ask(client: httpx.Client, token: str, body: Any = BODY) -> httpx.Response:
    return client.post("/api/v1alpha1/enroll", headers={"Authorization": f"Bearer {token}"}, json=body)


def enroll(client: httpx.Client, token: str, body: Any = BODY) -> httpx.Response:
    """Ask, and ask again when told to slow down, as a sidecar does: all tests come from one address."""
    while (response := ask(client, token, body)).status_code == 429:
        time.sleep(float(response.headers["retry-after"]))
    return response
