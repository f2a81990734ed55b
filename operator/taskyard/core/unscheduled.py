"""A Pod that the scheduler gives no node: what helps, by what the scheduler says."""

from __future__ import annotations

import re

from taskyard.core import kubectl

# As kube-scheduler names a volume that keeps the Pod from a node. Why it is not bound, only the claim's Events tell.
_CLAIM = re.compile(
    r"(?<![\w./-])(persistentvolumeclaims?|pvcs?(\(s\))?|volumebinding|bind(ing)? volumes|provisioning failed|"
    r"persistent volumes to bind)(?![\w/=-])",
    re.IGNORECASE,
)
# Their keys and values may be any words, as those of Karpenter and of GKE are.
_TAINT = re.compile(r"\{[^}]*\}")
# What it says of some of the nodes, behind their number: "2 Insufficient memory, 1 node(s) had untolerated taint".
_OF_NODES = re.compile(r"(?<![\w./])\d+ ([^,]+)")
_PREEMPTION = " preemption:"
REMEDY = "Free or add a node that fits, or use a template version that asks for less"


def is_of_claim(cause: str) -> bool:
    """Whether a claim without a volume keeps a Pod from a node, as far as the scheduler says."""
    return bool(_CLAIM.search(_TAINT.sub("", cause)))


def is_of_nodes(cause: str) -> bool:
    """Whether something else than a claim keeps a Pod from a node, as far as the scheduler says."""
    told = _TAINT.sub("", cause).partition(_PREEMPTION)[0]
    return not is_of_claim(cause) or any(not _CLAIM.search(part) for part in _OF_NODES.findall(told))


def remedy(cause: str, *, namespace: str) -> str:
    """What helps, as a sentence without its end. `namespace` is the Pod's."""
    if is_of_claim(cause):
        return (
            f"`{kubectl.describe_claims(namespace)}` says why a claim is not bound, such as a StorageClass that does "
            "not exist: create it, or use a template version with another one"
        )
    return REMEDY
