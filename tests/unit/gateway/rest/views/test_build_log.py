"""The log of a build."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.gateway.rest.views.build_log import build_log


def build(status: str, *, transition: str = "start", error: str = "") -> dict[str, Any]:
    job = {"status": status, "created_at": "1", "started_at": "2", "completed_at": "3", "error": error}
    return {"transition": transition, "job": job}


@pytest.mark.parametrize(
    ("shown", "entries"),
    [
        pytest.param(build("pending"), [], id="not begun"),
        pytest.param(build("running"), [("2", "info", "Starting the workspace", "")], id="a start"),
        pytest.param(build("succeeded", transition="stop"), [("2", "info", "Stopping the workspace", "")], id="a stop"),
        pytest.param(
            build("failed", error="no room"),
            [("2", "info", "Starting the workspace", ""), ("3", "error", "Starting the workspace", "no room")],
            id="a failure",
        ),
    ],
)
def test_what_a_build_has_done(shown: dict[str, Any], entries: list[tuple[str, ...]]) -> None:
    found = build_log(shown)
    assert [tuple(entry[name] for name in ("created_at", "log_level", "stage", "output")) for entry in found] == entries
    assert [entry["id"] for entry in found] == list(range(1, len(entries) + 1))
