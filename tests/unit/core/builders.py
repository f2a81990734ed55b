"""One builder for each kind: a manifest as the API server would return it, or a view of one, with ordinary values for
all that a test does not name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.input_view import InputView
from taskyard.core.installation import Installation
from taskyard.core.names import ADOPTABLE_BY, AGENT_CONTAINER, RESUMED_AT, TASK_LABEL, build_name, claim_name
from taskyard.core.observed import Observed
from taskyard.core.parameter_views import TemplateView
from taskyard.core.pod_view import SIDECAR, PodView
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.core.times import micro, rfc3339

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
TASK_UID = "11111111-1111-4111-8111-111111111111"
CA = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"

Manifest = dict[str, Any]


def at(seconds: float) -> datetime:
    """A moment, `seconds` after NOW."""
    return NOW + timedelta(seconds=seconds)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386, as the RFC's own pseudo-code has it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def owner(uid: str = TASK_UID, name: str = "web", *, kind: str = "Task", controller: bool = True) -> Manifest:
    return {"apiVersion": "taskyard.dev/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": controller}


def task_manifest(
    *,
    name: str = "web",
    namespace: str = "team",
    uid: str = TASK_UID,
    version: int = 100,
    deleting: bool = False,
    resumed_at: str | None = None,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """A Task; further keyword arguments go into its spec, None omits a field."""
    metadata: Manifest = {
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "generation": 1,
        "resourceVersion": str(version),
        "creationTimestamp": rfc3339(at(-60)),
    }
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(NOW)
    if resumed_at is not None:
        metadata["annotations"] = {RESUMED_AT: resumed_at}
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": metadata,
        "spec": {
            key: value
            for key, value in {"prompt": "mend the door", "templateVersion": "shell-v1", **spec}.items()
            if value is not None
        },
        "status": {"phase": "Pending"} if status is None else status,
    }


def task(**fields: Any) -> TaskView:
    return TaskView.of(task_manifest(**fields))


def reservation(
    number: int = 1, transition: str = "Start", reason: str = "Initial", phase: str = "Pending", *, task: str = "web"
) -> Manifest:
    """`status.build`."""
    return {
        "name": build_name(task, number),
        "number": number,
        "transition": transition,
        "reason": reason,
        "phase": phase,
        "createdAt": micro(NOW),
    }


def tekton_owner(uid: str = TASK_UID, name: str = "web") -> Manifest:
    """The ownerReference of a Tekton Task that controls an object: of the kind Task, and none of Taskyard's."""
    return owner(uid, name) | {"apiVersion": "tekton.dev/v1"}


def owned_by_tekton(manifest: Manifest, **of: str) -> Manifest:
    """A manifest that a Tekton Task controls, which bears the name and, unless told otherwise, the UID of the Task."""
    return manifest | {"metadata": manifest["metadata"] | {"ownerReferences": [tekton_owner(**of)]}}


def build_manifest(
    number: int = 1,
    transition: str = "Start",
    reason: str = "Initial",
    phase: str | None = None,
    *,
    task: str = "web",
    uid: str = TASK_UID,
    version: int = 100,
    created_at: datetime = NOW,
    template_version: str = "shell-v1",
    pod_uid: str | None = None,
    message: str | None = None,
    finished_at: datetime | None = None,
    pod_end: Manifest | None = None,
) -> Manifest:
    status: Manifest = {"phase": phase} if phase else {}
    if pod_end:
        status["podEnd"] = pod_end
    if finished_at:
        status["finishedAt"] = rfc3339(finished_at)
    if pod_uid:
        status["podUID"] = pod_uid
    if message:
        status["message"] = message
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "WorkspaceBuild",
        "metadata": {
            "name": build_name(task, number),
            "namespace": "team",
            "uid": f"build-{number}",
            "resourceVersion": str(version),
            "creationTimestamp": rfc3339(created_at),
            "ownerReferences": [owner(uid, task)],
        },
        "spec": {
            "task": task,
            "number": number,
            "transition": transition,
            "reason": reason,
            "templateVersion": template_version,
            "promptSHA256": hashlib.sha256(b"mend the door").hexdigest(),
        },
        "status": status,
    }


