"""What the API server refuses to make, by its own quotas, LimitRanges and policies: the Task says so, and goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.denial import kept, unwritten
from integration.quota import put_limit_range, put_quota, wait_refused
from kube import WAIT_SECONDS, Kube, Object, phase_is
from taskyard.core.names import TASK_LABEL, owner_reference

# As in the chart.
RESOURCES = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "192Mi"}}
# A limit of its own, as a namespace with a quota on limits asks for.
AGENT = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
CLAIM: Object = {
    "metadata": {"name": "x"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
BUILD: Object = {
    "apiVersion": "taskyard.dev/v1alpha1",
    "kind": "WorkspaceBuild",
    "metadata": {"name": "x"},
    "spec": {
        "task": "x",
        "number": 1,
        "transition": "Start",
        "reason": "Initial",
        "templateVersion": "x",
        "promptSHA256": "",
    },
}
POD: Object = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
GOES_ON_SECONDS = 5 + 2


@pytest.fixture(scope="module")
def running(kube: Kube, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    process = OperatorProcess(
        kubeconfig,
        tmp_path_factory.mktemp("operator"),
        namespace=kube.create_namespace(),
        TASKYARD_SIDECAR_RESOURCES=json.dumps(RESOURCES),
    )
    process.start()
    process.wait_ready()
    yield process
    process.kill()


pytestmark = pytest.mark.usefixtures("running")


def version(resources: Object | None = None, **container: Any) -> Object:
    made = manifests.template_version()
    made["spec"]["pod"]["spec"]["containers"][0] |= {"resources": resources or {}, **container}
    return made


def is_ready(status: str, reason: str, says: str = "") -> Any:
    def holds(task: Object) -> bool:
        (found,) = [c for c in task.get("status", {}).get("conditions", ()) if c["type"] == "Ready"] or [{}]
        told = found.get("status"), found.get("reason")
        return told == (status, reason) and says in found["message"]

    return holds


@pytest.mark.parametrize(
    ("hard", "room"),
    [
        pytest.param({"requests.storage": "500Mi"}, "5Gi", id="too little storage"),
        pytest.param({"persistentvolumeclaims": "0"}, "5", id="no claims"),
    ],
)
def test_a_home_waits_for_room_in_the_quota_and_goes_on_within_seconds(
    kube: Kube, namespace: str, hard: dict[str, str], room: str
) -> None:
    """K1."""
    put_quota(kube, namespace, hard)
    wait_refused(kube, "persistentvolumeclaims", namespace, CLAIM, "exceeded quota")
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    says = 'persistentvolumeclaims "hello-home" is forbidden: exceeded quota: few'
    task = kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "QuotaExceeded", says))
    assert task["status"]["phase"] == "Pending"
    time.sleep(4.5)
    again = kube.get("tasks", namespace, "hello")
    assert again is not None
    assert again["metadata"]["resourceVersion"] == task["metadata"]["resourceVersion"], "waiting causes no writes"
    put_quota(kube, namespace, dict.fromkeys(hard, room))
    kube.wait("it goes on", "pods", namespace, "hello-1", lambda pod: True, seconds=GOES_ON_SECONDS)


def test_a_quota_of_a_storage_class_counts_too(kube: Kube, namespace: str) -> None:
    """K1."""
    put_quota(kube, namespace, {"gold.storageclass.storage.k8s.io/requests.storage": "500Mi"})
    claim = CLAIM | {"spec": CLAIM["spec"] | {"storageClassName": "gold"}}
    wait_refused(kube, "persistentvolumeclaims", namespace, claim, "exceeded quota")
    kube.create(
        "templateversions", namespace, manifests.template_version(home={"size": "1Gi", "storageClassName": "gold"})
    )
    kube.create("tasks", namespace, manifests.task())
    kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "QuotaExceeded", "gold.storageclass"))


def test_a_quota_that_is_not_counted_yet_is_waited_for(kube: Kube, namespace: str) -> None:
    """K1."""
    put_quota(kube, namespace, {"pods": "3"})
    kube.patch("resourcequotas", namespace, "few", {"status": {"used": None}}, subresource="status")
    wait_refused(kube, "pods", namespace, POD, "status unknown for quota")
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "QuotaExceeded", "status unknown for quota"))
    put_quota(kube, namespace, {"pods": "3"})
    kube.wait("it goes on", "pods", namespace, "hello-1", lambda pod: True, seconds=GOES_ON_SECONDS)


def test_a_home_that_a_limit_range_forbids_fails_the_build_with_the_cause(kube: Kube, namespace: str) -> None:
    """K1."""
    put_limit_range(kube, namespace, type="PersistentVolumeClaim", max={"storage": "500Mi"})
    wait_refused(kube, "persistentvolumeclaims", namespace, CLAIM, "maximum storage usage")
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    says = "maximum storage usage per PersistentVolumeClaim is 500Mi, but request is 1Gi. Fix the cause"
    task = kube.wait("it fails", "tasks", namespace, "hello", is_ready("False", "BuildFailed", says))
    assert task["status"]["phase"] == "Error"
    build = kube.wait("its build", "workspacebuilds", namespace, "hello-1", phase_is("Failed"))
    assert says in build["status"]["message"]
    kube.delete("limitranges", namespace, "limits")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": False}})
    kube.wait("it starts", "pods", namespace, "hello-3", lambda pod: True)


def test_a_pause_waits_for_room_for_its_build_and_says_so(kube: Kube, kubelet: Kubelet, namespace: str) -> None:
    """K2."""
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    kube.wait("the Pod is created", "pods", namespace, "hello-1", lambda pod: True)
    kubelet.bind("hello-1")
    kube.wait("the build succeeds", "workspacebuilds", namespace, "hello-1", phase_is("Succeeded"))
    hard = {"count/workspacebuilds.taskyard.dev": "1"}
    put_quota(kube, namespace, hard, used="1")
    wait_refused(kube, "workspacebuilds", namespace, BUILD, "exceeded quota")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    task = kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "QuotaExceeded", "hello-2"))
    assert task["status"]["phase"] == "Pausing"
    put_quota(kube, namespace, dict.fromkeys(hard, "9"), used="1")
    seconds = GOES_ON_SECONDS
    kube.wait("it goes on", "workspacebuilds", namespace, "hello-2", lambda build: True, seconds=seconds)
    kubelet.remove("hello-1")
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))


def test_a_pause_under_a_full_quota_of_builds_takes_the_room_of_the_oldest(
    kube: Kube, kubelet: Kubelet, namespace: str
) -> None:
    """K2: paused and resumed twice."""
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    start(kube, kubelet, namespace, 1)
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("it stops", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": False}})
    start(kube, kubelet, namespace, 3)
    hard = {"count/workspacebuilds.taskyard.dev": "3"}
    put_quota(kube, namespace, hard, used="3")
    wait_refused(kube, "workspacebuilds", namespace, BUILD, "exceeded quota")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "QuotaExceeded", "hello-4"))
    kube.wait_gone("workspacebuilds", namespace, "hello-1")
    assert {build["metadata"]["name"] for build in kube.list("workspacebuilds", namespace)} == {"hello-2", "hello-3"}
    put_quota(kube, namespace, hard, used="2")
    kube.wait("it goes on", "workspacebuilds", namespace, "hello-4", lambda build: True, seconds=GOES_ON_SECONDS)
    kube.wait("it stops", "pods", namespace, "hello-3", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-3")
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert len(kube.list("workspacebuilds", namespace)) == 3


def start(kube: Kube, kubelet: Kubelet, namespace: str, number: int) -> None:
    """The Pod of a start gets a node."""
    name = f"hello-{number}"
    kube.wait("the Pod is created", "pods", namespace, name, lambda pod: True)
    kubelet.bind(name)
    kube.wait("the build succeeds", "workspacebuilds", namespace, name, phase_is("Succeeded"))


def test_an_input_whose_status_a_policy_keeps_says_so_in_an_event_and_others_get_their_place(
    kube: Kube, namespace: str
) -> None:
    """K2."""
    plural = "taskinputs"
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task(paused=True))
    kube.create(plural, namespace, manifests.task_input("kept-0", "echo 0"))
    kube.wait("its place", plural, namespace, "kept-0", lambda found: "order" in found.get("status", {}))
    with unwritten(kube, namespace, plural, "kept-0", allowed="!object.metadata.name.startsWith('kept-')"):
        kept = kube.create(plural, namespace, manifests.task_input("kept-1", "echo 1"))
        kube.create(plural, namespace, manifests.task_input("other", "echo 2"))
        kube.wait("its place", plural, namespace, "other", lambda found: "order" in found.get("status", {}))
        end = time.monotonic() + WAIT_SECONDS
        told: list[Object] = []
        while not told and time.monotonic() < end:
            time.sleep(0.1)
            events = kube.list("events", namespace)
            told = [event for event in events if event["involvedObject"].get("uid") == kept["metadata"]["uid"]]
        assert [(event["reason"], event["type"]) for event in told] == [("StatusRefused", "Warning")]
        assert "it is kept for the audit" in told[0]["message"]
        found = kube.get(plural, namespace, "kept-1")
        assert found is not None and "order" not in found.get("status", {})
    kube.wait("its place", plural, namespace, "kept-1", lambda found: "order" in found.get("status", {}), seconds=40)


def test_a_task_pauses_and_resumes_though_its_old_builds_stay(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    """K2."""
    kube.create("templateversions", namespace, manifests.template_version())
    task = kube.create("tasks", namespace, manifests.task(paused=True))
    for number in range(1, 11):
        metadata = {
            "name": f"hello-{number}",
            "labels": {TASK_LABEL: "hello"},
            "ownerReferences": [owner_reference(name="hello", uid=task["metadata"]["uid"])],
        }
        spec = BUILD["spec"] | {"task": "hello", "number": number, "transition": "Stop", "reason": "ManualPause"}
        kube.create("workspacebuilds", namespace, BUILD | {"metadata": metadata, "spec": spec})
    with kept(kube, namespace, "workspacebuilds", "hello-1"):
        for number in (11, 13):
            kube.patch("tasks", namespace, "hello", {"spec": {"paused": False}})
            pod = f"hello-{number}"
            kube.wait("it starts", "pods", namespace, pod, lambda pod: True)
            kubelet.bind(pod)
            kube.wait("the build succeeds", "workspacebuilds", namespace, pod, phase_is("Succeeded"))
            kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
            kube.wait("it stops", "pods", namespace, pod, lambda pod: "deletionTimestamp" in pod["metadata"])
            kubelet.remove(pod)
            kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
        assert len(kube.list("workspacebuilds", namespace)) == 14
        assert running.log.count("WorkspaceBuild hello-1 is not deleted: ") == 1


@pytest.mark.parametrize(
    ("limits", "sidecar"),
    [
        pytest.param(
            {"min": {"cpu": "50m", "memory": "64Mi"}},
            {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "192Mi"}},
            id="minimum",
        ),
        pytest.param(
            {"max": {"cpu": "2", "memory": "512Mi"}, "maxLimitRequestRatio": {"cpu": "10", "memory": "4"}},
            {"requests": {"cpu": "25m", "memory": "48Mi"}, "limits": {"cpu": "250m", "memory": "192Mi"}},
            id="ratio",
        ),
        pytest.param(
            {"max": {"memory": "512Mi"}, "maxLimitRequestRatio": {"memory": "2"}, "default": {"cpu": "5m"}},
            {"requests": {"cpu": "10m", "memory": "96Mi"}, "limits": {"cpu": "250m", "memory": "192Mi"}},
            id="ratio, and a default below the request",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"ephemeral-storage": "2"}},
            {
                "requests": RESOURCES["requests"] | {"ephemeral-storage": "128Mi"},
                "limits": RESOURCES["limits"] | {"ephemeral-storage": "256Mi"},
            },
            id="ratio of ephemeral storage",
        ),
    ],
)
def test_the_sidecar_fits_a_limit_range(kube: Kube, namespace: str, limits: Object, sidecar: Object) -> None:
    """K5."""
    put_limit_range(kube, namespace, type="Container", **limits)
    agent = {
        "requests": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "2Gi"},
    }
    kube.create("templateversions", namespace, version(agent))
    kube.create("tasks", namespace, manifests.task())
    pod = kube.wait("it starts", "pods", namespace, "hello-1", lambda pod: True)
    assert pod["spec"]["initContainers"][0]["resources"] == sidecar
    assert pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "1"
    kube.wait("the version is valid", "templateversions", namespace, "shell-v1", is_valid("True"))


@pytest.mark.parametrize(
    "hard",
    [
        pytest.param({"limits.cpu": "4"}, id="limits.cpu"),
        pytest.param({"limits.cpu": "4", "limits.memory": "4Gi", "requests.cpu": "2"}, id="three values"),
    ],
)
def test_the_sidecar_fits_a_quota_that_wants_to_see_limits(kube: Kube, namespace: str, hard: dict[str, str]) -> None:
    """K5."""
    put_quota(kube, namespace, hard)
    wait_refused(kube, "pods", namespace, POD, "must specify")
    kube.create("templateversions", namespace, version(AGENT))
    kube.create("tasks", namespace, manifests.task())
    pod = kube.wait("it starts", "pods", namespace, "hello-1", lambda pod: True)
    assert pod["spec"]["initContainers"][0]["resources"] == RESOURCES | {"limits": {"cpu": "250m", "memory": "192Mi"}}
    kube.wait("the version is valid", "templateversions", namespace, "shell-v1", is_valid("True"))


def test_an_agent_without_the_limits_of_a_quota_is_the_versions_fault(kube: Kube, namespace: str) -> None:
    """K5."""
    put_quota(kube, namespace, {"limits.cpu": "4"})
    wait_refused(kube, "pods", namespace, POD, "must specify")
    kube.create("templateversions", namespace, version())
    kube.create("tasks", namespace, manifests.task())
    says = "must specify limits.cpu for: agent. Fix the cause or use another template version"
    kube.wait("it fails", "tasks", namespace, "hello", is_ready("False", "BuildFailed", says))


def test_a_sidecar_that_cannot_fit_names_the_charts_value(kube: Kube, namespace: str) -> None:
    """K5."""
    put_limit_range(kube, namespace, type="Container", max={"memory": "64Mi"})
    wait_refused(kube, "pods", namespace, POD | {"spec": POD["spec"] | {"containers": [big()]}}, "maximum memory usage")
    kube.create("templateversions", namespace, version({"limits": {"memory": "64Mi"}}))
    kube.create("tasks", namespace, manifests.task())
    says = "Set sidecar.resources in the values of Taskyard's chart"
    kube.wait("it fails", "tasks", namespace, "hello", is_ready("False", "BuildFailed", says))
    found = kube.wait("the version too", "templateversions", namespace, "shell-v1", is_valid("False"))
    assert says in found["status"]["conditions"][0]["message"]


def test_a_message_of_any_length_is_shown_shortened(kube: Kube, namespace: str) -> None:
    """K6."""
    env = [{"name": f"BAD=NAME-{number}", "value": "x"} for number in range(250)]
    kube.create("templateversions", namespace, version(env=env))
    kube.create("tasks", namespace, manifests.task())
    task = kube.wait("it says so", "tasks", namespace, "hello", is_ready("False", "BuildFailed", "BAD=NAME-1"))
    message = task["status"]["conditions"][0]["message"]
    assert len(message) < 1100
    assert "more characters)" in message and message.endswith("then pause and resume the Task.")
    found = kube.wait("the version too", "templateversions", namespace, "shell-v1", is_valid("False"))
    assert "more characters)" in found["status"]["conditions"][0]["message"]


def is_valid(status: str) -> Any:
    return lambda found: [c["status"] for c in found.get("status", {}).get("conditions", ())] == [status]


def big() -> Object:
    return {"name": "x", "image": "x", "resources": {"limits": {"memory": "1Gi"}}}
