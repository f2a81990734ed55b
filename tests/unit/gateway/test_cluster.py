"""What the gateway asks the API server for, and in whose name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from taskyard.gateway.cluster import Cluster
from taskyard.watchcache.kind import NameView

Object = dict[str, Any]

GROUP = "/apis/taskyard.dev/v1alpha1"
MANIFEST = {"metadata": {"namespace": "team", "name": "hello"}}
TASK = NameView("team", "hello", "u", 1)
INPUT = {"metadata": {"namespace": "team", "name": "hello-1"}}
CONFIG_MAP = {"metadata": {"namespace": "team", "name": "hello-snapshot", "labels": {}}, "data": {}}


class Answering:
    """A connection that remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, method: str, path: str, **how: Any) -> Object:
        self.asked.append(f"{method} {path}")
        return {"items": []}


@pytest.mark.parametrize(
    ("ask", "own", "asked"),
    [
        pytest.param(lambda c: c.secret("team", "keys"), True, "GET /api/v1/namespaces/team/secrets/keys", id="Secret"),
        pytest.param(
            lambda c: c.review_token("t", None),
            True,
            "POST /apis/authentication.k8s.io/v1/tokenreviews",
            id="TokenReview",
        ),
        pytest.param(
            lambda c: c.review_access({}),
            True,
            "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
            id="SubjectAccessReview",
        ),
        pytest.param(
            lambda c: c.build("team", "hello-1"),
            True,
            f"GET {GROUP}/namespaces/team/workspacebuilds/hello-1",
            id="build",
        ),
        pytest.param(
            lambda c: c.builds("team", "hello"), True, f"GET {GROUP}/namespaces/team/workspacebuilds", id="builds"
        ),
        pytest.param(lambda c: c.task("team", "hello"), True, f"GET {GROUP}/namespaces/team/tasks/hello", id="Task"),
        pytest.param(
            lambda c: c.patch_task_status("team", "hello", resource_version="1", status={}),
            True,
            f"PATCH {GROUP}/namespaces/team/tasks/hello/status",
            id="a Task's status",
        ),
        pytest.param(
            lambda c: c.config_map("team", "hello-snapshot"),
            True,
            "GET /api/v1/namespaces/team/configmaps/hello-snapshot",
            id="ConfigMap",
        ),
        pytest.param(
            lambda c: c.create_config_map(CONFIG_MAP),
            True,
            "POST /api/v1/namespaces/team/configmaps",
            id="new ConfigMap",
        ),
        pytest.param(
            lambda c: c.patch_config_map(CONFIG_MAP, resource_version="1"),
            True,
            "PATCH /api/v1/namespaces/team/configmaps/hello-snapshot",
            id="changed ConfigMap",
        ),
        pytest.param(
            lambda c: c.create_task("t", MANIFEST, request_id="r-1"),
            False,
            f"POST {GROUP}/namespaces/team/tasks",
            id="a person's new Task",
        ),
        pytest.param(
            lambda c: c.create_input("t", INPUT, request_id="r-1"),
            False,
            f"POST {GROUP}/namespaces/team/taskinputs",
            id="a person's new input",
        ),
        pytest.param(
            lambda c: c.patch_task("t", TASK, {}, request_id="r-1"),
            False,
            f"PATCH {GROUP}/namespaces/team/tasks/hello",
            id="a person's changed Task",
        ),
        pytest.param(
            lambda c: c.delete_task("t", TASK, request_id="r-1"),
            False,
            f"DELETE {GROUP}/namespaces/team/tasks/hello",
            id="a person's deleted Task",
        ),
    ],
)
async def test_what_is_asked_for(ask: Callable[[Cluster], Awaitable[Any]], own: bool, asked: str) -> None:
    """What a person asks for never goes over the connection that has the gateway's own credentials."""
    connection, anonymous = Answering(), Answering()
    await ask(Cluster(connection, anonymous))  # type: ignore[arg-type]
    assert (connection.asked, anonymous.asked) == (([asked], []) if own else ([], [asked]))
