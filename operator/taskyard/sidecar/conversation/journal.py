"""What was sent to the agent, so that nothing is sent twice: an intent before typing, the outcome after it.

An intent is written before anything is typed, and is on the disk before the message can take effect: a killed process
leaves what it wrote, and a node that loses power also loses the text in the agent's input line.

An intent without an outcome means that the sidecar ended in between: the message may or may not have been typed. It is
looked for on the screen, counts as in doubt if it is not there, and is never typed again.

Keys are UIDs, which a restored object does not keep. So an intent also has the name of its TaskInput: the same content
under the same name is the same input.
"""

import contextlib
import enum
import hashlib
import itertools
import threading
from pathlib import Path
from typing import NamedTuple

from taskyard.sidecar.conversation.origin import Identities, Origin
from taskyard.sidecar.conversation.records import Record, RecordFile

MAX_FILE_BYTES = 1 << 20
MAX_ENTRIES = 4000
KEPT = 1000
PROMPT = "prompt:"


class Outcome(enum.StrEnum):
    DELIVERED = "delivered"
    IN_DOUBT = "in-doubt"


class Entry(NamedTuple):
    """`sha256` is the content's digest in hex. An entry without an outcome is only an intent. `origin` is None for what
    did not come as a TaskInput, or came before names were kept.
    """

    key: str
    sha256: str
    outcome: Outcome | None = None
    origin: Origin | None = None

    @property
    def identity(self) -> bytes | None:
        return self.origin.identity(self.sha256) if self.origin else None


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
        self._keys: dict[bytes, str] = {}
        self._dropped = Identities()
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
                self._enter(self._entries.get(key) or Entry(key, sha256, origin=_origin(record)))
            case {"kind": "dropped", "inputs": str(inputs)}:
                self._dropped.unpack(inputs)
            case {"kind": "outcome", "key": str(key), "outcome": str(value)} if key in self._entries and value in set(
                Outcome
            ):
                self._entries[key] = self._entries[key]._replace(outcome=Outcome(value))

    def find(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def find_input(self, origin: Origin, sha256: str) -> Entry | None:
        """The entry of an input, whatever its key was. Of an input that was dropped nothing is known but that it came
        to its end: its entry has no key.
        """
        identity = origin.identity(sha256)
        key = self._keys.get(identity)
        if key is not None:
            return self._entries.get(key)
        return Entry("", sha256, Outcome.DELIVERED, origin) if identity in self._dropped else None

    def unresolved(self) -> list[Entry]:
        """Intents without an outcome, oldest first."""
        return [entry for entry in self._entries.values() if entry.outcome is None]

    def intend(self, key: str, sha256: str, time: str, origin: Origin | None = None) -> None:
        """Writes an intent, which survives a kill of the process from now on, and the loss of the node after `sync`.
        Raises OSError, and then nothing may be typed.
        """
        with self._lock:
            self._make()
            entry = Entry(key, sha256, origin=origin)
            self._file.append(_intent(entry) | {"time": time}, sync=False)
            self._enter(entry)

    def sync(self) -> None:
        """Waits until all intents so far are on the disk."""
        with self._lock:
            self._shorten()
        self._file.sync()

    def forget(self, key: str) -> None:
        """Drops an intent of which nothing was typed: the message may be sent again. A restart may find it in doubt."""
        entry = self._entries.pop(key, None)
        if entry is not None and entry.identity is not None:
            self._keys.pop(entry.identity, None)

    def _enter(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        if entry.identity is not None:
            self._keys[entry.identity] = entry.key

    def conclude(self, key: str, outcome: Outcome, time: str) -> None:
        """Writes the outcome of an intent. Raises OSError; then the outcome is in memory only, and the message is in
        doubt after a restart. The outcome survives a kill of the process. A node that loses power before the next
        `sync` may lose it: the message is in doubt then, which does not justify waiting for the disk.
        """
        with self._lock:
            self._entries[key] = self._entries[key]._replace(outcome=outcome)
            self._file.append({"kind": "outcome", "key": key, "outcome": outcome, "time": time}, sync=False)

    def _shorten(self) -> None:
        """Drops the oldest entries. Prompts are counted apart, so that many messages do not cause one to be retyped."""
        if self._file.size <= MAX_FILE_BYTES and len(self._entries) <= MAX_ENTRIES:
            return
        prompts = [entry for entry in self._entries.values() if entry.key.startswith(PROMPT)]
        others = [entry for entry in self._entries.values() if not entry.key.startswith(PROMPT)]
        kept = prompts[-KEPT:] + others[-KEPT:]
        self._dropped.add(filter(None, (entry.identity for entry in others[:-KEPT])))
        records = [{"kind": "dropped", "inputs": self._dropped.packed()}] if self._dropped else []
        self._file.rewrite(itertools.chain(records, (record for entry in kept for record in _records(entry))))
        # Another thread may look for an input meanwhile: it finds it in one place or in the other.
        self._keys = {entry.identity: entry.key for entry in kept if entry.identity is not None}
        self._entries = {entry.key: entry for entry in kept}


def _origin(record: Record) -> Origin | None:
    match record:
        case {"name": str(name), "type": str(kind)}:
            return Origin(name, kind)
    return None


def _intent(entry: Entry) -> Record:
    named = {"name": entry.origin.name, "type": entry.origin.kind} if entry.origin else {}
    return {"kind": "intent", "key": entry.key, "sha256": entry.sha256, **named}


def _records(entry: Entry) -> list[Record]:
    records = [_intent(entry)]
    if entry.outcome is not None:
        records.append({"kind": "outcome", "key": entry.key, "outcome": entry.outcome})
    return records
