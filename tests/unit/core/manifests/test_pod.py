"""A Task's Pod: the template's own, with the sidecar in it and the agent's command wrapped."""

from __future__ import annotations

from copy import deepcopy

import pytest

from taskyard.core.manifests import pod, sidecar
from taskyard.core.parameters import Chosen
from unit.core.builders import TASK_UID, Manifest, build, installation, owner, task, template_version
from unit.core.podmaking import AGENT, container, made


def by_name(entries: list[Manifest]) -> dict[str, Manifest]:
    assert len({entry["name"] for entry in entries}) == len(entries), "each name once"
    return {entry["name"]: entry for entry in entries}


# Metadata


def test_the_pod_bears_the_builds_name_and_belongs_to_the_task() -> None:
    metadata = made()["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("team", "web-1")
    assert metadata["ownerReferences"] == [owner()]
    assert "finalizers" not in metadata


def test_labels_and_annotations_are_the_templates_and_taskyards() -> None:
    metadata = made(
        metadata={
            "labels": {"team": "doors", "taskyard.dev/task": "posing"},
            "annotations": {"note": "x", "taskyard.dev/agent-container": "posing"},
        }
    )["metadata"]
    assert metadata["labels"] == {
        "team": "doors",
        "taskyard.dev/task": "web",
        "taskyard.dev/template": "shell",
        "taskyard.dev/template-version": "shell-v1",
        "taskyard.dev/build": "1",
        "app.kubernetes.io/name": "taskyard-task",
        "app.kubernetes.io/instance": "web",
        "app.kubernetes.io/managed-by": "taskyard",
    }
    assert metadata["annotations"] == {"note": "x", "taskyard.dev/agent-container": "agent"}


def test_what_else_the_templates_metadata_holds_is_not_taken() -> None:
    metadata = made(metadata={"name": "mine", "namespace": "kube-system", "finalizers": ["x/y"]})["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("team", "web-1")
    assert "finalizers" not in metadata


# The Pod's own spec


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        pytest.param({}, "restartPolicy", "Always", id="restarted by the kubelet"),
        pytest.param({"restartPolicy": "Never"}, "restartPolicy", "Always", id="whatever the template says"),
        pytest.param({}, "automountServiceAccountToken", False, id="no credential"),
        pytest.param({"automountServiceAccountToken": True}, "automountServiceAccountToken", False, id="nor if asked"),
        pytest.param({}, "terminationGracePeriodSeconds", 300, id="the version's grace period"),
        pytest.param({"terminationGracePeriodSeconds": 1}, "terminationGracePeriodSeconds", 300, id="and no other"),
        pytest.param({}, "enableServiceLinks", False, id="no variables of Services"),
        pytest.param({"enableServiceLinks": True}, "enableServiceLinks", True, id="unless asked for"),
        pytest.param({"nodeSelector": {"a": "b"}}, "nodeSelector", {"a": "b"}, id="other fields stay"),
        pytest.param({"serviceAccountName": "own"}, "serviceAccountName", "own", id="the template's service account"),
    ],
)
def test_pod_fields(given: Manifest, field: str, expected: object) -> None:
    assert made(given)["spec"][field] == expected


def test_runtime_class_and_pull_secrets() -> None:
    plain = made()["spec"]
    assert {"runtimeClassName", "imagePullSecrets"}.isdisjoint(plain)
    assert made(runtimeClassName="gvisor")["spec"]["runtimeClassName"] == "gvisor"
    spec = made({"imagePullSecrets": [{"name": "own"}]}, installed=installation(image_pull_secrets=("a", "b")))["spec"]
    assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "a"}, {"name": "b"}]


# Containers


def test_the_sidecar_comes_first() -> None:
    manifest = made({"initContainers": [{"name": "setup", "image": "x"}]})
    assert [c["name"] for c in manifest["spec"]["initContainers"]] == ["taskyard-sidecar", "setup"]
    assert [c["name"] for c in manifest["spec"]["containers"]] == ["agent"]


def test_the_agents_command_is_wrapped_and_its_arguments_follow() -> None:
    agent = container(made(agent={"args": ["--login"]}), "agent")
    assert agent["command"] == [
        "/taskyard/bin/taskyard-init",
        "run",
        "--socket",
        "/taskyard/run/agent.sock",
        "--tty",
        "80x1000",
        "--",
        "bash",
        "-i",
    ]
    assert agent["args"] == ["--login"]


def test_other_containers_are_left_as_they_are() -> None:
    other = {"name": "db", "image": "y", "command": ["db"], "env": [{"name": "A", "value": "b"}]}
    found = container(made({"containers": [other, AGENT]}), "db")
    found.pop("securityContext")
    assert found == other


