"""The end of what a program writes to a pipe, as readable text without terminal escape sequences. Pure."""

from taskyard.core.text_sanitizer import CONTROLS, without_escapes

MAX_TAIL_BYTES = 1 << 16
NOTE = "[… earlier output left out …]\n"


class PipeTail:
    """The last MAX_TAIL_BYTES of an unbounded stream. `cut`: earlier output is already missing."""

    def __init__(self, *, cut: bool = False) -> None:
        self._kept = bytearray()
        self._cut = cut

    def feed(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > MAX_TAIL_BYTES:
            self._cut = True
            del self._kept[: len(self._kept) - MAX_TAIL_BYTES]

    def text(self) -> str:
        """The tail; starts with a whole line if something is missing. An overwritten line shows its final text only."""
        kept = bytes(self._kept)
        if self._cut:
            kept = kept[kept.find(b"\n") + 1 :]
        lines = without_escapes(kept.decode(errors="replace")).split("\n")
        text = "\n".join(_seen(line) for line in lines).strip("\n")
        return NOTE + text if self._cut else text


def _seen(line: str) -> str:
    line = line.rstrip("\r").rsplit("\r", 1)[-1]
    return CONTROLS.sub("", line).rstrip(" \t")
