"""A person's access to the REST API: a service account's token, and the gateway's port on this machine."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from auditrun import RUN
from e2e.kubectl_namespace import KubectlNamespace
from e2e.wireclient import TasksClient
from localcluster import install

SYSTEM = install.NAMESPACE


def grant(ns: KubectlNamespace) -> str:
    """The token of a service account whose rights are the role edit in the namespace."""
    ns.kubectl("create", "serviceaccount", "jane")
    ns.kubectl("create", "rolebinding", "jane", "--clusterrole=taskyard-edit", f"--serviceaccount={ns.name}:jane")
    token = ns.kubectl("create", "token", "jane").strip()
    RUN.note_token(token)
    return token


@contextmanager
def client(ns: KubectlNamespace, *, token: str) -> Iterator[TasksClient]:
    """A client that trusts the installation's authority; it ends with the Pod of the gateway that it leads to."""
    keys = ns.kube.get("secrets", SYSTEM, "taskyard-keys")
    assert keys is not None
    tls = ssl.create_default_context(cadata=base64.b64decode(keys["data"]["ca.crt"]).decode())
    with _forwarded(ns) as url:
        client = TasksClient(url, token=token, tls=tls, host=f"taskyard-gateway.{SYSTEM}.svc")
        try:
            yield client
        finally:
            client.close()


@contextmanager
def _forwarded(ns: KubectlNamespace) -> Iterator[str]:
    """The people's port of the gateway, forwarded to this machine."""
    forward = ns.start("port-forward", f"--namespace={SYSTEM}", "service/taskyard-gateway", ":8443")
    try:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), line
        yield f"https://127.0.0.1:{line.split(':')[1].split(' ')[0]}"
    finally:
        forward.terminate()
        forward.wait(10)
