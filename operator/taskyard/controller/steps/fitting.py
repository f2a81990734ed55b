"""Creates a Pod whose sidecar fits its namespace: with the chart's resources, or those that a refusal asks for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from taskyard.controller.cluster import ApiError
from taskyard.core import sidecar_resources

logger = logging.getLogger(__name__)

# A namespace has few rules, and the API server names one LimitRange or quota at a time.
TRIES = 8

T = TypeVar("T")


class Fitting:
    """The sidecar's resources for one Pod; they begin with the chart's."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self.resources = resources

    async def create(self, create: Callable[[dict[str, Any]], Awaitable[T]], *, what: str) -> T:
        """Call `create` with the resources, and again with others while the API server refuses the Pod over these.
        Raises the ApiError for which no resources are found that help. `what` names the Pod in the log."""
        for _ in range(TRIES - 1):
            try:
                return await create(self.resources)
            except ApiError as error:
                fitted = sidecar_resources.fitted(self.resources, error.message) if error.is_refusal else None
                if fitted is None:
                    raise
                logger.info("%s: its sidecar gets %s, since %s", what, fitted, error.message)
                self.resources = fitted
        return await create(self.resources)

    def remedy(self, error: ApiError) -> str | None:
        """What helps, if the Pod is refused over the sidecar's resources."""
        return sidecar_resources.remedy(self.resources, error.message) if error.is_refusal else None
