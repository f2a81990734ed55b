"""kstatus's rules, reimplemented from their description."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

CURRENT, IN_PROGRESS, FAILED, TERMINATING = "Current", "InProgress", "Failed", "Terminating"


def kstatus(manifest: Manifest) -> str:
    """The status of an object without special rules for its kind: the general rules, then the condition Ready.

    Of Reconciling and Stalled the first one in the list decides; conditions of other types are not read.
    """
    metadata, status = manifest["metadata"], manifest.get("status", {})
    if "deletionTimestamp" in metadata:
        return TERMINATING
    observed_generation = status.get("observedGeneration")
    if observed_generation is not None and observed_generation != metadata["generation"]:
        return IN_PROGRESS
    conditions = status.get("conditions", ())
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] in ("Reconciling", "Stalled"):
            return IN_PROGRESS if condition["type"] == "Reconciling" else FAILED
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), "True")
    return CURRENT if ready == "True" else IN_PROGRESS
