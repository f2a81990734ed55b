"""What ended the Pods that are gone, as their last states told: an eviction through the API is announced in the Pod's
status, and the Pod may be gone a moment later."""

from __future__ import annotations

from typing import Any

from taskyard.apiclient import Object
from taskyard.core.pod_end import EndCause, PodEnd, cause_of

# A loss is kept in its build within moments; this bounds the memory while the API server takes no writes.
MAX_REMEMBERED = 10_000


class LostPods:
    """Causes by the UID of Pods, for those that something ends; and by the UID of builds, the ends that the API server
    did not keep, since its CRDs are older than this operator."""

    def __init__(self) -> None:
        self._causes: dict[str, EndCause] = {}
        self._unkept: dict[str, PodEnd] = {}

    def __len__(self) -> int:
        return len(self._causes)

    def saw(self, former: Object | None, pod: Object) -> None:
        """Remember what ends a Pod, by its newest state; nothing when that was withdrawn."""
        uid, cause = pod["metadata"]["uid"], cause_of(pod)
        self._causes.pop(uid, None)
        if cause is not None:
            remember(self._causes, uid, cause)

    def cause(self, uid: str | None) -> EndCause | None:
        """What ended the Pod of this UID; None when that is not known."""
        return self._causes.get(uid) if uid else None

    def was_not_kept(self, build_uid: str, end: PodEnd) -> None:
        """Remember an end in place of its build."""
        remember(self._unkept, build_uid, end)

    def unkept(self, build_uid: str) -> PodEnd | None:
        """The end that this build should tell, and does not."""
        return self._unkept.get(build_uid)


def remember(known: dict[str, Any], uid: str, value: object) -> None:
    """Keep a value, and forget the oldest when there are too many."""
    known[uid] = value
    while len(known) > MAX_REMEMBERED:
        del known[next(iter(known))]
