"""The sidecar's part of a Pod, as docs/contracts.md describes it."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.manifests import sidecar
from unit.core.builders import CA, TASK_UID, installation, task, template_version


def made(**fields: Any) -> dict[str, Any]:
    return sidecar.container(task(), template_version(**fields), installation(hook_key="hook"), build=3)


def test_it_is_a_native_sidecar_with_a_user_of_its_own() -> None:
    container = made()
    assert container["name"] == "taskyard-sidecar"
    assert container["restartPolicy"] == "Always"
    assert container["securityContext"] == {
        "runAsUser": 64484,
        "runAsGroup": 64484,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_it_holds_the_agent_back_until_taskyard_init_is_in_place() -> None:
    assert made()["lifecycle"]["postStart"] == {"exec": {"command": ["taskyard-init", "install", "/taskyard/bin"]}}


def test_ports_and_probes() -> None:
    container = made()
    assert [port["containerPort"] for port in container["ports"]] == [8484, 8486]
    assert container["lifecycle"]["preStop"]["httpGet"] == {
        "path": "/prestop",
        "port": 8486,
        "httpHeaders": [{"name": "Authorization", "value": "Bearer hook"}],
    }
    assert {"name": "TASKYARD_HOOK_KEY", "value": "hook"} in container["env"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8486}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 8486}


def test_image_and_resources_are_the_installations() -> None:
    container = sidecar.container(
        task(),
        template_version(),
        installation(sidecar_image_pull_policy="Always", sidecar_resources={"limits": {"memory": "64Mi"}}),
        build=1,
    )
    assert (container["image"], container["imagePullPolicy"]) == ("taskyard:1", "Always")
    assert container["resources"] == {"limits": {"memory": "64Mi"}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKYARD_GATEWAY_URL", "https://gateway.test:8444"),
        ("TASKYARD_CA_CERTIFICATE", CA),
        ("TASKYARD_TOKEN_FILE", "/var/run/secrets/taskyard/token"),
        ("TASKYARD_TASK_NAME", "web"),
        ("TASKYARD_TASK_NAMESPACE", "team"),
        ("TASKYARD_TASK_UID", TASK_UID),
        ("TASKYARD_BUILD_NUMBER", "3"),
        ("TASKYARD_AGENT_PROTOCOL", "Terminal"),
        ("TASKYARD_AGENT_SOCKET", "/taskyard/run/agent.sock"),
        ("TASKYARD_STATE_DIR", "/var/lib/taskyard"),
        ("TASKYARD_DURABLE", "true"),
    ],
)
def test_variable(name: str, value: str) -> None:
    assert {entry["name"]: entry.get("value") for entry in made()["env"]}[name] == value


def test_its_pods_uid_comes_from_the_kubelet() -> None:
    (variable,) = [entry for entry in made()["env"] if entry["name"] == "TASKYARD_POD_UID"]
    assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.uid"}}


def test_without_a_home_its_state_is_not_durable() -> None:
    assert {"name": "TASKYARD_DURABLE", "value": "false"} in made(home=None)["env"]


def test_it_alone_mounts_the_token_and_may_not_write_where_the_agent_does() -> None:
    mounts = {mount["name"]: mount for mount in made()["volumeMounts"]}
    assert mounts["taskyard-token"] == {
        "name": "taskyard-token",
        "mountPath": "/var/run/secrets/taskyard",
        "readOnly": True,
    }
    assert mounts["taskyard-run"]["readOnly"] is True
    assert mounts["taskyard-home"] == {
        "name": "taskyard-home",
        "mountPath": "/var/lib/taskyard",
        "subPath": "sidecar",
    }
    assert "readOnly" not in mounts["taskyard-bin"]


def test_the_token_is_for_the_gateway_alone() -> None:
    volumes = {volume["name"]: volume for volume in sidecar.volumes(template_version(), claim="web-home")}
    assert volumes["taskyard-token"]["projected"]["sources"] == [
        {"serviceAccountToken": {"audience": "taskyard", "expirationSeconds": 3600, "path": "token"}}
    ]
