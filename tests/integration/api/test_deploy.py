"""The quota and the flow schemas of `deploy`, against the API server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import manifests
from integration.api.conftest import Kubectl
from integration.quota import wait_refused
from kube import Kube
from localcluster import programs
from localcluster.locations import REPOSITORY

QUOTA = REPOSITORY / "deploy" / "quota"
FLOWS = REPOSITORY / "deploy" / "flowcontrol"
FLOWCONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"


def test_the_quota_is_accepted_and_counts_our_kinds(kube: Kube, kubectl: Kubectl, namespace: str) -> None:
    applied = kubectl("apply", "-k", str(QUOTA))
    assert applied.returncode == 0, applied.stderr
    [quota] = kube.list("resourcequotas", namespace)
    hard = quota["spec"]["hard"]
    assert {"count/tasks.taskyard.dev", "count/taskinputs.taskyard.dev", "pods", "persistentvolumeclaims"} <= set(hard)
    # No controller counts here: as if all of it were used.
    status = {"status": {"hard": hard, "used": hard}}
    kube.patch("resourcequotas", namespace, "taskyard", status, subresource="status")
    for plural, manifest in (
        ("tasks", manifests.task()),
        ("taskinputs", manifests.task_input("one", "hi")),
        ("templates", manifests.template()),
        ("templateversions", manifests.template_version()),
        ("configmaps", {"metadata": {"name": "notes"}}),
    ):
        wait_refused(kube, plural, namespace, manifest, f"exceeded quota: taskyard, requested: count/{plural}")


@pytest.fixture
def flows(kubeconfig: Path) -> Iterator[None]:
    """The cluster with the flow schemas, for the test's time."""
    command = [programs.kubectl(), "--kubeconfig", kubeconfig]
    applied = subprocess.run(
        [*command, "apply", "--validate=strict", "-k", FLOWS], capture_output=True, text=True, timeout=60, check=False
    )
    assert applied.returncode == 0, applied.stderr
    assert "Warning" not in applied.stderr
    yield
    subprocess.run([*command, "delete", "-k", FLOWS], capture_output=True, timeout=60, check=False)


def flow_of(kube: Kube, method: str, path: str, user: str, *groups: str, body: Any = None) -> str:
    """The name of the flow schema by which a request was served."""
    headers = [("Impersonate-User", user), ("Impersonate-Group", "system:authenticated")]
    headers += [("Impersonate-Group", group) for group in groups]
    with httpx.Client(base_url=kube.server, verify=kube.context, trust_env=False) as client:
        answer = client.request(method, path, json=body, headers=httpx.Headers(headers))
    uid = answer.headers["X-Kubernetes-PF-FlowSchema-UID"]
    schemas = kube.request("GET", f"{FLOWCONTROL}/flowschemas")["items"]
    return next(str(schema["metadata"]["name"]) for schema in schemas if schema["metadata"]["uid"] == uid)


@pytest.mark.usefixtures("flows")
def test_requests_are_in_the_level_that_they_belong_to(kube: Kube, namespace: str) -> None:
    inputs, tasks = kube.path("taskinputs", namespace), kube.path("tasks", namespace)
    accounts = "system:serviceaccounts"
    operator, gateway, notifier = (
        f"system:serviceaccount:taskyard:taskyard-{name}" for name in ("operator", "gateway", "notifier")
    )
    end = time.monotonic() + 20
    while flow_of(kube, "GET", tasks, operator, accounts) != "taskyard":
        assert time.monotonic() < end, "the schemas are not in force"
        time.sleep(0.2)
    assert flow_of(kube, "GET", kube.path("pods", namespace), gateway, accounts) == "taskyard"
    assert flow_of(kube, "GET", "/api/v1/namespaces", gateway, accounts) == "taskyard"
    assert flow_of(kube, "GET", tasks, notifier, accounts) == "taskyard"
    body = manifests.task_input("one", "hi")
    assert flow_of(kube, "POST", inputs, "jane", body=body) == "taskyard-people"
    assert (
        flow_of(kube, "POST", inputs, f"system:serviceaccount:{namespace}:bot", accounts, body=body)
        == "taskyard-people"
    )
    assert flow_of(kube, "DELETE", f"{tasks}/none", "jane") == "taskyard-people"
    assert not flow_of(kube, "GET", inputs, "jane").startswith("taskyard"), "reads are not bounded by it"
    collector = "system:serviceaccount:kube-system:generic-garbage-collector"
    assert flow_of(kube, "DELETE", f"{tasks}/none", collector, accounts, "system:serviceaccounts:kube-system") != (
        "taskyard-people"
    )
    for name in yaml_names():
        found = kube.request("GET", f"{FLOWCONTROL}/flowschemas/{name}")
        conditions = {entry["type"]: entry["status"] for entry in found["status"].get("conditions", ())}
        assert conditions.get("Dangling") == "False", "its priority level exists"


def yaml_names() -> list[str]:
    found = [entry for file in sorted(FLOWS.glob("[op]*.yaml")) for entry in yaml.safe_load_all(file.read_text())]
    return [entry["metadata"]["name"] for entry in found if entry["kind"] == "FlowSchema"]
