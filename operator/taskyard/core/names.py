"""Names and labels of a Task's children (docs/contracts.md)."""

from __future__ import annotations

import sys

# Nothing in Kubernetes has a longer name.
MAX_NAME_CHARACTERS = 253

TASK_LABEL = "taskyard.dev/task"
TEMPLATE_LABEL = "taskyard.dev/template"
TEMPLATE_VERSION_LABEL = "taskyard.dev/template-version"
BUILD_LABEL = "taskyard.dev/build"
# The label of a TaskInput that the gateway has made for a person, and named (its value is `gateway`); and the
# annotation of a Task or a TaskInput that names the user who has created it.
CREATED_BY = "taskyard.dev/created-by"
# A longer name is not recorded: annotations have bounds.
MAX_CREATED_BY_BYTES = 1024
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
RESUMED_AT = "taskyard.dev/resumed-at"
TEST_SINK = "taskyard.dev/test"
ADOPTABLE_BY = "taskyard.dev/adoptable-by"
AGENT_CONTAINER = "taskyard.dev/agent-container"

KEYS_SECRET = "taskyard-keys"
NETWORK_POLICY = "taskyard-tasks"


def cut(name: str) -> str:
    """A name, interned; of what is longer than any name can be only the beginning, which is nobody's name."""
    return sys.intern(name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:MAX_NAME_CHARACTERS]}…")


def build_name(task: str, number: int) -> str:
    """Name of a WorkspaceBuild, and of the Pod that a start build creates."""
    return f"{task}-{number}"


def claim_name(task: str) -> str:
    """Name of the PersistentVolumeClaim with a Task's home."""
    return f"{task}-home"


def snapshot_name(task: str) -> str:
    """Name of the ConfigMap with a Task's conversation."""
    return f"{task}-snapshot"


def created_by(username: str) -> dict[str, str]:
    """The annotation that names who creates an object; none for a name that is too long."""
    return {CREATED_BY: username} if len(username.encode()) <= MAX_CREATED_BY_BYTES else {}


def labels(*, task: str, template: str | None, template_version: str, build: int | None = None) -> dict[str, str]:
    """Labels of a child; a Task's name fits into a label's value, as it has at most 52 characters."""
    result = {
        TASK_LABEL: task,
        TEMPLATE_VERSION_LABEL: template_version,
        "app.kubernetes.io/name": "taskyard-task",
        "app.kubernetes.io/instance": task,
        MANAGED_BY_LABEL: "taskyard",
    }
    if template:
        result[TEMPLATE_LABEL] = template
    if build is not None:
        result[BUILD_LABEL] = str(build)
    return result


def owner_reference(*, name: str, uid: str) -> dict[str, object]:
    """The reference by which garbage collection removes a child with its Task.

    `blockOwnerDeletion` stays unset: a Task's deletion does not wait for its children, and setting it would need
    permission to update the Task's finalizers.
    """
    return {"apiVersion": "taskyard.dev/v1alpha1", "kind": "Task", "name": name, "uid": uid, "controller": True}