def test_the_agents_variables() -> None:
    env = by_name(
        container(
            made(
                agent={
                    "env": [
                        {"name": "HOME", "value": "/home/agent"},
                        {"name": "TASKYARD_TASK_UID", "value": "posing"},
                        {"name": "CODER_TASK_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ]
                }
            ),
            "agent",
        )["env"]
    )
    assert {name: variable.get("value") for name, variable in env.items()} == {
        "HOME": "/home/agent",
        "TASKYARD_TASK_NAME": "web",
        "TASKYARD_TASK_NAMESPACE": "team",
        "TASKYARD_TASK_UID": TASK_UID,
        "TASKYARD_TASK_PROMPT_FILE": "/taskyard/run/prompt.txt",
        "TASKYARD_MCP_URL": "http://127.0.0.1:8485/mcp",
        "CODER_TASK_ID": TASK_UID,
    }


def test_what_the_task_chose_comes_after_the_templates_variables_and_before_taskyards() -> None:
    given = template_version(
        pod={
            "spec": {
                "containers": [
                    AGENT
                    | {
                        "env": [{"name": "HOME", "value": "/home/agent"}, {"name": "BRANCH", "value": "old"}],
                        "resources": {"requests": {"cpu": "1"}},
                    },
                    {"name": "db", "image": "y", "resources": {"requests": {"cpu": "2"}}},
                ]
            }
        }
    )
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "k"}}}
    chosen = Chosen(
        env=({"name": "BRANCH", "value": "main"}, token, {"name": "TASKYARD_TASK_UID", "value": "posing"}),
        resources={"limits": {"memory": "2Gi"}},
    )
    found = pod.manifest(task(), build(), given, installation(), chosen=chosen)
    agent = container(found, "agent")
    assert [entry["name"] for entry in agent["env"]][:4] == ["HOME", "BRANCH", "TOKEN", "TASKYARD_TASK_NAME"]
    assert by_name(agent["env"])["BRANCH"]["value"] == "main"
    assert by_name(agent["env"])["TASKYARD_TASK_UID"]["value"] == TASK_UID
    assert agent["resources"] == {"limits": {"memory": "2Gi"}}
    others = [c for c in [*found["spec"]["initContainers"], *found["spec"]["containers"]] if c["name"] != "agent"]
    assert "secretKeyRef" not in repr(others), "nobody else gets them"
    assert container(found, "db")["resources"] == {"requests": {"cpu": "2"}}


def test_the_prompt_is_nowhere_in_the_pod() -> None:
    assert "mend the door" not in repr(made())


# Volumes


def test_the_agents_folders() -> None:
    mounts = container(made(agent={"volumeMounts": [{"name": "cache", "mountPath": "/cache"}]}), "agent")[
        "volumeMounts"
    ]
    assert mounts == [
        {"name": "cache", "mountPath": "/cache"},
        {"name": "taskyard-bin", "mountPath": "/taskyard/bin", "readOnly": True},
        {"name": "taskyard-run", "mountPath": "/taskyard/run"},
        {"name": "taskyard-home", "mountPath": "/home/agent", "subPath": "home"},
    ]


def test_the_agent_never_sees_the_token_or_the_sidecars_state() -> None:
    mounts = by_name(container(made(), "agent")["volumeMounts"])
    assert "taskyard-token" not in mounts
    assert mounts["taskyard-home"]["subPath"] == "home"
    assert by_name(container(made(), "taskyard-sidecar")["volumeMounts"])["taskyard-home"]["subPath"] == "sidecar"


@pytest.mark.parametrize(
    ("home", "path", "source"),
    [
        pytest.param(
            {"size": "1Gi", "mountPath": "/root"},
            "/root",
            {"persistentVolumeClaim": {"claimName": "web-home"}},
            id="a claim, where the version says",
        ),
        pytest.param(
            {"size": "1Gi"},
            "/home/agent",
            {"persistentVolumeClaim": {"claimName": "web-home"}},
            id="a claim, where it does not say",
        ),
        pytest.param(None, "/home/agent", {"emptyDir": {}}, id="no home: a folder that goes with the Pod"),
    ],
)
def test_home(home: Manifest | None, path: str, source: Manifest) -> None:
    manifest = made(home=home)
    assert by_name(container(manifest, "agent")["volumeMounts"])["taskyard-home"]["mountPath"] == path
    assert by_name(manifest["spec"]["volumes"])["taskyard-home"] == {"name": "taskyard-home", **source}


def test_the_templates_volumes_stay_and_taskyards_follow() -> None:
    names = [volume["name"] for volume in made({"volumes": [{"name": "cache", "emptyDir": {}}]})["spec"]["volumes"]]
    assert names == ["cache", "taskyard-bin", "taskyard-run", "taskyard-token", "taskyard-home"]


def test_the_template_itself_is_not_changed() -> None:
    version = template_version(
        pod={
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "securityContext": {},
                "initContainers": [{"name": "setup", "image": "x", "securityContext": {"capabilities": {"drop": []}}}],
                "containers": [AGENT | {"env": [{"name": "A", "value": "b"}], "volumeMounts": []}],
                "volumes": [],
            },
        }
    )
    before = deepcopy(version.pod)
    first = pod.manifest(task(), build(), version, installation())
    assert version.pod == before
    assert pod.manifest(task(), build(), version, installation()) == first
    assert sidecar.SIDECAR == "taskyard-sidecar"
