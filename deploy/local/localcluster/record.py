"""The record of the running cluster, written to a fixed place before it starts, so that any later run can remove it."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster import locations, processes, progress
from localcluster.processes import Identity

_FILE = locations.RUN / "record.json"
_LOCK = locations.RUN / "lock"


@dataclass(frozen=True)
class Record:
    """``supervisor`` is the node's first process and ``parent`` the ``unshare`` above it; ``fingerprint`` identifies
    how the node was made, ``checkout`` the source tree that made it."""

    checkout: str
    fingerprint: str
    supervisor: Identity
    parent: Identity

    def is_alive(self) -> bool:
        return processes.is_alive(self.supervisor)


def read(path: Path = _FILE) -> Record | None:
    """The record; None when there is none or it cannot be read (for example after a crash of the machine)."""
    try:
        value = json.loads(path.read_text())
        supervisor, parent = (processes.from_json(value[name]) for name in ("supervisor", "parent"))
        if supervisor is None or parent is None:
            return None
        return Record(
            checkout=str(value["checkout"]),
            fingerprint=str(value["fingerprint"]),
            supervisor=supervisor,
            parent=parent,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(record: Record, path: Path = _FILE) -> None:
    scratch = path.with_suffix(".new")
    value = {
        "checkout": record.checkout,
        "fingerprint": record.fingerprint,
        "supervisor": record.supervisor.to_json(),
        "parent": record.parent.to_json(),
    }
    scratch.write_text(json.dumps(value, indent=2))
    scratch.rename(path)


def forget(path: Path = _FILE) -> None:
    path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Holds the machine's one lock for starting and stopping a cluster; fails immediately when another run holds it."""
    locations.RUN.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise progress.StepError(
                "looking for a running cluster", "another run is starting or stopping the cluster right now"
            ) from error
        yield
