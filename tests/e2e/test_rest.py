"""The life of a Task over HTTP, on a real node, with a client of the wire format."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from auditsearch import BEGIN
from e2e import audit_lines, rest_access
from e2e.kubectl_namespace import KubectlNamespace
from e2e.wireclient import TasksClient
from localcluster import locations

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell"


@pytest.fixture
def client(ns: KubectlNamespace) -> Iterator[TasksClient]:
    """A person whose rights are the role edit in the test's namespace."""
    with rest_access.client(ns, token=rest_access.grant(ns)) as client:
        yield client


def test_a_tasks_life_over_http(installation: Path, ns: KubectlNamespace, client: TasksClient) -> None:
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

    acts = {"create", "read-log", "send", "pause", "change-prompt", "resume", "delete"}
    until = time.monotonic() + 20
    # The node keeps what a container writes a moment later.
    while (told := audited(installation, created["id"])) != acts:
        assert time.monotonic() < until, told
        time.sleep(0.5)


def audited(installation: Path, uid: str) -> set[str]:
    """The acts on a Task of which the gateways' audit log tells."""
    lines = [json.loads(line) for line in audit_lines.output(installation) if line.startswith(BEGIN)]
    return {line["verb"] for line in lines if line["task"]["uid"] == uid}
