"""The long prompts that the gateway has at hand."""

from collections import OrderedDict

HELD_BYTES = 48 << 20
# What an entry takes besides its text.
_ENTRY_BYTES = 300


class LongPrompts:
    """Long prompts by the UID of their Task, at most `most` bytes of them: those that came last."""

    def __init__(self, most: int = HELD_BYTES) -> None:
        self.bytes = 0
        self._most = most
        self._held: OrderedDict[str, tuple[int, str | bytes]] = OrderedDict()

    def hold(self, uid: str, version: int, text: str | bytes) -> None:
        """Hold the packed prompt that a Task has at this resourceVersion. A newer one that is held stays."""
        if version < self._held.get(uid, (0, ""))[0]:
            return
        self.drop(uid)
        self._held[uid] = version, text
        self.bytes += _ENTRY_BYTES + len(text)
        while self.bytes > self._most:
            self.drop(next(iter(self._held)))

    def get(self, uid: str, version: int) -> str | bytes | None:
        """The packed prompt that a Task has at this resourceVersion; None when it is not held."""
        held = self._held.get(uid)
        return held[1] if held is not None and held[0] == version else None

    def drop(self, uid: str) -> None:
        """Forget the prompt of a Task that is gone."""
        held = self._held.pop(uid, None)
        if held is not None:
            self.bytes -= _ENTRY_BYTES + len(held[1])
