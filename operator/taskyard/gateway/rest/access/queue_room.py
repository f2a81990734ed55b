"""Whether there is room for one more input, by the bounds that the operator keeps."""

from __future__ import annotations

from collections.abc import Callable

from taskyard.api.vocabulary import InputReason
from taskyard.apiclient import Object
from taskyard.core import input_bounds
from taskyard.core.input_bounds import Bounds
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.cache import waiting_inputs
from taskyard.gateway.rest.cache.cache import Cache

AGAIN_SECONDS = 30.0


class QueueRoom:
    """Refuses at once what the operator would refuse a moment later, as far as the cache shows; `refused` counts it."""

    def __init__(self, cache: Cache, bounds: Bounds, *, refused: Callable[[InputReason], None]) -> None:
        self._cache = cache
        self._bounds = bounds
        self._refused = refused

    def check(self, namespace: str, spec: Object) -> None:
        """Raise HttpError 429 when an input with this spec would find no room."""
        lane, task = waiting_inputs.lane_of(spec), spec["task"]
        reason = input_bounds.room(
            of_task=self._cache.inputs.count(waiting_inputs.of_task(namespace, task, lane)),
            of_namespace=self._cache.inputs.count(waiting_inputs.of_namespace(namespace, lane)),
            bounds=self._bounds,
        )
        if reason is None:
            return
        self._refused(reason)
        if reason is InputReason.QUEUE_FULL:
            detail = input_bounds.task_is_full(task, lane, self._bounds)
        else:
            detail = input_bounds.namespace_is_full(namespace, lane, self._bounds)
        raise HttpError(429, "Too many inputs are waiting.", detail=detail, retry_after=AGAIN_SECONDS)
