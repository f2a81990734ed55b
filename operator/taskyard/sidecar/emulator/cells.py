"""What one cell of the screen holds: a grapheme cluster, whole, and how many columns it takes. Pure.

The width is that of the cluster, not the sum of its code points: two for an emoji with its modifiers and joiners, for
a flag, for a character that a variation selector turns into an emoji; else what its first visible code point takes.
Programs that draw at columns of their own reckoning (Ink, ratatui, opentui) assume this. One that takes a cluster for
wider leaves a gap here; one that takes it for narrower would write into its second half: see `keeps_when_halved`.
"""

from collections.abc import Iterator
from functools import lru_cache

from taskyard.sidecar.emulator.pyte import Char

# No more code points than Unicode's Stream-Safe Text Format has in one cluster (UAX #15); an emoji has at most ten.
CELL_CHARACTERS = 32
EMOJI_PRESENTATION = "\ufe0f"
BLANK = Char(" ")
# The second half of a wide cluster.
STUB = Char("")
ASCII = {chr(code): Char(chr(code)) for code in range(0x20, 0x7F)}


@lru_cache(maxsize=1024)
def cell(cluster: str) -> Char:
    """A cell with the cluster; a flood of accents is cut."""
    return Char(cluster[:CELL_CHARACTERS])


@lru_cache(maxsize=2048)
def width(cluster: str) -> int:
    """Columns that a cluster takes: 0, 1 or 2."""
    if "\x20" <= cluster <= "\x7e" and len(cluster) == 1:
        return 1
    import wcwidth

    if EMOJI_PRESENTATION in cluster and wcwidth.width(cluster) >= 2:
        return 2
    return next((columns for code in cluster if (columns := wcwidth.wcwidth(code)) > 0), 0)


def columns(text: str) -> int:
    """Columns that a text takes in a row."""
    return len(text) if text.isascii() else sum(map(width, clusters(text)))


def clusters(text: str) -> Iterator[str]:
    """The clusters of a text."""
    # Here and below: loaded when something is not ASCII (pyte.py).
    import wcwidth

    return wcwidth.iter_graphemes(text)


def continues(before: str, after: str) -> bool:
    """Whether the first code point of `after` belongs to the cluster that `before` ends with."""
    import wcwidth

    return wcwidth.grapheme_boundary_before(before + after[0], len(before) + 1) < len(before)


def keeps_when_halved(cluster: str) -> bool:
    """Whether a wide cluster stays when a program writes into its second half: programs do not agree on the width of
    emoji, and one that takes it for narrow has not meant to overwrite it.
    """
    return EMOJI_PRESENTATION in cluster or "\U0001f000" <= cluster[0] < "\U00020000"
