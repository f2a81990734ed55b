"""What is too large to be kept of every object: of some of them, within some bytes of all, and some of a namespace."""

from __future__ import annotations

import threading
from collections import OrderedDict


class HeldContents:
    """Contents by UID, at most `most` bytes of them and `each` of one namespace; those that were used the longest time
    ago go first, of a namespace that has more than its share its own. To be used in any thread."""

    def __init__(self, *, most: int, each: int) -> None:
        self._most = most
        self._each = each
        # Namespace and content, the least recently used first; the same UIDs by namespace, in the same order.
        self._held: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lines: dict[str, OrderedDict[str, None]] = {}
        self._shares: dict[str, int] = {}
        self._lock = threading.Lock()
        self.bytes = 0

    def hold(self, namespace: str, uid: str, content: bytes) -> None:
        """Hold what belongs to the object of this UID, in place of what was held of it."""
        with self._lock:
            self._drop(uid)
            self._held[uid] = namespace, content
            self._lines.setdefault(namespace, OrderedDict())[uid] = None
            self._shares[namespace] = self._shares.get(namespace, 0) + len(content)
            self.bytes += len(content)
            while self._shares.get(namespace, 0) > self._each:
                self._drop(next(iter(self._lines[namespace])))
            while self.bytes > self._most:
                self._drop(next(iter(self._held)))

    def get(self, uid: str) -> bytes | None:
        """What is held of the object of this UID, if anything is."""
        with self._lock:
            found = self._held.get(uid)
            if found is None:
                return None
            namespace, content = found
            self._held.move_to_end(uid)
            self._lines[namespace].move_to_end(uid)
            return content

    def drop(self, uid: str) -> None:
        """Hold nothing of the object of this UID any more."""
        with self._lock:
            self._drop(uid)

    def _drop(self, uid: str) -> None:
        if uid not in self._held:
            return
        namespace, content = self._held.pop(uid)
        self.bytes -= len(content)
        self._shares[namespace] -= len(content)
        del self._lines[namespace][uid]
        if not self._lines[namespace]:
            del self._lines[namespace], self._shares[namespace]
