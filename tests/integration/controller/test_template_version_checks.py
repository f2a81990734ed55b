"""What the condition Valid of a template version tells, of a real API server's answers to its dry run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

import manifests
from integration.controller.operatorprocess import OperatorProcess
from integration.quota import put_limit_range, put_quota, wait_refused
from kube import Kube, condition
from localcluster.locations import REPOSITORY
from taskyard.core.template_version_words import NAME

Object = dict[str, Any]


def checked(kube: Kube, namespace: str, holds: Callable[[Object], Any], *, seconds: float = 30) -> Object:
    """The condition Valid once it is like this. It never has a Task's remedy, or the name of a Pod that nobody sees."""
    found = condition(
        kube.wait(
            "it is checked",
            "templateversions",
            namespace,
            "shell-v1",
            lambda version: holds(condition(version, "Valid")),
            seconds=seconds,
        ),
        "Valid",
    )
    assert NAME[:20] not in found["message"] and "the Task" not in found["message"]
    return found


def is_told(verdict: Object) -> bool:
    return bool(verdict["status"])


def version(change: Callable[[Object], Any]) -> Object:
    """A version whose `spec.pod` was changed."""
    found = manifests.template_version()
    change(found["spec"]["pod"])
    return found


def agent(pod: Object) -> Object:
    found: Object = pod["spec"]["containers"][0]
    return found


HELPER = {"name": "helper", "image": "busybox", "volumeMount": []}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        pytest.param(
            lambda pod: agent(pod).update(imagePulPolicy="Never"),
            ["spec.pod.spec.containers[0].imagePulPolicy"],
            id="of the agent",
        ),
        pytest.param(
            lambda pod: pod["spec"].update(initContainers=[HELPER]),
            ["spec.pod.spec.initContainers[0].volumeMount"],
            id="behind the sidecar",
        ),
        pytest.param(
            lambda pod: agent(pod).update(
                env=[{"name": "CODER_TASK_ID", "value": "1"}, {"name": "TOKEN", "valueFrm": {}}]
            ),
            ["spec.pod.spec.containers[0].env[1].valueFrm"],
            id="behind a variable that Taskyard sets",
        ),
        pytest.param(
            lambda pod: pod["spec"].update(nodeSelectr={"disk": "ssd"}), ["spec.pod.spec.nodeSelectr"], id="of the Pod"
        ),
        pytest.param(
            lambda pod: pod["spec"]["securityContext"].update(runAsUsr=1),
            ["spec.pod.spec.securityContext.runAsUsr"],
            id="deeper",
        ),
        pytest.param(
            lambda pod: pod.update(metadata={"labls": {"a": "b"}}, spce={}),
            ["spec.pod.spce", "spec.pod.metadata.labls"],
            id="which Taskyard does not send",
        ),
    ],
)
def test_a_field_that_the_api_server_drops_is_told_by_the_path_that_was_written(
    kube: Kube, running: OperatorProcess, namespace: str, change: Callable[[Object], Any], paths: list[str]
) -> None:
    kube.create("templateversions", namespace, version(change))
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("True", "UnknownField"), "Tasks of it run, as they did"
    for path in paths:
        assert f'unknown field "{path}"' in found["message"]
    end = time.monotonic() + 10
    while not (events := [e for e in kube.list("events", namespace) if e["involvedObject"]["name"] == "shell-v1"]):
        assert time.monotonic() < end, "there is no Event"
        time.sleep(0.1)
    assert [(e["type"], e["reason"], e["involvedObject"]["kind"]) for e in events] == [
        ("Warning", "UnknownField", "TemplateVersion")
    ]
    kube.create("tasks", namespace, manifests.task())
    kube.wait("a Task starts", "pods", namespace, "hello-1", lambda pod: True)


def test_what_else_the_api_server_warns_of_is_told(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    kube.create(
        "templateversions",
        namespace,
        version(
            lambda pod: (
                agent(pod).update(env=twice),
                pod["spec"].update(nodeSelector={"beta.kubernetes.io/os": "linux"}),
            )
        ),
    )
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("True", "DryRunWarned")
    assert "spec.pod.spec.containers[0].env[1]: hides previous definition" in found["message"]
    assert "spec.pod.spec.nodeSelector[beta.kubernetes.io/os]: deprecated" in found["message"]


def test_a_policy_that_warns_is_told(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    kube.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}})
    kube.create("templateversions", namespace, version(lambda pod: pod["spec"].update(hostNetwork=True)))
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("True", "DryRunWarned")
    assert 'would violate PodSecurity "restricted:latest": host namespaces' in found["message"]


def test_taskyards_own_parts_are_warned_of_by_nothing(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    kube.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}})
    kube.create("templateversions", namespace, manifests.template_version())
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("True", "DryRunPassed")


def test_a_misspelled_field_is_told_with_the_refusal_that_it_causes(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    kube.create("templateversions", namespace, version(lambda pod: agent(pod).update(imge=agent(pod).pop("image"))))
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("False", "PodRefused")
    assert found["message"] == (
        "The Pod is invalid: spec.pod.spec.containers[0].image: Required value. The API server also drops what it does "
        'not know: unknown field "spec.pod.spec.containers[0].imge". Create a version without this fault.'
    )


def test_the_examples_have_no_misspelled_fields(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    files = sorted((REPOSITORY / "deploy" / "examples").rglob("*.yaml"))
    found = [part for file in files for part in yaml.safe_load_all(file.read_text()) if isinstance(part, dict)]
    versions = [part for part in found if part.get("kind") == "TemplateVersion"]
    assert len(versions) > 5
    for number, example in enumerate(versions):
        kube.create("templateversions", namespace, {**example, "metadata": {"name": f"example-{number}"}})
    for number, example in enumerate(versions):
        told = kube.wait(
            "it is checked",
            "templateversions",
            namespace,
            f"example-{number}",
            lambda version: condition(version, "Valid")["status"],
        )
        assert "warns" not in condition(told, "Valid")["message"], example["metadata"]["name"]
        assert "unknown field" not in condition(told, "Valid")["message"], example["metadata"]["name"]


def test_a_version_without_room_for_its_dry_run_says_so_and_is_valid_once_there_is(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    put_quota(kube, namespace, {"pods": "0"})
    bare = {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "busybox"}]}}
    wait_refused(kube, "pods", namespace, bare, "exceeded quota")
    kube.create("templateversions", namespace, manifests.template_version())
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("Unknown", "QuotaExceeded")
    assert "the Pod is forbidden: exceeded quota: few, requested: pods=1" in found["message"]
    put_quota(kube, namespace, {"pods": "5"})
    checked(kube, namespace, lambda verdict: verdict["status"] == "True", seconds=20)


@pytest.mark.long
def test_a_version_that_a_limit_range_refuses_is_valid_half_a_minute_after_that_was_changed(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    put_limit_range(kube, namespace, type="Container", max={"memory": "512Mi"})
    large = {"resources": {"limits": {"memory": "1Gi"}}}
    bare = {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "busybox", **large}]}}
    wait_refused(kube, "pods", namespace, bare, "maximum memory usage")
    kube.create("templateversions", namespace, version(lambda pod: agent(pod).update(large)))
    found = checked(kube, namespace, is_told)
    assert (found["status"], found["reason"]) == ("False", "PodRefused")
    assert found["message"] == (
        "The Pod is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi. Create a version without "
        "this fault, or change the rule that refuses it; it is checked again every 30 s."
    )
    kube.delete("limitranges", namespace, "limits")
    checked(kube, namespace, lambda verdict: verdict["status"] == "True", seconds=60)