def pod_end(reason: str = "Unknown", *, at: datetime = NOW, active_at: datetime | None = None) -> Manifest:
    """`status.podEnd` of a build."""
    active = {"activeAt": rfc3339(active_at)} if active_at else {}
    return {"reason": reason, "time": rfc3339(at), **active}


def build(*arguments: Any, **fields: Any) -> BuildView:
    return BuildView.of(build_manifest(*arguments, **fields))


def container_status(
    name: str = "agent",
    state: str = "running",
    *,
    ready: bool = True,
    restarts: int = 0,
    reason: str | None = None,
    message: str | None = None,
    exit_code: int = 0,
    last_exit_code: int | None = None,
    finished_at: datetime | None = None,
) -> Manifest:
    """One container's status; `state` is running, waiting or terminated."""
    details: Manifest = {}
    if state == "terminated":
        details = {"exitCode": exit_code} | ({"finishedAt": rfc3339(finished_at)} if finished_at else {})
    elif state == "waiting":
        details = {"reason": reason} | ({"message": message} if message else {})
    status: Manifest = {
        "name": name,
        "ready": ready and state == "running",
        "restartCount": restarts,
        "state": {state: details},
    }
    if last_exit_code is not None:
        status["lastState"] = {"terminated": {"exitCode": last_exit_code}}
    return status


def pod_manifest(
    number: int = 1,
    *,
    task: str = "web",
    uid: str | None = None,
    owner_uid: str = TASK_UID,
    version: int = 100,
    node: str | None = "node-a",
    phase: str = "Running",
    deleting: bool = False,
    created_at: datetime = NOW,
    unschedulable: str | None = None,
    agent: Manifest | None = None,
    sidecar: Manifest | None = None,
    init: tuple[Manifest, ...] = (),
    runs_once: bool = False,
    reason: str | None = None,
    message: str | None = None,
    disruption: str | None = None,
) -> Manifest:
    """A Pod of a start build: by default bound and running, its sidecar ready. `disruption` is the reason of its
    condition DisruptionTarget."""
    name = build_name(task, number)
    metadata: Manifest = {
        "name": name,
        "namespace": "team",
        "uid": uid or f"pod-{number}",
        "resourceVersion": str(version),
        "creationTimestamp": rfc3339(created_at),
        "labels": {"taskyard.dev/task": task},
        "annotations": {AGENT_CONTAINER: "agent"},
        "ownerReferences": [owner(owner_uid, task)],
    }
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(NOW)
    status: Manifest = {"phase": phase} | ({"reason": reason} if reason else {})
    if message:
        status["message"] = message
    if unschedulable:
        status["conditions"] = [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable}
        ]
    if disruption:
        target = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": rfc3339(NOW)}
        status["conditions"] = [target | {"reason": disruption, "message": f"told by {disruption}"}]
    if node:
        status["podIP"] = "10.0.0.7"
        status["initContainerStatuses"] = [sidecar or container_status(SIDECAR), *init]
        status["containerStatuses"] = [agent or container_status()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"restartPolicy": "Never" if runs_once else "Always"} | ({"nodeName": node} if node else {}),
        "status": status,
    }


def pod(*arguments: Any, **fields: Any) -> PodView:
    return PodView.of(pod_manifest(*arguments, **fields))


def claim_manifest(
    *,
    task: str = "web",
    version: int = 100,
    owners: tuple[Manifest, ...] | None = None,
    requested: str = "1Gi",
    capacity: str | None = None,
    resizing: str | None = None,
    adoptable_by: str | None = None,
    **metadata: Any,
) -> Manifest:
    """The claim of a Task's home, by default the Task's own; further keyword arguments go into its metadata."""
    status: Manifest = {"phase": "Bound", "capacity": {"storage": capacity or requested}}
    if resizing:
        status["conditions"] = [{"type": "FileSystemResizePending", "status": "True", "message": resizing}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(task),
            "namespace": "team",
            "uid": "claim",
            "resourceVersion": str(version),
            "creationTimestamp": rfc3339(NOW),
            "labels": {TASK_LABEL: task},
            **({} if adoptable_by is None else {"annotations": {ADOPTABLE_BY: adoptable_by}}),
            **({} if owners == () else {"ownerReferences": list(owners or (owner(name=task),))}),
            **metadata,
        },
        "spec": {"resources": {"requests": {"storage": requested}}},
        "status": status,
    }


