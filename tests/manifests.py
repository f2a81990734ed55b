"""Objects that tests of several tiers apply."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def task(name: str = "hello", **spec: Any) -> Object:
    """A Task with the prompt `echo hello`, of template version shell-v1 unless a template is named."""
    of = {} if "template" in spec else {"templateVersion": "shell-v1"}
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"prompt": "echo hello", **of, **spec},
    }


def template_version(
    name: str = "shell-v1", *, command: list[str] | None = None, image: str = "debian:trixie-slim", **spec: Any
) -> Object:
    """A TemplateVersion with bash as the agent and a home of 1 GiB."""
    container = {"name": "agent", "image": image, "command": command or ["bash", "--norc"]}
    pod = {"spec": {"securityContext": {"runAsUser": 1000}, "containers": [container]}}
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "TemplateVersion",
        "metadata": {"name": name},
        "spec": {"template": "shell", "agent": {}, "home": {"size": "1Gi"}, "pod": pod, **spec},
    }


def template(active_version: str = "shell-v1", *, name: str = "shell") -> Object:
    """The Template of the versions that `template_version` makes."""
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Template",
        "metadata": {"name": name},
        "spec": {"activeVersion": active_version},
    }


def secret(name: str = "token", *, labels: dict[str, str] | None = None, **data: str) -> Object:
    """A Secret; with `labels` None it has the label that allows Tasks to use it."""
    usable = {"taskyard.dev/usable-by": "tasks"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": usable if labels is None else labels},
        "stringData": data or {"value": "s3cret"},
    }


def task_input(name: str, content: str, *, task: str = "hello", **spec: Any) -> Object:
    """A message to a Task's agent."""
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "TaskInput",
        "metadata": {"name": name},
        "spec": {"task": task, "content": content, **spec},
    }
