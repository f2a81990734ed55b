"""Templates, parameters and presets: what a start uses, what it waits for, and how it then continues."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.kube_config import load_kube_config

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, condition, phase_is
from taskyard.apiclient import Connection
from taskyard.controller.cache import kinds
from taskyard.controller.cluster import Cluster

Object = dict[str, Any]

TOKEN = {"name": "token", "type": "secret", "required": True}
BRANCH = {"name": "branch", "pattern": "[a-z0-9-]+", "default": "main"}
NAMES_SECRET = {"name": "token", "secretRef": {"name": "token", "key": "value"}}


def wait_reason(kube: Kube, namespace: str, reason: str, *, task: str = "hello") -> Object:
    """Returns the Task once both conditions have this reason."""

    def holds(found: Object) -> bool:
        return condition(found, "Ready")["reason"] == condition(found, "TemplateResolved")["reason"] == reason

    found = kube.wait(f"the reason is {reason}", "tasks", namespace, task, holds)
    assert condition(found, "Ready")["status"] == condition(found, "TemplateResolved")["status"] == "False"
    assert condition(found, "Ready")["message"] == condition(found, "TemplateResolved")["message"]
    return found


def pause(kube: Kube, kubelet: Kubelet, namespace: str, pod: str = "hello-1") -> None:
    """Pauses the Task, and acts as the node until it is paused."""
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("the Pod is deleted", "pods", namespace, pod, lambda p: "deletionTimestamp" in p["metadata"])
    kubelet.remove(pod)
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))


def resume(kube: Kube, namespace: str) -> None:
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": False}})


def wait_pod(kube: Kube, namespace: str, name: str = "hello-1") -> Object:
    return kube.wait("the Pod is created", "pods", namespace, name, lambda pod: True)


def variables(pod: Object) -> Object:
    """The agent's environment variables, by name: the value, or its source."""
    (agent,) = [found for found in pod["spec"]["containers"] if found["name"] == "agent"]
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in agent["env"]}


def assert_nothing_began(kube: Kube, namespace: str) -> None:
    assert kube.list("workspacebuilds", namespace) == []
    assert kube.list("pods", namespace) == []


# Templates


