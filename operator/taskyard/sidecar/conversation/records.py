"""Files of JSON lines that survive a crash at any point. The only module that writes to the state directory."""

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def open_directory(path: Path) -> None:
    """Creates the state directory, readable only by the sidecar's user. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


class RecordFile:
    """Append-only; a line that a crash or a full disk cut short is skipped when reading and never continued.

    `size` is in bytes. All methods raise OSError when the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._torn = False
        self._end: _End | None = None

    def load(self) -> list[Record]:
        """All whole records, oldest first; none when there is no file yet."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        self.size = len(data)
        self._torn = bool(data) and not data.endswith(b"\n")
        return [record for line in data.split(b"\n") if (record := _parse(line)) is not None]

    def append(self, record: Record, *, sync: bool) -> None:
        """Writes one record; with `sync` it is on the disk on return."""
        line = _line(record)
        if self._torn:
            line = b"\n" + line
        end = self._opened()
        self._torn = True
        written = os.write(end.descriptor, line)
        self.size += written
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes could be written to {self.path}")
        self._torn = False
        if sync:
            os.fdatasync(end.descriptor)

    def sync(self) -> None:
        """Waits until all appended records are on the disk. May be called from any thread."""
        end = self._end
        if end is None:
            return
        if not end.is_at(self.path):
            raise FileNotFoundError(errno.ENOENT, "the file was replaced after it was written to", str(self.path))
        os.fdatasync(end.descriptor)

    def _opened(self) -> "_End":
        if self._end is None or not self._end.is_at(self.path):
            self._end = _End(self.path)
        return self._end

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replaces the file's records at once: a crash leaves the old ones or the new ones."""
        data = b"".join(map(_line, records))
        new = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.path)
        self._end = None
        sync_directory(self.path.parent)
        self.size = len(data)
        self._torn = False


class _End:
    """A file opened for appending. It is closed when its last holder is gone, which may be a thread that waits for the
    disk.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = -1
        self.descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        opened = os.fstat(self.descriptor)
        self._identity = opened.st_dev, opened.st_ino

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def is_at(self, path: Path) -> bool:
        """Whether `path` still names this file, which may have been removed or replaced."""
        try:
            found = path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
