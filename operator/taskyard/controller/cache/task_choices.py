"""Parameters of Tasks that are too large to be kept with each: some of them are held as JSON, others are read anew."""

from __future__ import annotations

import msgspec

from taskyard.controller.cache.held_contents import HeldContents
from taskyard.core.api_object import Manifest
from taskyard.core.parameter_views import MAX_KEPT_BYTES, GivenView
from taskyard.core.task_view import TaskView

# Of JSON that is held: of all namespaces, and of one.
MAX_BYTES, NAMESPACE_BYTES = 8 << 20, 2 << 20


class _Held(msgspec.Struct):
    generation: int
    parameters: list[Manifest]


_held = msgspec.json.Decoder(_Held)


class TaskChoices:
    """JSON by the UID of the Task; the least recently used goes first."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._held = HeldContents(most=max_bytes, each=min(max_bytes, NAMESPACE_BYTES))

    @property
    def bytes(self) -> int:
        """How much is held."""
        return self._held.bytes

    def lean(self, manifest: Manifest) -> TaskView:
        """The view of a Task without large parameters, which are held here. To be called in any thread."""
        whole, given = TaskView.of(manifest), manifest["spec"].get("parameters")
        if not given:
            return whole
        content = msgspec.json.encode(_Held(whole.generation, given))
        if len(content) <= MAX_KEPT_BYTES:
            return whole
        self._held.hold(whole.namespace, whole.uid, content)
        return whole.without_parameters()

    def known(self, task: TaskView) -> tuple[GivenView, ...] | None:
        """The parameters of a Task at its generation; None when they are not held."""
        if not task.has_large_parameters:
            return task.parameters
        content = self._held.get(task.uid)
        found = _held.decode(content) if content is not None else None
        if found is None or found.generation != task.generation:
            return None
        return tuple(map(GivenView.of, found.parameters))
