"""Manifest of a Task's Pod: the template's own, hardened, with the sidecar added and the agent's command wrapped."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from taskyard.core import agent_protocol, names
from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.installation import Installation
from taskyard.core.manifests import sidecar
from taskyard.core.parameters import Chosen
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView

DEFAULT_GROUP = 1000
NOTHING = Chosen()


def manifest(
    task: TaskView,
    build: BuildView,
    version: TemplateVersionView,
    installation: Installation,
    *,
    chosen: Chosen = NOTHING,
) -> Manifest:
    """The Pod of a start build, with the build's name and the Task's choices."""
    given = deepcopy(version.pod)
    spec: Manifest = given.get("spec", {})
    spec["restartPolicy"] = agent_protocol.restart_policy(version)
    spec["automountServiceAccountToken"] = False
    spec["terminationGracePeriodSeconds"] = version.grace_period_seconds
    spec.setdefault("enableServiceLinks", False)
    if version.runtime_class_name:
        spec["runtimeClassName"] = version.runtime_class_name
    if installation.image_pull_secrets:
        given_secrets = spec.get("imagePullSecrets", [])
        spec["imagePullSecrets"] = [*given_secrets, *({"name": name} for name in installation.image_pull_secrets)]
    spec["securityContext"] = pod_security(spec.get("securityContext", {}))
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        container["securityContext"] = container_security(
            container.get("securityContext", {}), pod=spec["securityContext"]
        )
    for container in spec["containers"]:
        if container["name"] == version.agent_container:
            make_agent(container, task, version, chosen)
    spec["initContainers"] = [
        sidecar.container(task, version, installation, build=build.number),
        *spec.get("initContainers", []),
    ]
    spec["volumes"] = [
        *spec.get("volumes", []),
        *sidecar.volumes(version, claim=names.claim_name(task.name)),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(task, build, version, given.get("metadata", {})),
        "spec": spec,
    }


def metadata(task: TaskView, build: BuildView, version: TemplateVersionView, given: Manifest) -> Manifest:
    """Name, owner, labels and annotations; where the template's clash with Taskyard's, Taskyard's win."""
    own = names.labels(task=task.name, template=version.template, template_version=version.name, build=build.number)
    return {
        "name": build.name,
        "namespace": task.namespace,
        "labels": {**given.get("labels", {}), **own},
        "annotations": {**given.get("annotations", {}), names.AGENT_CONTAINER: version.agent_container},
        "ownerReferences": [names.owner_reference(name=task.name, uid=task.uid)],
    }


def pod_security(given: Manifest) -> Manifest:
    """What the restricted Pod Security Standard requires, and a group that lets both users write to the claim, unless
    the template says otherwise."""
    result = dict(given)
    result.setdefault("seccompProfile", {"type": "RuntimeDefault"})
    result.setdefault("fsGroup", result.get("runAsGroup", DEFAULT_GROUP))
    result.setdefault("fsGroupChangePolicy", "OnRootMismatch")
    if result.get("runAsUser") != 0:
        result.setdefault("runAsNonRoot", True)
    return result


def container_security(given: Manifest, *, pod: Manifest) -> Manifest:
    """What the restricted Pod Security Standard requires of a container, unless the template says otherwise; but never
    raw sockets, with which an agent could impersonate others on the Pod's network."""
    result = dict(given)
    if not result.get("privileged"):
        result.setdefault("allowPrivilegeEscalation", False)
    if result.get("runAsUser") == 0 and pod.get("runAsNonRoot"):
        result.setdefault("runAsNonRoot", False)
    capabilities: dict[str, Any] = dict(result.get("capabilities", {"drop": ["ALL"]}))
    if "add" in capabilities:
        # Container runtimes accept names in upper and lower case.
        capabilities["add"] = [name for name in capabilities["add"] if name.upper().removeprefix("CAP_") != "NET_RAW"]
    drop = list(capabilities.get("drop", []))
    if "ALL" not in drop and "NET_RAW" not in drop:
        drop.append("NET_RAW")
    capabilities["drop"] = drop
    result["capabilities"] = capabilities
    return result


def make_agent(container: Manifest, task: TaskView, version: TemplateVersionView, chosen: Chosen) -> None:
    """Wrap the agent's command, and give its container the variables, resources and folders it needs. Changes
    `container`."""
    container["command"] = [
        sidecar.INIT,
        "run",
        "--socket",
        sidecar.SOCKET,
        *agent_protocol.init_options(version),
        "--",
        *container["command"],
    ]
    own = {
        "TASKYARD_TASK_NAME": task.name,
        "TASKYARD_TASK_NAMESPACE": task.namespace,
        "TASKYARD_TASK_UID": task.uid,
        "TASKYARD_TASK_PROMPT_FILE": sidecar.PROMPT_FILE,
        "TASKYARD_MCP_URL": sidecar.MCP_URL,
        "CODER_TASK_ID": task.uid,
    }
    taken = {*own, *(variable["name"] for variable in chosen.env)}
    given = [variable for variable in container.get("env", []) if variable["name"] not in taken]
    container["env"] = [
        *given,
        *(variable for variable in chosen.env if variable["name"] not in own),
        *({"name": name, "value": value} for name, value in own.items()),
    ]
    if chosen.resources is not None:
        container["resources"] = chosen.resources
    container["volumeMounts"] = [
        *container.get("volumeMounts", []),
        {"name": sidecar.BIN_VOLUME, "mountPath": sidecar.BIN, "readOnly": True},
        {"name": sidecar.RUN_VOLUME, "mountPath": sidecar.RUN},
        {
            "name": sidecar.HOME_VOLUME,
            "mountPath": (version.home or {}).get("mountPath", sidecar.DEFAULT_MOUNT),
            "subPath": "home",
        },
    ]
