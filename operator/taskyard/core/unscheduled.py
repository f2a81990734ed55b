"""A Pod that the scheduler gives no node: what helps, by what the scheduler says."""

from __future__ import annotations

import re

from taskyard.core import kubectl

# As kube-scheduler names a volume that keeps the Pod from a node. Why it is not bound, only the claim's Events tell.
_CLAIM = re.compile(r"persistentvolumeclaim|volumebinding|binding volumes|provision|persistent volumes to bind", re.I)


def is_of_claim(cause: str) -> bool:
    """Whether a claim without a volume keeps a Pod from a node, as far as the scheduler says."""
    return bool(_CLAIM.search(cause))


def remedy(cause: str, *, namespace: str) -> str:
    """What helps, as a sentence without its end. `namespace` is the Pod's."""
    if is_of_claim(cause):
        return (
            f"`{kubectl.describe_claims(namespace)}` says why a claim is not bound, such as a StorageClass that does "
            "not exist: create it, or use a template version with another one"
        )
    return "Free or add a node that fits, or use a template version that asks for less"
