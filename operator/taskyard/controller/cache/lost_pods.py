"""What ended the Pods that are gone, as their last states told: an eviction through the API is announced in the Pod's
status, and the Pod may be gone a moment later."""

from __future__ import annotations

from taskyard.core.pod_end import EndCause
from taskyard.core.pod_view import PodView

# A loss is kept in its build within moments; this bounds the memory while the API server takes no writes.
MAX_REMEMBERED = 10_000


class LostPods:
    """Causes by the UID of Pods, for those that something ends."""

    def __init__(self) -> None:
        self._causes: dict[str, EndCause] = {}

    def __len__(self) -> int:
        return len(self._causes)

    def saw(self, former: PodView | None, pod: PodView) -> None:
        """Remember what ends a Pod, by its newest state; nothing when that was withdrawn."""
        uid, cause = pod.uid, pod.end_cause
        self._causes.pop(uid, None)
        if cause is not None:
            self._causes[uid] = cause
            while len(self._causes) > MAX_REMEMBERED:
                del self._causes[next(iter(self._causes))]

    def cause(self, uid: str | None) -> EndCause | None:
        """What ended the Pod of this UID; None when that is not known."""
        return self._causes.get(uid) if uid else None
