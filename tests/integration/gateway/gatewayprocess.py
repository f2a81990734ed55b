"""A gateway as a process, in its own installation."""

import base64
import os
import secrets
import signal
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

import httpx
import yaml

import forkserver
import plainhttp
from auditrun import RUN
from integration.gateway.administrator import Administrator
from ports import free_port
from taskyard.core import names
from taskyard.core.security.certificates import new_authority
from taskyard.core.security.keyring import Keyring, secret_data
from taskyard.core.security.keys import MASTER_KEY_BYTES

MODULE = "taskyard.gateway.main"
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


class Gateway:
    """A gateway process, with the rights of a service account that has exactly RULES."""

    def __init__(self, admin: Administrator, directory: Path, *, system: str = "", anew: bool = False) -> None:
        """`anew`: it shares no memory with others, so that its own can be measured."""
        self.admin = admin
        self._anew = anew
        self.system = system or f"taskyard-{uuid.uuid4().hex[:8]}"
        self.log = directory / "gateway.log"
        self.port, self.health_port, self.people_port = free_port(), free_port(), free_port()
        self._kubeconfig = directory / "gateway.kubeconfig"
        self._write_kubeconfig()
        self._process: forkserver.Process | None = None

    def start(self, *, output: IO[bytes] | None = None, **environment: str) -> None:
        """`output` is its standard output, instead of the log, which then has standard error alone."""
        settings = {
            **os.environ,
            "KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": str(Path(__file__).parents[3] / "operator"),
            "TASKYARD_NAMESPACE": self.system,
            "TASKYARD_LISTEN_ADDRESS": "127.0.0.1",
            "TASKYARD_SIDECAR_PORT": str(self.port),
            "TASKYARD_HEALTH_PORT": str(self.health_port),
            "TASKYARD_PEOPLE_PORT": str(self.people_port),
            **environment,
        }
        RUN.watch(self.log)
        with self.log.open("ab") as log:
            self._process = forkserver.start(MODULE, settings, output or log, log, anew=self._anew)

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.terminate()
        return self.wait()

    def end(self) -> None:
        """Stops it, unless it has ended already or was never started."""
        if self.is_running():
            self.stop()

    @contextmanager
    def serving(self, keyring: Keyring, **environment: str) -> Iterator[Self]:
        """Stores these keys, starts the gateway and waits until it is ready; stops it afterwards."""
        self.make_keys(keyring)
        self.start(**environment)
        try:
            self.wait_until("/readyz", 200)
            yield self
        finally:
            self.end()

    def terminate(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Waits for the exit status; a gateway that does not exit is killed and fails the test."""
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
        """The status of a probe, 0 when nothing listens."""
        try:
            return plainhttp.get(f"http://127.0.0.1:{self.health_port}{path}").status_code
        except httpx.TransportError:
            return 0

    def wait_until(self, path: str, status: int, seconds: float = 60) -> None:
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
        """A client that trusts only the installation's authority; for the sidecars' port, or another."""
        context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
        url = f"https://localhost:{port or self.port}"
        return httpx.Client(base_url=url, verify=context, timeout=20, event_hooks=RUN.hooks())

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
    """Keys of an installation, as the operator creates them."""
    return Keyring(authority=new_authority(datetime.now(UTC)), master_key=secrets.token_bytes(MASTER_KEY_BYTES))