def test_a_rollout_is_one_edit_that_each_task_gets_at_its_next_start_and_not_before(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    for name in ("shell-v1", "shell-v2"):
        kube.create("templateversions", namespace, manifests.template_version(name))
    kube.create("templates", namespace, manifests.template("shell-v1"))
    kube.create("tasks", namespace, manifests.task(template="shell"))
    become_active(kube, kubelet, namespace)
    kube.wait("it is resolved", "templates", namespace, "shell", lambda t: condition(t, "Resolved")["status"] == "True")

    kube.patch("templates", namespace, "shell", {"spec": {"activeVersion": "shell-v2"}})
    kube.wait(
        "the Template is checked", "templates", namespace, "shell",
        lambda t: "shell-v2" in condition(t, "Resolved")["message"],
    )  # fmt: skip
    time.sleep(1)
    task = kube.get("tasks", namespace, "hello")
    assert task is not None
    assert (task["status"]["phase"], task["status"]["templateVersion"]) == ("Active", "shell-v1")
    assert [build["metadata"]["name"] for build in kube.list("workspacebuilds", namespace)] == ["hello-1"]

    pause(kube, kubelet, namespace)
    resume(kube, namespace)
    pod = wait_pod(kube, namespace, "hello-3")
    assert pod["metadata"]["labels"]["taskyard.dev/template-version"] == "shell-v2"
    versions = {
        build["metadata"]["name"]: build["spec"]["templateVersion"] for build in kube.list("workspacebuilds", namespace)
    }
    assert versions == {"hello-1": "shell-v1", "hello-2": "shell-v1", "hello-3": "shell-v2"}
    task = kube.wait("it is shown", "tasks", namespace, "hello", lambda t: t["status"]["templateVersion"] == "shell-v2")
    assert task["status"]["template"] == "shell"


def test_a_task_starts_in_whatever_order_it_its_template_and_the_version_are_applied(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    kube.create("tasks", namespace, manifests.task(template="shell"))
    task = wait_reason(kube, namespace, "TemplateNotFound")
    assert f'no Template "shell" in namespace "{namespace}"' in condition(task, "Ready")["message"]
    kube.create("templates", namespace, manifests.template())
    task = wait_reason(kube, namespace, "TemplateVersionNotFound")
    assert 'the active version of Template "shell"' in condition(task, "Ready")["message"]
    kube.wait(
        "the condition has the cause",
        "templates",
        namespace,
        "shell",
        lambda t: condition(t, "Resolved")["status"] == "False",
    )
    assert_nothing_began(kube, namespace)
    kube.create("templateversions", namespace, manifests.template_version())
    wait_pod(kube, namespace)
    kube.wait("it is resolved", "templates", namespace, "shell", lambda t: condition(t, "Resolved")["status"] == "True")


def test_a_version_of_another_template_is_not_used(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version("other-v1", template="other"))
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("templates", namespace, manifests.template("other-v1"))
    kube.create("tasks", namespace, manifests.task(template="shell"))
    wait_reason(kube, namespace, "TemplateMismatch")
    template = kube.wait(
        "the condition has the cause", "templates", namespace, "shell", lambda t: condition(t, "Resolved")["status"]
    )
    assert condition(template, "Resolved")["reason"] == "TemplateMismatch"
    kube.patch("templates", namespace, "shell", {"spec": {"activeVersion": "shell-v1"}})
    wait_pod(kube, namespace)


def test_a_version_deleted_while_in_use_does_not_affect_the_running_task_but_its_next_start_waits(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)
    kube.delete("templateversions", namespace, "shell-v1")
    task = kube.wait(
        "it is reported before the next start", "tasks", namespace, "hello",
        lambda t: condition(t, "TemplateResolved")["reason"] == "TemplateVersionNotFound",
    )  # fmt: skip
    assert (task["status"]["phase"], condition(task, "Ready")["status"]) == ("Active", "True")
    pause(kube, kubelet, namespace)
    resume(kube, namespace)
    wait_reason(kube, namespace, "TemplateVersionNotFound")
    assert len(kube.list("workspacebuilds", namespace)) == 2
    kube.create("templateversions", namespace, manifests.template_version())
    wait_pod(kube, namespace, "hello-3")


def test_a_pod_lost_together_with_its_version_is_replaced_once_there_is_one_and_can_be_paused_meanwhile(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("templateversions", namespace, manifests.template_version("shell-v2"))
    kube.create("templates", namespace, manifests.template())
    kube.create("tasks", namespace, manifests.task(template="shell"))
    become_active(kube, kubelet, namespace)
    kube.delete("templateversions", namespace, "shell-v1")
    kube.wait(
        "the operator has seen it",
        "templates",
        namespace,
        "shell",
        lambda t: condition(t, "Resolved")["status"] == "False",
    )
    kubelet.remove("hello-1")
    wait_reason(kube, namespace, "TemplateVersionNotFound")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
    resume(kube, namespace)
    kube.patch("templates", namespace, "shell", {"spec": {"activeVersion": "shell-v2"}})
    pod = wait_pod(kube, namespace, "hello-4")
    assert pod["metadata"]["labels"]["taskyard.dev/template-version"] == "shell-v2"
    numbers = sorted(build["spec"]["number"] for build in kube.list("workspacebuilds", namespace))
    assert numbers == [1, 2, 3, 4]


def test_a_template_version_changed_while_paused_is_used_at_the_resume(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    for name in ("shell-v1", "shell-v2"):
        kube.create("templateversions", namespace, manifests.template_version(name))
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)
    other = {"spec": {"templateVersion": "shell-v2"}}
    path = kube.path("tasks", namespace, "hello")
    assert "Unable to update task template version, task must be paused." in kube.refusal("PATCH", path, other)
    pause(kube, kubelet, namespace)
    kube.patch("tasks", namespace, "hello", other)
    resume(kube, namespace)
    pod = wait_pod(kube, namespace, "hello-3")
    assert pod["metadata"]["labels"]["taskyard.dev/template-version"] == "shell-v2"


# Parameters and presets


def test_the_choices_of_a_task_reach_the_agent(kube: Kube, running: OperatorProcess, namespace: str) -> None:
    large = {
        "name": "large",
        "parameters": [{"name": "tag", "value": "big"}],
        "resources": {"limits": {"memory": "2Gi"}},
    }
    kube.create("secrets", namespace, manifests.secret())
    kube.create(
        "templateversions",
        namespace,
        manifests.template_version(
            parameters=[TOKEN, BRANCH, {"name": "tag", "env": "IMAGE_TAG"}, {"name": "other"}], presets=[large]
        ),
    )
    given = [NAMES_SECRET, {"name": "branch", "value": "fix-$-1"}]
    kube.create("tasks", namespace, manifests.task(parameters=given, preset="large"))
    task = wait_reason(kube, namespace, "ParameterInvalid")
    assert "does not match the pattern [a-z0-9-]+ as a whole" in condition(task, "Ready")["message"]
    assert_nothing_began(kube, namespace)
    given = [NAMES_SECRET, {"name": "branch", "value": "fix-1"}]
    kube.patch("tasks", namespace, "hello", {"spec": {"parameters": given}})
    pod = wait_pod(kube, namespace)
    found = variables(pod)
    assert found["TOKEN"] == {"secretKeyRef": {"name": "token", "key": "value"}}
    assert (found["BRANCH"], found["IMAGE_TAG"]) == ("fix-1", "big")
    assert "OTHER" not in found
    agent = next(c for c in pod["spec"]["containers"] if c["name"] == "agent")
    assert agent["resources"]["limits"] == {"memory": "2Gi"}


def drop_parameters(kube: Kube, namespace: str) -> None:
    kube.patch("tasks", namespace, "hello", {"spec": {"parameters": None, "preset": None}})


def declare(kube: Kube, namespace: str) -> None:
    """Another version, which declares the parameters that the Task sets."""
    declared = manifests.template_version("shell-v2", parameters=[{"name": "tag"}], presets=[{"name": "huge"}])
    kube.create("templateversions", namespace, declared)
    kube.patch("tasks", namespace, "hello", {"spec": {"templateVersion": "shell-v2"}})


def give(*given: Object) -> Callable[[Kube, str], None]:
    return lambda kube, namespace: (
        kube.patch("tasks", namespace, "hello", {"spec": {"parameters": list(given)}}) and None
    )


@pytest.mark.parametrize(
    ("declared", "spec", "reason", "says", "heal"),
    [
        pytest.param(
            [], {"parameters": [{"name": "tag", "value": "x"}]}, "ParameterInvalid", 'Parameter "tag" is not one of',
            drop_parameters, id="an unknown parameter, removed",
        ),
        pytest.param(
            [], {"parameters": [{"name": "tag", "value": "x"}]}, "ParameterInvalid", 'Parameter "tag" is not one of',
            declare, id="an unknown parameter, declared by another version",
        ),
        pytest.param(
            [{"name": "tag", "required": True}], {}, "ParameterMissing", 'Parameter "tag" is required',
            give({"name": "tag", "value": "x"}), id="a required parameter",
        ),
        pytest.param(
            [BRANCH], {"parameters": [{"name": "branch", "value": "A"}]}, "ParameterInvalid", "does not match",
            give({"name": "branch", "value": "a"}), id="a pattern",
        ),
        pytest.param(
            [TOKEN], {"parameters": [{"name": "token", "value": "x"}]}, "ParameterInvalid", "is of type secret",
            give(NAMES_SECRET), id="a value for a secret",
        ),
        pytest.param(
            [{"name": "token"}], {"parameters": [NAMES_SECRET]}, "ParameterInvalid", "is of type string",
            give({"name": "token", "value": "x"}), id="a Secret for a string",
        ),
        pytest.param(
            [], {"preset": "huge"}, "PresetNotFound", 'has no preset "huge"; it has no presets', drop_parameters,
            id="a preset that does not exist, removed",
        ),
        pytest.param(
            [], {"preset": "huge"}, "PresetNotFound", 'has no preset "huge"', declare, id="a preset of another version"
        ),
    ],
)  # fmt: skip
def test_a_violation_is_named_by_a_condition_and_clears_when_it_is_fixed(
    kube: Kube,
    running: OperatorProcess,
    namespace: str,
    declared: list[Object],
    spec: Object,
    reason: str,
    says: str,
    heal: Callable[[Kube, str], None],
) -> None:
    kube.create("secrets", namespace, manifests.secret())
    kube.create("templateversions", namespace, manifests.template_version(parameters=declared))
    kube.create("tasks", namespace, manifests.task(**spec))
    task = wait_reason(kube, namespace, reason)
    assert says in condition(task, "Ready")["message"]
    assert task["status"]["phase"] == "Pending"
    assert_nothing_began(kube, namespace)
    heal(kube, namespace)
    wait_pod(kube, namespace)
    kube.wait(
        "it is resolved", "tasks", namespace, "hello", lambda t: condition(t, "TemplateResolved")["status"] == "True"
    )


# Secrets (the right to create a Task gives access only to Secrets whose owner allows it)


def test_a_secret_cannot_be_used_until_its_owner_labels_it(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    kube.create("secrets", namespace, manifests.secret(labels={}))
    kube.create("secrets", namespace, manifests.secret("almost", labels={"taskyard.dev/usable-by": "people"}))
    kube.create("templateversions", namespace, manifests.template_version(parameters=[TOKEN]))
    for name, secret in (("hello", "token"), ("second", "almost"), ("third", "missing")):
        given = [{"name": "token", "secretRef": {"name": secret, "key": "value"}}]
        kube.create("tasks", namespace, manifests.task(name, parameters=given))
    messages = set()
    for name, secret in (("hello", "token"), ("second", "almost"), ("third", "missing")):
        task = wait_reason(kube, namespace, "SecretNotUsable", task=name)
        messages.add(condition(task, "Ready")["message"].replace(f'Secret "{secret}"', "…"))
    assert len(messages) == 1, "a Task must not reveal which Secrets exist"
    time.sleep(1)
    assert_nothing_began(kube, namespace)
    kube.patch("secrets", namespace, "token", {"metadata": {"labels": {"taskyard.dev/usable-by": "tasks"}}})
    found = variables(wait_pod(kube, namespace))
    assert found["TOKEN"] == {"secretKeyRef": {"name": "token", "key": "value"}}
    assert [pod["metadata"]["name"] for pod in kube.list("pods", namespace)] == ["hello-1"]


def test_without_the_label_the_next_start_waits(
    kube: Kube, running: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("secrets", namespace, manifests.secret())
    kube.create("templateversions", namespace, manifests.template_version(parameters=[TOKEN]))
    kube.create("tasks", namespace, manifests.task(parameters=[NAMES_SECRET]))
    become_active(kube, kubelet, namespace)
    kube.patch("secrets", namespace, "token", {"metadata": {"labels": {"taskyard.dev/usable-by": None}}})
    task = kube.wait(
        "it is reported before the next start", "tasks", namespace, "hello",
        lambda t: condition(t, "TemplateResolved")["reason"] == "SecretNotUsable",
    )  # fmt: skip
    assert (task["status"]["phase"], condition(task, "Ready")["status"]) == ("Active", "True")
    pause(kube, kubelet, namespace)
    resume(kube, namespace)
    wait_reason(kube, namespace, "SecretNotUsable")
    assert kube.get("pods", namespace, "hello-3") is None
    kube.patch("secrets", namespace, "token", {"metadata": {"labels": {"taskyard.dev/usable-by": "tasks"}}})
    wait_pod(kube, namespace, "hello-3")


def test_a_secret_of_the_same_name_in_another_namespace_is_not_used(
    kube: Kube, running: OperatorProcess, namespace: str
) -> None:
    elsewhere = f"{namespace}-elsewhere"
    kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": elsewhere}})
    kube.create("secrets", elsewhere, manifests.secret())
    kube.create("templateversions", namespace, manifests.template_version(parameters=[TOKEN]))
    kube.create("tasks", namespace, manifests.task(parameters=[NAMES_SECRET]))
    wait_reason(kube, namespace, "SecretNotUsable")
    assert_nothing_began(kube, namespace)


class Overhearing(Connection):
    """A connection that keeps what it hears."""

    heard = b""

    async def read(self, path: str, **how: Any) -> bytes:
        content = await super().read(path, **how)
        self.heard += content
        return content

    async def stream(self, path: str, **how: Any) -> AsyncIterator[bytes]:
        async for line in super().stream(path, **how):
            self.heard += line
            yield line


async def test_the_operator_gets_only_the_metadata_of_labelled_secrets(
    kube: Kube, kubeconfig: Path, namespace: str
) -> None:
    kube.create("secrets", namespace, manifests.secret(value="s3cret"))
    kube.create("secrets", namespace, manifests.secret("unlabelled", labels={}))
    configuration = Configuration()
    await load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    connection = Overhearing(configuration, user_agent="test")
    cluster = Cluster(connection, guard=lambda: None)
    try:
        found, listed_at = [], "0"
        async for page in cluster.pages(kinds.SECRET):
            found += [view.name for view in page.views if view.namespace == namespace]
            listed_at = page.resource_version
        assert found == ["token"]
        kube.create("secrets", namespace, manifests.secret("later", value="s3cret"))
        event = await anext(aiter(cluster.watch(kinds.SECRET, listed_at)))
        assert event.view and event.view.name == "later"
    finally:
        await cluster.close()
    assert b"token" in connection.heard and b"later" in connection.heard
    assert b"czNjcmV0" not in connection.heard
    assert b"unlabelled" not in connection.heard
