"""What was sent to the agent, so that nothing is sent twice: an intent before typing, the outcome after it.

An intent is written before anything is typed, and is on the disk before the message can take effect: a killed process
leaves what it wrote, and a node that loses power also loses the text in the agent's input line.

An intent without an outcome means that the sidecar ended in between: the message may or may not have been typed. It is
looked for on the screen, counts as in doubt if it is not there, and is never typed again.
"""

import contextlib
import enum
import hashlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from taskyard.sidecar.conversation.records import Record, RecordFile

MAX_FILE_BYTES = 1 << 20
MAX_ENTRIES = 4000
KEPT = 1000
PROMPT = "prompt:"


class Outcome(enum.StrEnum):
    DELIVERED = "delivered"
    IN_DOUBT = "in-doubt"


@dataclass(frozen=True, slots=True)
class Entry:
    """`sha256` is the content's digest in hex. An entry without an outcome is only an intent."""

    key: str
    sha256: str
    outcome: Outcome | None = None


def digest(content: str) -> str:
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()


def prompt_key(sha256: str) -> str:
    return PROMPT + sha256


class Journal:
    """The entries are in memory too, so `find` costs no I/O. Writing raises OSError. `sync`, which waits for the disk,
    may be called from any thread.
    """

    def __init__(self, path: Path) -> None:
        self._file = RecordFile(path)
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._is_made = False

    def load(self) -> None:
        """Raises OSError when the file cannot be read. A full disk raises nothing here: it only prevents typing."""
        for record in self._file.load():
            self._take(record)
        self._is_made = bool(self._file.size)
        with contextlib.suppress(OSError):
            self._make()

    def _make(self) -> None:
        """Creates the file durably: an intent in a file that a crash may lose guarantees nothing."""
        if not self._is_made:
            self._file.rewrite([])
            self._is_made = True

    def _take(self, record: Record) -> None:
        match record:
            case {"kind": "intent", "key": str(key), "sha256": str(sha256)}:
                self._entries.setdefault(key, Entry(key, sha256))
            case {"kind": "outcome", "key": str(key), "outcome": str(value)} if key in self._entries and value in set(
                Outcome
            ):
                self._entries[key] = replace(self._entries[key], outcome=Outcome(value))

    def find(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def unresolved(self) -> list[Entry]:
        """Intents without an outcome, oldest first."""
        return [entry for entry in self._entries.values() if entry.outcome is None]

    def intend(self, key: str, sha256: str, time: str) -> None:
        """Writes an intent, which survives a kill of the process from now on, and the loss of the node after `sync`.
        Raises OSError, and then nothing may be typed.
        """
        with self._lock:
            self._make()
            self._file.append({"kind": "intent", "key": key, "sha256": sha256, "time": time}, sync=False)
            self._entries[key] = Entry(key, sha256)

    def sync(self) -> None:
        """Waits until all intents so far are on the disk."""
        with self._lock:
            self._shorten()
        self._file.sync()

    def forget(self, key: str) -> None:
        """Drops an intent of which nothing was typed: the message may be sent again. A restart may find it in doubt."""
        self._entries.pop(key, None)

    def conclude(self, key: str, outcome: Outcome, time: str) -> None:
        """Writes the outcome of an intent. Raises OSError; then the outcome is in memory only, and the message is in
        doubt after a restart. The outcome survives a kill of the process. A node that loses power before the next
        `sync` may lose it: the message is in doubt then, which does not justify waiting for the disk.
        """
        with self._lock:
            self._entries[key] = replace(self._entries[key], outcome=outcome)
            self._file.append({"kind": "outcome", "key": key, "outcome": outcome, "time": time}, sync=False)

    def _shorten(self) -> None:
        """Drops the oldest entries. Prompts are counted apart, so that many messages do not cause one to be retyped."""
        if self._file.size <= MAX_FILE_BYTES and len(self._entries) <= MAX_ENTRIES:
            return
        prompts = [entry for entry in self._entries.values() if entry.key.startswith(PROMPT)]
        others = [entry for entry in self._entries.values() if not entry.key.startswith(PROMPT)]
        kept = prompts[-KEPT:] + others[-KEPT:]
        self._file.rewrite(record for entry in kept for record in _records(entry))
        self._entries = {entry.key: entry for entry in kept}


def _records(entry: Entry) -> list[Record]:
    records: list[Record] = [{"kind": "intent", "key": entry.key, "sha256": entry.sha256}]
    if entry.outcome is not None:
        records.append({"kind": "outcome", "key": entry.key, "outcome": entry.outcome})
    return records
