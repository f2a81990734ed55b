"""Paths at the API server, and what bounds lists and watches."""

from __future__ import annotations

import pytest

from taskyard.core.resources import NAMESPACES, PODS, TASKS, Resource


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
        pytest.param(
            PODS.path("a/b?c", "../x#y z"), "/api/v1/namespaces/a%2Fb%3Fc/pods/..%2Fx%23y%20z", id="names are quoted"
        ),
        pytest.param(NAMESPACES.path(None, "team"), "/api/v1/namespaces/team", id="one without a namespace"),
    ],
)
def test_path(path: str, expected: str) -> None:
    assert path == expected


def test_children_are_watched_by_their_label() -> None:
    assert PODS.selector == "taskyard.dev/task"
    assert TASKS.selector == ""


def test_what_bounds_a_kind_bounds_its_lists_and_watches() -> None:
    assert Resource("/api/v1", "pods").bounds == {}
    bounded = Resource("/api/v1", "pods", selector="a=b", named="x")
    assert bounded.bounds == {"labelSelector": "a=b", "fieldSelector": "metadata.name=x"}
