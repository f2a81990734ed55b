"""A small synchronous client of an API server for tests: plain dictionaries over httpx, and bounded waits."""

from __future__ import annotations

import base64
import ssl
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from auditrun import RUN

Object = dict[str, Any]

PREFIXES = {
    "tasks": "/apis/taskyard.dev/v1alpha1",
    "templates": "/apis/taskyard.dev/v1alpha1",
    "templateversions": "/apis/taskyard.dev/v1alpha1",
    "workspacebuilds": "/apis/taskyard.dev/v1alpha1",
    "taskinputs": "/apis/taskyard.dev/v1alpha1",
    "notificationsinks": "/apis/taskyard.dev/v1alpha1",
    "leases": "/apis/coordination.k8s.io/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
}
WAIT_SECONDS = 30.0


class Kube:
    """The API server of a kubeconfig (certificates inline or by path); each request has a timeout of `seconds`."""

    def __init__(self, kubeconfig: Path, *, seconds: float = 10) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        self.authority = read(cluster, "certificate-authority", kubeconfig).decode()
        context = ssl.create_default_context(cadata=self.authority)
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder) / "crt", Path(folder) / "key"
            certificate.write_bytes(read(user, "client-certificate", kubeconfig))
            key.write_bytes(read(user, "client-key", kubeconfig))
            context.load_cert_chain(certificate, key)
        self.context = context
        self.server: str = cluster["server"]
        self._client = httpx.Client(
            base_url=self.server, verify=context, timeout=seconds, trust_env=False, event_hooks=RUN.hooks()
        )

    def close(self) -> None:
        self._client.close()

    def request(
        self, method: str, path: str, body: Object | None = None, content_type: str = "application/json"
    ) -> Any:
        """Makes one request; an unsuccessful status raises AssertionError with the server's message."""
        response = self._client.request(method, path, json=body, headers={"Content-Type": content_type})
        assert response.is_success, f"{method} {path}: {response.status_code}: {response.text}"
        return response.json()

    def refusal(self, method: str, path: str, body: Object) -> str:
        """The message with which the server refuses a request; raises AssertionError when it accepts it."""
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        response = self._client.request(method, path, json=body, headers={"Content-Type": content_type})
        assert not response.is_success, f"{method} {path} was accepted: {response.text}"
        return str(response.json()["message"])

    def find(self, path: str) -> Object | None:
        """The object at a path; None when there is none."""
        response = self._client.get(path)
        return None if response.status_code == 404 else response.raise_for_status().json()

    def text(self, path: str) -> str:
        """The response of a path that serves text, such as the API server's metrics."""
        return self._client.get(path).raise_for_status().text

    def patch_namespace(self, name: str, patch: Object) -> Object:
        return self.request("PATCH", f"/api/v1/namespaces/{name}", patch, "application/merge-patch+json")

    def path(self, plural: str, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        parts = [PREFIXES.get(plural, "/api/v1")]
        parts += ["namespaces", namespace] if namespace else []
        parts += [part for part in (plural, name, subresource) if part]
        return "/".join(parts)

    def create_namespace(self) -> str:
        """Creates a namespace with the service account ``default``; returns its name."""
        name = f"test-{uuid.uuid4().hex[:10]}"
        self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self.create("serviceaccounts", name, {"metadata": {"name": "default"}})
        return name

    def create(self, plural: str, namespace: str, manifest: Object) -> Object:
        return self.request("POST", self.path(plural, namespace), manifest)

    def get(self, plural: str, namespace: str | None, name: str) -> Object | None:
        return self.find(self.path(plural, namespace, name))

    def list(self, plural: str, namespace: str) -> list[Object]:
        return self.request("GET", self.path(plural, namespace))["items"]

    def patch(self, plural: str, namespace: str, name: str, patch: Object, subresource: str | None = None) -> Object:
        return self.request(
            "PATCH", self.path(plural, namespace, name, subresource), patch, "application/merge-patch+json"
        )

    def delete(self, plural: str, namespace: str, name: str, *, now: bool = False) -> None:
        """Deletes the object, if it exists; `now`: without a Pod's grace period."""
        self._client.delete(self.path(plural, namespace, name), params={"gracePeriodSeconds": 0} if now else None)

    def wait(
        self,
        what: str,
        plural: str,
        namespace: str,
        name: str,
        holds: Callable[[Object], Any],
        seconds: float = WAIT_SECONDS,
    ) -> Object:
        """Returns the object once `holds` is true of it; raises AssertionError with its last state after `seconds`."""
        end, found = time.monotonic() + seconds, None
        while time.monotonic() < end:
            found = self.get(plural, namespace, name)
            if found is not None and holds(found):
                return found
            time.sleep(0.05)
        raise AssertionError(
            f"{what}: not within {seconds} s; {plural} {namespace}/{name} is:\n{yaml.safe_dump(found)}"
        )

    def wait_gone(self, plural: str, namespace: str, name: str, seconds: float = WAIT_SECONDS) -> None:
        """Returns once there is no such object."""
        end = time.monotonic() + seconds
        while self.get(plural, namespace, name) is not None:
            assert time.monotonic() < end, f"{plural} {namespace}/{name} still exists after {seconds} s"
            time.sleep(0.05)


def read(section: Object, name: str, kubeconfig: Path) -> bytes:
    """A certificate or key of a kubeconfig."""
    if f"{name}-data" in section:
        return base64.b64decode(section[f"{name}-data"])
    return (kubeconfig.parent / section[name]).read_bytes()


def phase_is(phase: str) -> Callable[[Object], bool]:
    """A condition for `wait`: status.phase is `phase`."""
    return lambda found: found.get("status", {}).get("phase") == phase


def condition(found: Object, kind: str) -> Object:
    """A condition of an object; its texts are empty when there is none."""
    conditions = found.get("status", {}).get("conditions", ())
    return next((c for c in conditions if c["type"] == kind), {"status": "", "reason": "", "message": ""})


def ready_because(reason: str) -> Callable[[Object], bool]:
    """A condition for `wait`: Ready has this reason."""
    return lambda found: condition(found, "Ready")["reason"] == reason
