"""What a build is before the operator has reserved it."""

from __future__ import annotations

import pytest

from taskyard.gateway.rest.views import workspace as workspace_view
from unit.gateway.rest.objects import Object, build, cache_with, reserved, task


@pytest.mark.parametrize(
    ("status", "paused", "number", "shown"),
    [
        pytest.param({}, False, 1, ("start", "initiator", "pending"), id="the first"),
        pytest.param({"build": reserved(2)}, False, 3, ("start", "task_resume", "pending"), id="a resume"),
        pytest.param({"build": reserved(2)}, True, 3, ("stop", "task_manual_pause", "pending"), id="a pause"),
        pytest.param(
            {"build": reserved(2), "phase": "Paused"},
            True,
            3,
            ("stop", "task_manual_pause", "pending"),
            id="a pause on top of one",
        ),
        pytest.param(
            {"phase": "Paused"}, True, 1, ("stop", "task_manual_pause", "succeeded"), id="the pause of a new Task"
        ),
        pytest.param({}, True, 1, ("stop", "task_manual_pause", "pending"), id="a new Task that is to be paused"),
        pytest.param({"phase": "Paused"}, False, 1, ("start", "initiator", "pending"), id="its resume"),
        pytest.param({"build": reserved(1)}, True, 1, ("start", "initiator", "pending"), id="one that is reserved"),
    ],
)
def test_a_build_before_it_is_reserved(status: Object, paused: bool, number: int, shown: tuple[str, str, str]) -> None:
    found = task(paused=paused, **status)
    document = workspace_view.build(cache_with(found), found, number)
    assert (document["transition"], document["reason"], document["job"]["status"]) == shown


def test_a_build_that_exists_is_as_it_says() -> None:
    found = task(phase="Paused", paused=True)
    cache = cache_with(found)
    cache.builds.put(build(1) | {"status": {}})
    document = workspace_view.build(cache, found, 1)
    assert (document["transition"], document["job"]["status"]) == ("start", "pending")
