"""Who may point a sink at a Secret, and what the notifier may write: policies and roles of the chart."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import yaml

from integration.chart.installation import NAMESPACE, Cluster
from integration.chart.rights import granted, lacking, unused
from integration.notifier.audited import ACCOUNT, Installed
from integration.notifier.conftest import Enter
from integration.notifier.namespacesinks import RBAC, NamespaceSinks
from integration.notifier.receivers import WebhookReceiver
from integration.notifier.toldtask import ToldTask, now, writing
from integration.requestlog import Request, username
from kube import Kube
from localcluster.locations import REPOSITORY

Object = dict[str, Any]
SINK_VERBS = ["create", "update", "patch", "get"]
CRD = REPOSITORY / "crds" / "taskyard.dev_tasks.yaml"
CONDITION = {"type": "Ready", "reason": "Active", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
BUILD = {
    "name": "hello-1",
    "number": 1,
    "transition": "Start",
    "reason": "Initial",
    "createdAt": "2026-01-01T00:00:00Z",
}
STATE = {"message": "", "uri": "", "timestamp": "2026-01-01T00:00:00Z", "build": 1}
SNAPSHOT = {"configMap": "hello-snapshot", "takenAt": "2026-01-01T00:00:00Z", "bytes": 1, "truncated": False}
# Two values of each field of a Task's status but that of the notifier.
VALUES: dict[str, tuple[Any, Any]] = {
    "observedGeneration": (1, 2),
    "observedUID": ("a", "b"),
    "phase": ("Active", "Paused"),
    "displayName": ("Say hello", "Say something else"),
    "state": ({"state": "Idle", **STATE}, {"state": "Complete", **STATE}),
    "template": ("shell", "other"),
    "templateVersion": ("shell-v1", "shell-v2"),
    "build": ({"phase": "Pending", **BUILD}, {"phase": "Succeeded", **BUILD}),
    "workspace": ({"agentLifecycle": "Ready"}, {"agentLifecycle": "Off"}),
    "pausedReason": ("Manual", "IdleTimeout"),
    "idleDeadline": ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    "observedResumedAt": ("a", "b"),
    "promptSHA256": ("a", "b"),
    "snapshot": ({"messages": 1, **SNAPSHOT}, {"messages": 2, **SNAPSHOT}),
    "inputs": ({"queued": 0, "delivered": 1}, {"queued": 0, "delivered": 2}),
    "outputs": ([{"name": "a", "value": "1"}], [{"name": "a", "value": "2"}]),
    "conditions": ([{"status": "True", **CONDITION}], [{"status": "False", **CONDITION}]),
}


@pytest.fixture(scope="module")
def notifier(cluster: Cluster) -> httpx.Client:
    """A client with the notifier's own token."""
    token = cluster.must("create", "token", ACCOUNT, "-n", NAMESPACE).strip()
    config = json.loads(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    return httpx.Client(
        base_url=config["server"], verify=False, trust_env=False, headers={"Authorization": f"Bearer {token}"}
    )


def patch(notifier: httpx.Client, path: str, body: Object) -> httpx.Response:
    return notifier.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"})


def in_force(refused: Callable[[], bool]) -> None:
    """A policy is enforced a moment after it is stored."""
    end = time.monotonic() + 30
    while not refused():
        assert time.monotonic() < end, "the policy was not in force after 30 s"
        time.sleep(0.2)


def allow(kube: Kube, namespace: str, user: str, resource: str, *verbs: str, name: str = "") -> None:
    """Gives a user these rights in the namespace."""
    role = f"{user}-{resource}"
    group = "taskyard.dev" if resource == "notificationsinks" else ""
    rule = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    if name:
        rule["resourceNames"] = [name]
    kube.request("POST", f"{RBAC}/{namespace}/roles", {"metadata": {"name": role}, "rules": [rule]})
    kube.request(
        "POST",
        f"{RBAC}/{namespace}/rolebindings",
        {
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        },
    )


def test_who_may_not_read_the_secret_may_not_point_a_sink_at_it(
    cluster: Cluster, kube: Kube, namespace: str, sinks: NamespaceSinks
) -> None:
    allow(kube, namespace, "ann", "notificationsinks", *SINK_VERBS)
    allow(kube, namespace, "bob", "notificationsinks", *SINK_VERBS)

    def apply(user: str, manifest: Object) -> str:
        """The API server's refusal; empty when it accepts it."""
        done = cluster.kubectl("apply", "-n", namespace, "--as", user, "-f", "-", input=json.dumps(manifest))
        return "" if done.returncode == 0 else done.stderr

    manifest = sinks.manifest(secret="address")
    in_force(lambda: "may not read Secret address" in apply("ann", manifest))
    assert f"ann may not read Secret address in namespace {namespace}" in apply("ann", manifest)
    allow(kube, namespace, "ann", "secrets", "get", name="address")
    assert apply("ann", manifest) == ""
    # Others may change what is not the Secret …
    assert apply("bob", sinks.manifest(secret="address", events=["Idle"], maxPerMinute=3)) == ""
    # … and who may read one Secret may not name another.
    for user in ("ann", "bob"):
        assert f"{user} may not read Secret other" in apply(user, sinks.manifest(secret="other"))
    key = sinks.manifest(secret="address")
    key["spec"]["secretRef"]["key"] = "another"
    assert "bob may not read Secret address" in apply("bob", key)
    assert apply("ann", key) == ""


def test_the_values_are_of_all_fields_of_the_status() -> None:
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    fields = set(version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"])
    assert fields == {*VALUES, "notifications"}


@pytest.mark.parametrize("field", VALUES)
def test_the_notifier_cannot_change_another_field_of_a_tasks_status(
    kube: Kube, namespace: str, sinks: NamespaceSinks, notifier: httpx.Client, field: str
) -> None:
    first, second = VALUES[field]
    task = ToldTask(kube, namespace)
    path = kube.path("tasks", namespace, "hello", "status")
    words = f"the notifier writes status.notifications of a Task, and not status.{field}"

    def refused(value: Any) -> bool:
        return words in patch(notifier, path, {"status": {field: value}}).text

    if field not in ("phase", "conditions"):  # which have a value from the beginning
        in_force(lambda: refused(first))
    task.write(**{field: first})
    in_force(lambda: refused(second))
    if field != "phase":
        assert refused(None)
    assert task.status[field] == first
    task.delete()


def test_the_notifier_can_write_what_sinks_were_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, notifier: httpx.Client
) -> None:
    """On top of a status with all that there can be, too."""
    task = ToldTask(kube, namespace)
    path = kube.path("tasks", namespace, "hello", "status")
    entry = {"sink": "hook", "sinkUID": "1", "build": 1, "state": "Idle", "stateTime": now()}
    assert patch(notifier, path, {"status": {"notifications": [entry]}}).is_success
    full = {field: first for field, (first, _) in VALUES.items()}
    full["outputs"] = [{"name": f"o{number}", "value": "x" * 1000} for number in range(16)]
    many = [{**CONDITION, "type": f"T{number}", "status": "True", "message": "x" * 2048} for number in range(16)]
    full["conditions"] = many
    task.write(**full)
    answer = patch(notifier, path, {"status": {"notifications": [{**entry, "build": 2}]}})
    assert answer.is_success, answer.text
    assert task.told()["build"] == 2
    task.delete()


@pytest.mark.parametrize(
    ("verb", "resource", "namespace"),
    [
        ("get", "secrets", "default"),
        ("get", "secrets/taskyard-keys", NAMESPACE),
        ("list", "secrets", "default"),
        ("patch", "tasks.taskyard.dev", "default"),
        ("update", "tasks.taskyard.dev --subresource=status", "default"),
        ("delete", "tasks.taskyard.dev", "default"),
        ("patch", "notificationsinks.taskyard.dev", "default"),
        ("create", "taskinputs.taskyard.dev", "default"),
        ("list", "taskinputs.taskyard.dev", "default"),
        ("patch", "workspacebuilds.taskyard.dev --subresource=status", "default"),
        ("get", "pods", "default"),
        ("get", "configmaps", "default"),
        ("list", "events.events.k8s.io", "default"),
        ("patch", "leases/taskyard-operator", NAMESPACE),
        ("delete", "leases/taskyard-notifier", NAMESPACE),
        ("create", "serviceaccounts --subresource=token", NAMESPACE),
    ],
)
def test_rights_that_the_notifier_does_not_have(cluster: Cluster, verb: str, resource: str, namespace: str) -> None:
    done = cluster.kubectl("auth", "can-i", verb, *resource.split(), "-n", namespace, "--as", username(ACCOUNT))
    assert done.stdout.strip() == "no", done.stderr


def test_the_rights_of_the_chart_are_those_that_the_notifier_uses(
    installed: Installed, kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter
) -> None:
    """Reading a Secret is a right that the sink's namespace gives."""
    before, seen = installed.requests.end, installed.requests.of
    notifier = enter()
    notifier.begin()
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"], test="1")
    task = ToldTask(kube, namespace)
    task.start()
    receiver.answer = 500
    task.stop()
    kube.wait("it fails", "tasks", namespace, "hello", lambda found: "failing" in task.told())
    told = task.told()
    told["failing"]["time"] = "2026-01-01T00:00:00Z"
    task.write(notifications=[told])
    kube.wait("it is given up", "tasks", namespace, "hello", lambda found: "givenUp" in task.told())
    receiver.answer = 204
    # A write that is not onto the newest state is made again: sooner or later somebody else is quicker.
    end = time.monotonic() + 60
    with writing(task):
        while not any((asked.verb, asked.resource) == ("get", "tasks") for asked in seen(ACCOUNT, since=before)):
            assert time.monotonic() < end, "there was no conflict"
            task.start("Resume")
            task.stop()
    assert notifier.stop() == 0
    asked, rights = seen(ACCOUNT, since=before), granted(installed.cluster, ACCOUNT)
    secret = Request("", "secrets", "get", namespace, "hook")
    assert lacking(rights, asked) == [secret]
    assert unused(rights, asked) == []
