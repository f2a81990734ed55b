"""Answers have all fields that the OpenAPI document promises, and no others."""

from typing import Any

import pytest
from pydantic import BaseModel

from integration.gateway.rest.rest_namespace import RestNamespace
from taskyard.gateway.rest.openapi.schemas import catalog, task, workspace

ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("/buildinfo", catalog.BuildInfo),
    ("/users/me", catalog.User),
    ("/organizations", catalog.Organization),
    ("/users/me/organizations", catalog.Organization),
    ("/organizations/default/members/me", catalog.Member),
    ("/templates", catalog.Template),
    ("/organizations/default/templates/shell", catalog.Template),
    ("/organizations/default/templates/shell/versions/shell-v1", catalog.TemplateVersion),
    ("/templateversions/shell-v1", catalog.TemplateVersion),
    ("/templateversions/shell-v1/presets", catalog.Preset),
    ("/tasks", task.TaskList),
    ("/tasks/me/hello", task.Task),
    ("/workspaces/{uid}", workspace.Workspace),
    ("/workspaces", workspace.WorkspaceList),
    ("/users/me/workspace/hello", workspace.Workspace),
    ("/workspacebuilds/{build}/logs", workspace.BuildLogEntry),
    ("/v1alpha1/tasks", task.TaskPage),
    ("/v1alpha1/tasks/me/hello/builds", workspace.BuildPage),
    ("/v1alpha1/tasks/me/hello/inputs", task.InputPage),
]


@pytest.mark.parametrize(("path", "shape"), [pytest.param(path, shape, id=path) for path, shape in ANSWERS])
def test_an_answer_is_of_its_shape(ns: RestNamespace, path: str, shape: type[BaseModel]) -> None:
    ns.running_task()
    ns.owner.post(ns.url("/tasks/me/hello/inputs"), json={"content": "hi"})
    ns.wait(ns.url("/tasks/me/hello/inputs"), lambda answer: answer.json()["count"] == 1)
    uid = ns.owner.get("/tasks/me/hello").json()["id"]
    build = ns.owner.get(f"/workspaces/{uid}").json()["latest_build"]["id"]
    path = path.format(uid=uid, build=build)
    url = ns.url(path.removeprefix("/v1alpha1")) if path.startswith("/v1alpha1") else path
    answer: Any = ns.owner.get(url).json()
    entries = answer if isinstance(answer, list) else [answer]
    assert entries
    for entry in entries:
        shape.model_validate(entry, extra="forbid")
