"""What a program writes to a pipe, as text for people: the end of it, without what only a terminal would show. Pure."""

from taskyard.sidecar.conversation.reports import ESCAPES

MAX_TAIL_BYTES = 1 << 16
NOTE = "[… earlier output left out …]\n"


class PipeTail:
    """The last MAX_TAIL_BYTES of a stream that may be without end. `cut`: earlier output was left out already."""

    def __init__(self, *, cut: bool = False) -> None:
        self._kept = bytearray()
        self._cut = cut

    def feed(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > MAX_TAIL_BYTES:
            self._cut = True
            del self._kept[: len(self._kept) - MAX_TAIL_BYTES]

    def text(self) -> str:
        """Whole lines where something was left out; of a line that was written over, what was left to be seen."""
        kept = bytes(self._kept)
        if self._cut:
            kept = kept[kept.find(b"\n") + 1 :]
        lines = ESCAPES.sub("", kept.decode(errors="replace")).split("\n")
        text = "\n".join(_seen(line) for line in lines).strip("\n")
        return NOTE + text if self._cut else text


def _seen(line: str) -> str:
    line = line.rstrip("\r").rsplit("\r", 1)[-1]
    return "".join(character for character in line if character.isprintable() or character == "\t").rstrip()
