"""The life of a Task over HTTP, on a real node, with a client of the wire format."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from e2e.kubectl_namespace import KubectlNamespace
from e2e.wireclient import TasksClient
from localcluster import install, locations, programs

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell"
SYSTEM = install.NAMESPACE


@pytest.fixture
def gateway(installation: Path) -> Iterator[str]:
    """The gateway's port for users, forwarded to this machine."""
    forward = subprocess.Popen(
        [
            programs.kubectl(),
            "--kubeconfig",
            installation,
            "--namespace",
            SYSTEM,
            "port-forward",
            "service/taskyard-gateway",
            ":8443",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), line
        yield f"https://127.0.0.1:{line.split(':')[1].split(' ')[0]}"
    finally:
        forward.terminate()
        forward.wait(10)


@pytest.fixture
def client(ns: KubectlNamespace, gateway: str) -> Iterator[TasksClient]:
    """A user with the role edit in the test's namespace."""
    ns.kubectl("create", "serviceaccount", "jane")
    ns.kubectl("create", "rolebinding", "jane", "--clusterrole=taskyard-edit", f"--serviceaccount={ns.name}:jane")
    keys = ns.kube.get("secrets", SYSTEM, "taskyard-keys")
    assert keys is not None
    tls = ssl.create_default_context(cadata=base64.b64decode(keys["data"]["ca.crt"]).decode())
    client = TasksClient(
        gateway,
        token=ns.kubectl("create", "token", "jane").strip(),
        tls=tls,
        host=f"taskyard-gateway.{SYSTEM}.svc",
    )
    yield client
    client.close()


def test_a_tasks_life_over_http(ns: KubectlNamespace, client: TasksClient) -> None:
    manifest = yaml.safe_load((EXAMPLE / "templateversion.yaml").read_text())
    del manifest["metadata"]["namespace"]
    ns.apply(manifest)
    ns.kube.wait("it is valid", "templateversions", ns.name, manifest["metadata"]["name"], lambda v: v.get("status"))

    version = client.template_version(manifest["spec"]["template"])
    created = client.create("echo the sum is $((40 + 2))", version=version)
    name = created["name"]
    assert name.startswith("echo-the-sum-is-40-2-")
    assert created["owner_name"] == ns.name
    assert [task["id"] for task in client.tasks("owner:me")] == [created["id"]]

    task = client.wait_ready(name)
    assert task["workspace_agent_health"] == {"healthy": True}
    assert "snapshot" not in client.wait_said(name, "the sum is 42")

    with client.events(name) as events:
        assert next(events)[0] == "task"
        client.send(name, "echo the product is $((6 * 7))")
        assert any(kind == "message" and "the product is 42" in data["content"] for kind, data in events)
    logs = client.wait_said(name, "the product is 42")
    assert [entry["content"] for entry in logs["logs"] if entry["type"] == "input"] == [
        "echo the sum is $((40 + 2))",
        "echo the product is $((6 * 7))",
    ]

    stop = client.pause(name)
    assert (stop["build_number"], stop["transition"], stop["reason"]) == (2, "stop", "task_manual_pause")
    client.wait_status(name, "paused")
    snapshot = client.wait_said(name, "the product is 42")
    assert snapshot["snapshot"] is True
    assert snapshot["snapshot_at"]

    client.edit(name, "echo the difference is $((50 - 8))")
    start = client.resume(name)
    assert (start["build_number"], start["transition"], start["reason"]) == (3, "start", "task_resume")
    client.wait_ready(name)
    client.wait_said(name, "the difference is 42")

    client.delete(name)
    assert client.tasks() == []
    ns.kube.wait_gone("tasks", ns.name, name)
