"""The sidecar's part of a Task's Pod: a native sidecar with a user of its own, and the volumes it shares or keeps.

Paths, ports and variables are those of docs/contracts.md.
"""

from __future__ import annotations

from taskyard.core import agent_protocol
from taskyard.core.api_object import Manifest
from taskyard.core.installation import Installation
from taskyard.core.pod_view import SIDECAR
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView

USER = 64484
PORT = 8484
PROBE_PORT = 8486
MCP_URL = "http://127.0.0.1:8485/mcp"
AUDIENCE = "taskyard"
TOKEN_SECONDS = 3600

BIN = "/taskyard/bin"
RUN = "/taskyard/run"
SOCKET = f"{RUN}/agent.sock"
PROMPT_FILE = f"{RUN}/prompt.txt"
INIT = f"{BIN}/taskyard-init"
STATE = "/var/lib/taskyard"
DEFAULT_MOUNT = "/home/agent"
TOKEN_FOLDER = "/var/run/secrets/taskyard"

BIN_VOLUME = "taskyard-bin"
RUN_VOLUME = "taskyard-run"
TOKEN_VOLUME = "taskyard-token"
HOME_VOLUME = "taskyard-home"


def container(task: TaskView, version: TemplateVersionView, installation: Installation, *, build: int) -> Manifest:
    """The sidecar's container. Its postStart hook holds the agent back until taskyard-init is in the shared folder."""
    return {
        "name": SIDECAR,
        "image": installation.sidecar_image,
        "imagePullPolicy": installation.sidecar_image_pull_policy,
        "restartPolicy": "Always",
        "command": ["taskyard-sidecar"],
        "env": environment(task, version, installation, build=build),
        "ports": [{"name": "taskyard", "containerPort": PORT}, {"name": "taskyard-probe", "containerPort": PROBE_PORT}],
        "lifecycle": {
            "postStart": {"exec": {"command": ["taskyard-init", "install", BIN]}},
            "preStop": {
                "httpGet": {
                    "path": "/prestop",
                    "port": PROBE_PORT,
                    "httpHeaders": [{"name": "Authorization", "value": f"Bearer {installation.hook_key}"}],
                }
            },
        },
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": PROBE_PORT},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": PROBE_PORT},
            "initialDelaySeconds": 10,
            "periodSeconds": 20,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "resources": installation.sidecar_resources,
        "securityContext": {
            "runAsUser": USER,
            "runAsGroup": USER,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": BIN_VOLUME, "mountPath": BIN},
            # Connecting to a socket needs no writable mount, so the sidecar cannot be made to write through a link that
            # the agent plants here.
            {"name": RUN_VOLUME, "mountPath": RUN, "readOnly": True},
            {"name": TOKEN_VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": True},
            {"name": HOME_VOLUME, "mountPath": STATE, "subPath": "sidecar"},
        ],
    }


def environment(
    task: TaskView, version: TemplateVersionView, installation: Installation, *, build: int
) -> list[Manifest]:
    """The sidecar's variables. The prompt is not among them: it comes with the enrolment."""
    values = {
        "TASKYARD_GATEWAY_URL": installation.gateway_url,
        "TASKYARD_CA_CERTIFICATE": installation.ca_certificate,
        "TASKYARD_TOKEN_FILE": f"{TOKEN_FOLDER}/token",
        "TASKYARD_TASK_NAME": task.name,
        "TASKYARD_TASK_NAMESPACE": task.namespace,
        "TASKYARD_TASK_UID": task.uid,
        "TASKYARD_BUILD_NUMBER": str(build),
        **agent_protocol.sidecar_environment(version, default_mount=DEFAULT_MOUNT),
        "TASKYARD_HOOK_KEY": installation.hook_key,
        "TASKYARD_AGENT_SOCKET": SOCKET,
        "TASKYARD_STATE_DIR": STATE,
        "TASKYARD_DURABLE": "true" if version.home else "false",
    }
    by_value: list[Manifest] = [{"name": name, "value": value} for name, value in values.items()]
    pod_uid = {"name": "TASKYARD_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
    return [*by_value, pod_uid]


def volumes(version: TemplateVersionView, *, claim: str) -> list[Manifest]:
    """The volumes that Taskyard adds to a Pod."""
    home: Manifest = {"name": HOME_VOLUME}
    if version.home:
        home["persistentVolumeClaim"] = {"claimName": claim}
    else:
        home["emptyDir"] = {}
    token = {"serviceAccountToken": {"audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": "token"}}
    return [
        {"name": BIN_VOLUME, "emptyDir": {}},
        {"name": RUN_VOLUME, "emptyDir": {}},
        {"name": TOKEN_VOLUME, "projected": {"sources": [token]}},
        home,
    ]
