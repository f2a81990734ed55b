"""The terminal's modes on the disk.

taskyard-init has the newest output only. A program that has switched bracketed paste or its own screen on before that
does not do so again for a sidecar that starts anew, and would be taken for one that never did.
"""

import logging
from pathlib import Path

from taskyard.sidecar.conversation.records import RecordFile
from taskyard.sidecar.emulator.terminal import Terminal

logger = logging.getLogger(__name__)

# Bytes of output. Far fewer than taskyard-init has: a mode that is switched after the last look is in what it has.
EVERY = 64 << 10
SPARE = 64 << 10


class KeptModes:
    """The modes of one run of the agent. A disk failure is logged; they are kept in memory all the same."""

    def __init__(self, path: Path) -> None:
        self._file = RecordFile(path)
        self._instance = ""
        self._modes = ""
        self._due = 0
        self._failing = False
        try:
            for record in self._file.load():
                match record:
                    case {"instance": str(instance), "modes": str(modes)}:
                        self._instance, self._modes = instance, modes
        except OSError as error:
            self._fail(error)

    def begin_run(self, instance: str, position: int) -> bytes:
        """Output of a run follows from this position on. Returns what switches a terminal to the modes that were set
        before."""
        if instance != self._instance:
            self._instance, self._modes = instance, ""
        self._due = position + EVERY
        return self._modes.encode() if position else b""

    def follow(self, terminal: Terminal, position: int) -> None:
        """The terminal has taken the output up to this position."""
        if position < self._due:
            return
        self._due = position + EVERY
        modes = terminal.modes
        if modes == self._modes:
            return
        self._modes = modes
        record = {"instance": self._instance, "modes": modes}
        try:
            # Not awaited: they are of no use after the node's end, and neither is the run.
            if self._file.size > SPARE:
                self._file.rewrite([record])
            else:
                self._file.append(record, sync=False)
            self._failing = False
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self._failing:
            logger.error("modes of the terminal cannot be kept on the disk: %s", error)
        self._failing = True
