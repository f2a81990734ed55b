"""Tasks on their way: what decisions are made of most often."""

from __future__ import annotations

from typing import Any

from taskyard.core.observed import Observed
from unit.core.builders import build, observed, reservation, task


def starting(**fields: Any) -> Observed:
    """A Task whose first start build exists and is pending; claim and Pod as the test says."""
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Pending", "build": reservation()}, **spec),
        builds=fields.pop("builds", (build(),)),
        **fields,
    )


def stopping(phase: str = "Pending", *, reason: str = "ManualPause", **fields: Any) -> Observed:
    """A Task with a stop build after its first start; `status` is what its status has besides."""
    spec = fields.pop("spec", {"paused": True})
    status = {"phase": "Pausing", "build": reservation(2, "Stop", reason, phase), **fields.pop("status", {})}
    return observed(
        task(status=status, **spec),
        builds=(build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", reason, phase)),
        **fields,
    )


def paused(**fields: Any) -> Observed:
    """The same once the stop build has succeeded."""
    return stopping("Succeeded", **fields)


def failed(phase: str = "Failed", *, message: str | None = None, **fields: Any) -> Observed:
    """A Task whose first start build has ended so."""
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Error", "build": reservation(phase=phase)}, **spec),
        builds=(build(phase=phase, message=message),),
        **fields,
    )


UNBOUND = {"node": None, "phase": "Pending"}
