"""Paths at the API server."""

from __future__ import annotations

import pytest

from taskyard.controller.cluster import NAMESPACES, PODS, TASKS


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(TASKS.path(), "/apis/taskyard.dev/v1alpha1/tasks", id="all of a kind"),
        pytest.param(PODS.path("team"), "/api/v1/namespaces/team/pods", id="all in a namespace"),
        pytest.param(PODS.path("team", "web-1"), "/api/v1/namespaces/team/pods/web-1", id="one"),
        pytest.param(
            TASKS.path("team", "web", "status"),
            "/apis/taskyard.dev/v1alpha1/namespaces/team/tasks/web/status",
            id="a subresource",
        ),
        pytest.param(NAMESPACES.path(None, "team"), "/api/v1/namespaces/team", id="one without a namespace"),
    ],
)
def test_path(path: str, expected: str) -> None:
    assert path == expected


def test_children_are_watched_by_their_label() -> None:
    assert PODS.selector == "taskyard.dev/task"
    assert TASKS.selector == ""
