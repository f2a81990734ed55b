"""The states of Tasks that the operator has written itself, and has followed up: their events are no news."""

from __future__ import annotations

import threading

from taskyard.core.task_view import TaskView

# An event follows its write within seconds; one that never comes is forgotten some day.
MAX_REMEMBERED = 10_000


class OwnWrites:
    """Versions by the UID of the Task; of a Task only the last one. To be used in any thread."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, task: TaskView) -> None:
        """The operator has written this state, and sees to what follows from it."""
        with self._lock:
            self._versions.pop(task.uid, None)
            self._versions[task.uid] = task.resource_version
            while len(self._versions) > MAX_REMEMBERED:
                del self._versions[next(iter(self._versions))]

    def take(self, uid: str, resource_version: str) -> bool:
        """Whether exactly this state was written by the operator. It is then forgotten."""
        with self._lock:
            if self._versions.get(uid) != resource_version:
                return False
            del self._versions[uid]
            return True
