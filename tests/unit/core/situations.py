"""Tasks in the states that decisions meet most often."""

from __future__ import annotations

from typing import Any

from taskyard.core.observed import Observed
from unit.core.builders import build, observed, reservation, task


def starting(**fields: Any) -> Observed:
    """A Task whose first start build exists and is pending; claim and Pod as given."""
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Pending", "build": reservation()}, **spec),
        builds=fields.pop("builds", (build(),)),
        **fields,
    )


def stopping(phase: str = "Pending", *, reason: str = "ManualPause", **fields: Any) -> Observed:
    """A Task with a stop build after its first start; `status` are further fields of its status."""
    spec = fields.pop("spec", {"paused": True})
    status = {"phase": "Pausing", "build": reservation(2, "Stop", reason, phase), **fields.pop("status", {})}
    return observed(
        task(status=status, **spec),
        builds=(build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", reason, phase)),
        **fields,
    )


def paused(**fields: Any) -> Observed:
    """The same Task once the stop build has succeeded."""
    return stopping("Succeeded", **fields)


def failed(phase: str = "Failed", *, message: str | None = None, **fields: Any) -> Observed:
    """A Task whose first start build has ended in this phase."""
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Error", "build": reservation(phase=phase)}, **spec),
        builds=(build(phase=phase, message=message),),
        **fields,
    )


UNBOUND = {"node": None, "phase": "Pending"}
