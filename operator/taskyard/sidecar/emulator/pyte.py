"""The parts of pyte, loaded without wcwidth and its tables: most of what programs write is ASCII, whose width is known,
and the start of a Task does not wait for 30 ms that the first other character takes.
"""

from types import SimpleNamespace

from taskyard.sidecar.left_out import without


def _width(character: str) -> int:
    import wcwidth

    return wcwidth.wcwidth(character)


with without({"wcwidth": SimpleNamespace(wcwidth=_width)}):
    from pyte import Screen, charsets, modes
    from pyte.screens import Char, Margins

__all__ = ["Char", "Margins", "Screen", "charsets", "modes"]
