"""The models accept what users write, and what the processes write into a status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from taskyard.api import API_VERSION
from taskyard.api.notificationsink import NotificationSink, NotificationSinkSpec, NotificationSinkStatus
from taskyard.api.schema import Model
from taskyard.api.task import Task, TaskSpec, TaskStatus
from taskyard.api.taskinput import TaskInput, TaskInputSpec, TaskInputStatus
from taskyard.api.template import Template, TemplateSpec, TemplateStatus
from taskyard.api.templateversion import TemplateVersion, TemplateVersionSpec, TemplateVersionStatus
from taskyard.api.workspacebuild import WorkspaceBuildSpec, WorkspaceBuildStatus

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
MODELS: dict[str, type[Model]] = {
    "Task": Task,
    "Template": Template,
    "TemplateVersion": TemplateVersion,
    "TaskInput": TaskInput,
    "NotificationSink": NotificationSink,
}
POD = {"spec": {"containers": [{"name": "agent", "image": "debian", "command": ["bash"]}]}}
NOON = "2026-01-31T12:00:00Z"
READY = {"type": "Ready", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": NOON}


@pytest.mark.parametrize(
    ("model", "document"),
    [
        pytest.param(TaskSpec, {"prompt": "", "templateVersion": "v1"}, id="the minimal Task: an empty prompt"),
        pytest.param(
            TaskSpec,
            {
                "prompt": "p" * 65_536,
                "templateVersion": "claude-code.v1",
                "paused": True,
                "displayName": "d" * 64,
                "idleTimeout": "1h30m",
            },
            id="a Task with everything",
        ),
        pytest.param(
            TaskSpec,
            {
                "prompt": "",
                "template": "shell",
                "preset": "large",
                "parameters": [
                    {"name": "branch", "value": "main"},
                    {"name": "api-key", "secretRef": {"name": "mine", "key": "key"}},
                ],
            },
            id="a Task that chooses",
        ),
        pytest.param(TemplateSpec, {"activeVersion": "shell-v1"}, id="a Template"),
        pytest.param(TemplateStatus, {"observedGeneration": 1, "conditions": [READY]}, id="a Template's status"),
        pytest.param(
            TaskStatus,
            {
                "observedGeneration": 2,
                "phase": "Active",
                "displayName": "Mend the door",
                "state": {"state": "Working", "message": "sawing", "uri": "", "timestamp": NOON, "build": 3},
                "template": "shell",
                "templateVersion": "shell-v1",
                "build": {
                    "name": "web-3",
                    "number": 3,
                    "transition": "Start",
                    "reason": "Resume",
                    "phase": "Succeeded",
                    "createdAt": NOON,
                },
                "workspace": {
                    "status": "Running",
                    "pod": "web-3",
                    "agentLifecycle": "Ready",
                    "appHealth": "Healthy",
                    "restarts": 1,
                    "sidecarVersion": "0.1.0",
                },
                "pausedReason": "IdleTimeout",
                "idleDeadline": NOON,
                "observedResumedAt": "noon",
                "promptSHA256": "ab",
                "snapshot": {
                    "configMap": "web-snapshot",
                    "takenAt": NOON,
                    "messages": 2,
                    "bytes": 512,
                    "truncated": False,
                },
                "inputs": {"queued": 1, "delivered": 2},
                "conditions": [READY],
            },
            id="a status with everything",
        ),
        pytest.param(TaskStatus, {"phase": "Pending"}, id="the status of a new Task"),
        pytest.param(
            TemplateVersionSpec, {"template": "shell", "pod": POD}, id="the minimal version: no agent, no home"
        ),
        pytest.param(
            TemplateVersionSpec,
            {
                "template": "shell",
                "displayName": "Shell",
                "icon": "https://icons.test/shell.png",
                "description": "bash",
                "agent": {"container": "agent", "protocol": "Terminal"},
                "pod": {"metadata": {"labels": {"a": "b"}}, **POD},
                "home": {"size": "1.5Gi", "storageClassName": "fast", "mountPath": "/home/agent"},
                "gracePeriodSeconds": 30,
                "startTimeoutSeconds": 60,
                "idleTimeout": "0s",
                "runtimeClassName": "gvisor",
            },
            id="a version with everything",
        ),
        pytest.param(TemplateVersionStatus, {"observedGeneration": 1, "conditions": [READY]}, id="a version's status"),
        pytest.param(TaskInputSpec, {"task": "web", "content": "go on"}, id="the minimal input"),
        pytest.param(NotificationSinkSpec, {"type": "Webhook", "secretRef": {"name": "alerts"}}, id="the minimal sink"),
        pytest.param(
            NotificationSinkSpec,
            {
                "type": "Apprise",
                "secretRef": {"name": "mail", "key": "address", "signingKey": "none"},
                "events": ["Idle", "InputRequired"],
                "selector": {
                    "matchLabels": {"team": "doors"},
                    "matchExpressions": [{"key": "quiet", "operator": "DoesNotExist"}],
                },
                "links": "https://tasks.test",
                "maxPerMinute": 5,
            },
            id="a sink with everything",
        ),
        pytest.param(
            NotificationSinkStatus,
            {
                "observedGeneration": 1,
                "conditions": [READY],
                "test": {"requested": "1", "time": NOON, "message": "the last message was taken"},
            },
            id="a sink's status",
        ),
        pytest.param(
            TaskStatus,
            {
                "notifications": [
                    {
                        "sink": "alerts",
                        "sinkUID": "1",
                        "build": 3,
                        "state": "Idle",
                        "stateTime": NOON,
                        "question": "q-1",
                        "error": NOON,
                        "sent": {"id": "a", "event": "Idle", "time": NOON},
                        "failing": {"id": "b", "event": "Paused", "time": NOON, "message": "it answered 500"},
                        "givenUp": {"id": "c", "event": "Error", "time": NOON},
                    }
                ]
            },
            id="what a sink was told",
        ),
        pytest.param(
            TaskInputSpec, {"task": "web", "content": "\u0003", "type": "Raw", "resume": True}, id="keystrokes"
        ),
        pytest.param(
            TaskInputStatus,
            {"phase": "Delivered", "order": 7, "attempts": 1, "message": "in doubt", "deliveredAt": NOON},
            id="an input's status",
        ),
        pytest.param(
            WorkspaceBuildSpec,
            {
                "task": "web",
                "number": 1,
                "transition": "Stop",
                "reason": "AutoPause",
                "templateVersion": "v1",
                "promptSHA256": "ab",
            },
            id="a build",
        ),
        pytest.param(
            WorkspaceBuildStatus,
            {"phase": "Failed", "message": "no", "podUID": "u", "startedAt": NOON, "finishedAt": NOON},
            id="a build's status",
        ),
    ],
)
def test_the_model_accepts_and_returns(model: type[Model], document: dict[str, Any]) -> None:
    found = model.model_validate(document)
    assert found.model_dump(by_alias=True, exclude_unset=True, mode="json") == document


@pytest.mark.parametrize(
    ("model", "document", "field"),
    [
        pytest.param(TaskSpec, {"templateVersion": "v1"}, "prompt", id="no prompt"),
        pytest.param(TaskSpec, {"prompt": "x" * 65_537, "templateVersion": "v1"}, "prompt", id="a long prompt"),
        pytest.param(TaskSpec, {"prompt": "x", "templateVersion": "V1"}, "templateVersion", id="no name"),
        pytest.param(TaskSpec, {"prompt": "x", "template": "a.b"}, "template", id="an invalid name of a Template"),
        pytest.param(
            TaskSpec,
            {"prompt": "x", "template": "s", "parameters": [{"value": "x"}]},
            "parameters.0.name",
            id="an invalid parameter",
        ),
        pytest.param(TemplateSpec, {}, "activeVersion", id="no active version"),
        pytest.param(
            TemplateVersionSpec,
            {"template": "s", "pod": POD, "parameters": [{"name": "a", "type": "number"}]},
            "parameters.0.type",
            id="a type of parameter that does not exist",
        ),
        pytest.param(
            TaskSpec, {"prompt": "x", "templateVersion": "v", "displayName": "d" * 65}, "displayName", id="a long title"
        ),
        pytest.param(TaskSpec, {"prompt": "x", "templateVersion": "v", "pause": True}, "pause", id="unknown field"),
        pytest.param(TaskSpec, {"prompt": "x", "templateVersion": "v", "paused": "soon"}, "paused", id="wrong type"),
        pytest.param(
            TemplateVersionSpec, {"template": "s", "pod": POD, "home": {"size": "big"}}, "home.size", id="no size"
        ),
        pytest.param(
            TemplateVersionSpec,
            {"template": "s", "pod": POD, "gracePeriodSeconds": 1},
            "gracePeriodSeconds",
            id="no grace period",
        ),
        pytest.param(TemplateVersionSpec, {"template": "s", "pod": {}}, "pod.spec", id="no Pod"),
        pytest.param(
            TemplateVersionSpec, {"template": "s", "pod": {"spec": {}}}, "pod.spec.containers", id="no containers"
        ),
        pytest.param(
            TemplateVersionSpec,
            {"template": "s", "pod": {"spec": {"containers": [{"name": "agent", "command": "bash -i"}]}}},
            "pod.spec.containers.0.command",
            id="a command line instead of a command",
        ),
        pytest.param(
            TemplateVersionSpec,
            {"template": "s", "pod": {"spec": {"containers": [{"name": "agent", "env": [{"value": "x"}]}]}}},
            "pod.spec.containers.0.env.0.name",
            id="a variable without a name",
        ),
        pytest.param(
            TemplateVersionSpec,
            {"template": "s", "pod": {"metadata": {"labels": ["a"]}, **POD}},
            "pod.metadata.labels",
            id="labels in a list",
        ),
        pytest.param(NotificationSinkSpec, {"type": "Webhook"}, "secretRef", id="a sink without a Secret"),
        pytest.param(
            NotificationSinkSpec, {"type": "Mail", "secretRef": {"name": "a"}}, "type", id="another type of sink"
        ),
        pytest.param(
            NotificationSinkSpec,
            {"type": "Webhook", "secretRef": {"name": "a", "key": "a/b"}},
            "secretRef.key",
            id="a key that no Secret can have",
        ),
        pytest.param(
            NotificationSinkSpec,
            {"type": "Webhook", "secretRef": {"name": "a"}, "events": []},
            "events",
            id="a sink of nothing",
        ),
        pytest.param(
            NotificationSinkSpec,
            {"type": "Webhook", "secretRef": {"name": "a"}, "maxPerMinute": 601},
            "maxPerMinute",
            id="a sink without a pace",
        ),
        pytest.param(TaskInputSpec, {"task": "web", "content": ""}, "content", id="no content"),
        pytest.param(TaskInputSpec, {"task": "web", "content": "x", "type": "user"}, "type", id="another type"),
    ],
)
def test_the_model_refuses_and_names_the_field(model: type[Model], document: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(document)
    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [field]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(EXAMPLES)))
        for path in sorted(EXAMPLES.rglob("*.yaml"))
        if API_VERSION in path.read_text()
    ],
)
def test_the_models_accept_the_examples(path: Path) -> None:
    found = 0
    for document in yaml.safe_load_all(path.read_text()):
        if document["apiVersion"] == API_VERSION:
            found += 1
            MODELS[document["kind"]].model_validate({"spec": document["spec"]})
    assert found
