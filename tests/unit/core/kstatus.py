"""kstatus's rules, reimplemented from their description, and a Task of every phase to test them with."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.observed import SIDECAR
from unit.core.builders import build, container_status, observed, pod, reservation, running, task

Manifest = dict[str, Any]

CURRENT, IN_PROGRESS, FAILED, TERMINATING = "Current", "InProgress", "Failed", "Terminating"


def kstatus(manifest: Manifest) -> str:
    """The status of an object without special rules for its kind: the general rules, then the condition Ready."""
    metadata, status = manifest["metadata"], manifest.get("status", {})
    if "deletionTimestamp" in metadata:
        return TERMINATING
    observed_generation = status.get("observedGeneration")
    if observed_generation is not None and observed_generation != metadata["generation"]:
        return IN_PROGRESS
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    if conditions.get("Reconciling") == "True":
        return IN_PROGRESS
    if conditions.get("Stalled") == "True":
        return FAILED
    return CURRENT if conditions.get("Ready", "True") == "True" else IN_PROGRESS


def stopped(phase: str = "Succeeded", *, reason: str = "ManualPause", **fields: Any) -> Any:
    spec = fields.pop("spec", {"paused": True})
    state = {"phase": "Active", "build": reservation(2, "Stop", reason)}
    builds = (build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", reason, phase))
    return observed(task(status=state, **spec), builds=builds, **fields)


def unready(**fields: Any) -> Any:
    return running(pods=(pod(sidecar=container_status(SIDECAR, ready=False)),), **fields)


# The last argument, if present, is the status that kstatus should compute.
EXPECTED = [
    pytest.param(observed(), "Pending", IN_PROGRESS, id="new"),
    pytest.param(observed(template_version=None), "Pending", IN_PROGRESS, id="without its template version"),
    pytest.param(observed(task(status={"build": reservation()})), "Pending", IN_PROGRESS, id="start reserved"),
    pytest.param(
        observed(
            task(status={"build": reservation()}),
            builds=(build(),),
            pods=(pod(node=None, unschedulable="0/1 nodes are available"),),
        ),
        "Pending",
        IN_PROGRESS,
        id="unschedulable",
    ),
    pytest.param(unready(status={"workspace": {}}), "Initializing", IN_PROGRESS, id="initializing"),
    pytest.param(running(), "Active", CURRENT, id="active"),
    pytest.param(stopped("Pending", pods=(pod(deleting=True),)), "Pausing", IN_PROGRESS, id="pausing"),
    pytest.param(stopped(), "Paused", CURRENT, id="paused as asked"),
    pytest.param(observed(task(paused=True)), "Paused", CURRENT, id="created paused"),
    pytest.param(stopped(reason="AutoPause", spec={}), "Paused", CURRENT, id="paused for idleness"),
    pytest.param(stopped(reason="MaxRuntime", spec={}), "Paused", CURRENT, id="paused for its runtime"),
    pytest.param(running(pods=()), "Unknown", IN_PROGRESS, id="Pod lost"),
    pytest.param(running(pods=(pod(deleting=True),)), "Unknown", IN_PROGRESS, id="Pod deleted by somebody"),
    pytest.param(unready(), "Error", FAILED, id="no longer healthy"),
    pytest.param(
        observed(task(status={"build": reservation()}), builds=(build(phase="Failed", message="no room"),)),
        "Error",
        FAILED,
        id="start failed",
    ),
]
ASKED = [pytest.param(case.values[0], id=str(case.id)) for case in EXPECTED]
