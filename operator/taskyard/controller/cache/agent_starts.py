"""When the operator saw that an agent was started again, for nodes whose clocks are ahead of the API server's."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.core.pod_view import PodView

# How long a start by a clock that is ahead is remembered: longer than any clock of a node that works is ahead.
KEPT = timedelta(hours=1)


class AgentStarts:
    """The restarts of agents that were seen before they happened by their node's clock."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, datetime], datetime] = {}

    def saw(self, pod: PodView, *, now: datetime) -> None:
        """A Pod as it is now."""
        at = pod.agent.restarted_at if pod.agent else None
        if at is None or at <= now or (pod.uid, at) in self._seen:
            return
        self._seen = {start: seen for start, seen in self._seen.items() if now - KEPT < seen <= now}
        # Times of objects have whole seconds too.
        self._seen[pod.uid, at] = now.replace(microsecond=0)

    def latest(self, pod: PodView | None, *, now: datetime) -> datetime:
        """The latest moment at which its agent can have been started."""
        at = pod.agent.restarted_at if pod and pod.agent else None
        return min(now, self._seen.get((pod.uid, at), now)) if pod and at else now
