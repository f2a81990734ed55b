"""What was given to the agent, so that nothing is given twice: an intent before typing, the outcome after it.

An intent is written before anything is typed, and on the disk before it can have an effect: a process that is killed
leaves what it wrote, and a node that loses power loses the text that stood in the agent's input line as well.

An intent without an outcome means that the sidecar ended in between: it may or may not have been typed. Such a
message is resolved against the screen or counts as delivered in doubt, and is never typed again.
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


@dataclass(frozen=True)
class Entry:
    """`sha256` is the content's, in hex; no outcome: an intent only."""

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
        """Raises OSError when it cannot be read. A disk that is full is no reason to end: nothing is typed then."""
        for record in self._file.load():
            self._take(record)
        self._is_made = bool(self._file.size)
        with contextlib.suppress(OSError):
            self._make()

    def _make(self) -> None:
        """A file that is there for good: what is appended to one that a crash may lose is no promise."""
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
        """Writes an intent, which outlives any kill of the process from now on, and the node's end after `sync`. Raises
        OSError, and then nothing may be typed.
        """
        with self._lock:
            self._make()
            self._file.append({"kind": "intent", "key": key, "sha256": sha256, "time": time}, sync=False)
            self._entries[key] = Entry(key, sha256)

    def sync(self) -> None:
        """On return all intents so far are on the disk."""
        with self._lock:
            self._shorten()
        self._file.sync()

    def forget(self, key: str) -> None:
        """Of that intent nothing was typed: the message may come again. Only a restart may still find it in doubt."""
        self._entries.pop(key, None)

    def conclude(self, key: str, outcome: Outcome, time: str) -> None:
        """Keeps the outcome of an intent. Raises OSError; then it is known in memory only, and in doubt after a
        restart. It outlives any kill of the process; a node that loses power before the next `sync` may forget it,
        which makes the message one in doubt and is not worth a wait for the disk.
        """
        with self._lock:
            self._entries[key] = replace(self._entries[key], outcome=outcome)
            self._file.append({"kind": "outcome", "key": key, "outcome": outcome, "time": time}, sync=False)

    def _shorten(self) -> None:
        """Forgets the oldest entries. Prompts are kept apart, so that many messages do not make one be typed again."""
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
