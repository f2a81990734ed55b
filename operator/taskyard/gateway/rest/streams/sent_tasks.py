"""Which Tasks a client has been told of: a few bytes for each, since there may be hundreds of clients and ten thousand
Tasks."""

import bisect
from array import array

_MAX_NEW = 512


class SentTasks:
    """A set of UIDs, by their hashes: eight bytes each, where a set of Python has fifty."""

    def __init__(self) -> None:
        self._sorted: array[int] = array("q")
        self._new: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted) + len(self._new)

    def __contains__(self, uid: str) -> bool:
        return hash(uid) in self._new or self._place(hash(uid)) is not None

    def add(self, uid: str) -> None:
        """Note a Task; one that is known already changes nothing."""
        if uid in self:
            return
        self._new.add(hash(uid))
        if len(self._new) > _MAX_NEW:
            self._sorted = array("q", sorted([*self._sorted, *self._new]))
            self._new = set()

    def discard(self, uid: str) -> None:
        """Forget a Task."""
        self._new.discard(hash(uid))
        place = self._place(hash(uid))
        if place is not None:
            del self._sorted[place]

    def _place(self, number: int) -> int | None:
        place = bisect.bisect_left(self._sorted, number)
        return place if place < len(self._sorted) and self._sorted[place] == number else None