def claim(**fields: Any) -> ClaimView:
    return ClaimView.of(claim_manifest(**fields))


def template_version_manifest(*, name: str = "shell-v1", version: int = 100, **spec: Any) -> Manifest:
    """A TemplateVersion with the defaults that the API server fills in; None omits a field."""
    filled: Manifest = {
        "template": "shell",
        "agent": {"container": "agent", "protocol": "Terminal"},
        "home": {"size": "1Gi", "mountPath": "/home/agent"},
        "pod": {"spec": {"containers": [{"name": "agent", "image": "debian", "command": ["bash", "-i"]}]}},
        "gracePeriodSeconds": 300,
        "startTimeoutSeconds": 600,
        **spec,
    }
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "TemplateVersion",
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": "template-1",
            "generation": 1,
            "resourceVersion": str(version),
        },
        "spec": {key: value for key, value in filled.items() if value is not None},
    }


def template_manifest(active_version: str = "shell-v1", *, name: str = "shell", version: int = 100) -> Manifest:
    """A Template."""
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Template",
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": "pointer-1",
            "generation": 1,
            "resourceVersion": str(version),
        },
        "spec": {"activeVersion": active_version},
    }


def template(*arguments: Any, **fields: Any) -> TemplateView:
    return TemplateView.of(template_manifest(*arguments, **fields))


def template_version(**fields: Any) -> TemplateVersionView:
    return TemplateVersionView.of(template_version_manifest(**fields))


def input_manifest(
    name: str = "one",
    *,
    task: str = "web",
    version: int = 100,
    created_at: datetime = NOW,
    owner_uid: str | None = TASK_UID,
    status: Manifest | None = None,
    generate_name: str | None = None,
    labels: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    metadata: Manifest = {
        "name": name,
        "namespace": "team",
        "uid": f"input-{name}",
        "resourceVersion": str(version),
        "creationTimestamp": rfc3339(created_at),
    }
    if owner_uid:
        metadata["ownerReferences"] = [owner(owner_uid, task)]
    if generate_name:
        metadata["generateName"] = generate_name
    if labels:
        metadata["labels"] = labels
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "TaskInput",
        "metadata": metadata,
        "spec": {"task": task, "content": "go on", **spec},
        "status": {"phase": "Queued"} if status is None else status,
    }


def task_input(*arguments: Any, order: int | None = 1, **fields: Any) -> InputView:
    """An input that has its position in the queue; `order=None` for one that has not been processed yet."""
    status = {"phase": "Queued", **fields.pop("status", {})}
    if order is not None:
        status["order"] = order
    return InputView.of(input_manifest(*arguments, status=status, **fields))


def installation(**fields: Any) -> Installation:
    return Installation(
        **{"gateway_url": "https://gateway.test:8444", "ca_certificate": CA, "sidecar_image": "taskyard:1", **fields}
    )


def observed(
    of: TaskView | None = None,
    *,
    builds: tuple[BuildView, ...] = (),
    pods: tuple[PodView, ...] = (),
    **fields: Any,
) -> Observed:
    """The observed state of a Task: by default only the Task and its template version."""
    return Observed(
        **{
            "now": NOW,
            "task": of or task(),
            "builds": builds,
            "pods": pods,
            "template_version": template_version(),
            "claim_exists": True,
            "resume_requested": False,
            "inputs_queued": 0,
            "inputs_delivered": 0,
            **fields,
        }
    )


def running(
    *,
    status: Manifest | None = None,
    of: Manifest | None = None,
    pods: tuple[PodView, ...] | None = None,
    **fields: Any,
) -> Observed:
    """A Task whose first start has succeeded: by default Active, enrolled and healthy."""
    state = {
        "phase": "Active",
        "build": reservation(phase="Succeeded"),
        "workspace": {"sidecarVersion": "0.1.0", "appHealth": "Healthy"},
        **(status or {}),
    }
    return observed(
        task(status=state, **(of or {})),
        builds=(build(phase="Succeeded", pod_uid="pod-1"),),
        pods=(pod(),) if pods is None else pods,
        **fields,
    )
