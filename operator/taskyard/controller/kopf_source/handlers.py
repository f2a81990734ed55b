"""What kopf watches: Tasks, Templates and their versions. Every handler passes its event on; none writes to the object.

TaskInputs can be many and large, and kopf keeps an object whole until its worker is idle: a reflector watches them.
"""

from __future__ import annotations

from typing import Any

import kopf

from taskyard.api import GROUP, VERSION
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS, TEMPLATES

registry = kopf.OperatorRegistry()


@kopf.on.login(registry=registry)
def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The Pod's service account, or the kubeconfig outside of a cluster."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


@kopf.on.event(GROUP, VERSION, "tasks", registry=registry)
async def task_event(event: kopf.RawEvent, memo: Any, **_: Any) -> None:
    """A Task was added, modified or deleted."""
    memo.take(TASKS, event)


@kopf.on.event(GROUP, VERSION, "templates", registry=registry)
async def template_event(event: kopf.RawEvent, memo: Any, **_: Any) -> None:
    """A Template was added, modified or deleted."""
    memo.take(TEMPLATES, event)


@kopf.on.event(GROUP, VERSION, "templateversions", registry=registry)
async def template_version_event(event: kopf.RawEvent, memo: Any, **_: Any) -> None:
    """A TemplateVersion was added, modified or deleted."""
    memo.take(TEMPLATE_VERSIONS, event)
