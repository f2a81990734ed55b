"""The one module of the notifier that talks to the API server."""

from __future__ import annotations

from collections.abc import Callable

from taskyard import __version__
from taskyard.apiclient import ApiError, ConflictError, MissingError, Object, RequestObserver, connect
from taskyard.core.resources import EVENTS, SECRETS
from taskyard.election.guarded_cluster import GuardedCluster, NotLeadingError

__all__ = ["ApiError", "Cluster", "ConflictError", "MissingError", "NotLeadingError", "Object"]


class Cluster(GuardedCluster):
    """Reads and writes of the notifier. All raise ApiError."""

    @classmethod
    async def connect(
        cls, kubeconfig: str, *, guard: Callable[[], None], observe: RequestObserver | None = None
    ) -> Cluster:
        """Connects to the API server of a kubeconfig; without one, to that of the Pod's service account or the user's
        kubeconfig."""
        agent = f"taskyard-notifier/{__version__}"
        return cls(await connect(user_agent=agent, kubeconfig=kubeconfig, observe=observe), guard=guard)

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A Secret; None when there is none. ApiError of status 403: the namespace has not granted the right to it."""
        return await self.get(SECRETS, namespace, name)

    async def record_event(self, manifest: Object) -> None:
        """Write an Event."""
        await self.create(EVENTS, manifest)
