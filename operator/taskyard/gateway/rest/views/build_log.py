"""The log of a build as the REST API shows it: the steps that a build's status tells of. Pure."""

from collections.abc import Mapping
from typing import Any

ENDED = ("succeeded", "failed", "canceled")

_STAGES = {"start": "Starting the workspace", "stop": "Stopping the workspace"}


def build_log(build: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a build, which is shown as `views.workspace.build` shows it; they are only ever added to."""
    job, stage = build["job"], _STAGES.get(build["transition"], "")
    entries = []
    if job["status"] != "pending":
        entries.append(_entry(1, job["started_at"] or job["created_at"], "info", stage, ""))
    if job["error"]:
        entries.append(_entry(2, job["completed_at"] or job["created_at"], "error", stage, job["error"]))
    return entries


def _entry(number: int, created_at: str, level: str, stage: str, output: str) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": created_at,
        "log_source": "provisioner",
        "log_level": level,
        "stage": stage,
        "output": output,
    }
