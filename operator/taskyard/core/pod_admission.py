"""Refusals of a Pod that resolve by themselves, as opposed to those that a person has to fix."""

from __future__ import annotations

from taskyard.core.observed import Obstacle


def pod_obstacle(message: str) -> Obstacle | None:
    """What to wait for, by the API server's message; None when waiting does not help.

    Kubernetes answers all of these with 403 Forbidden, so only the text tells them apart.
    """
    if "exceeded quota" in message:
        return Obstacle("QuotaExceeded", f"The Pod waits for room in the namespace's quota: {message}")
    if "error looking up service account" in message:
        # A namespace's service accounts are created a moment after it.
        return Obstacle("ServiceAccountMissing", f"The Pod waits for its service account: {message}")
    if "cannot create resource" in message:
        return Obstacle("OperatorForbidden", f"The operator may not create Pods here; grant it the right: {message}")
    return None
