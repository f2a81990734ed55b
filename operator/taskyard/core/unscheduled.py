"""A Pod that the scheduler gives no node: what helps, by what the scheduler says."""

from __future__ import annotations

from taskyard.core import kubectl

# As kube-scheduler names a volume that keeps the Pod from a node. Why it is not bound, only the claim's Events tell.
_CLAIM = "persistentvolumeclaim"


def remedy(cause: str, *, namespace: str) -> str:
    """What helps, as a sentence without its end. `namespace` is the Pod's."""
    if _CLAIM in cause.lower():
        return (
            f"`{kubectl.describe_claims(namespace)}` says why a claim is not bound, such as a StorageClass that does "
            "not exist: create it, or use a template version with another one"
        )
    return "Free or add a node that fits, or use a template version that asks for less"
