"""The TaskInput as which a message came, whatever object of its name it was: one that was restored from a backup, or
applied again after it was removed, has another UID and is the same input."""

import base64
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

MAX_REMEMBERED = 10_000
# Sixteen bytes of a SHA-256 tell ten thousand inputs apart.
_BYTES = 16


class Origin(NamedTuple):
    """`kind` is user, control, raw, or answer: and the id of the question."""

    name: str
    kind: str

    def identity(self, sha256: str) -> bytes:
        """What is the same for the same input; `sha256` is its content's digest in hex."""
        return hashlib.sha256(f"{self.name}\n{self.kind}\n{sha256}".encode()).digest()[:_BYTES]


class Identities:
    """Identities of inputs of which the journal keeps nothing else; the newest 10,000 of them. They take 16 bytes each
    on the disk and some 100 in memory.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._known

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, identities: Iterable[bytes]) -> None:
        """The last one is the newest."""
        for identity in identities:
            self._known.pop(identity, None)
            self._known[identity] = None
        while len(self._known) > MAX_REMEMBERED:
            del self._known[next(iter(self._known))]

    def packed(self) -> str:
        """All of them as text."""
        return base64.b64encode(b"".join(self._known)).decode()

    def unpack(self, text: str) -> None:
        """Adds what `packed` gave. A text that it cannot have given adds nothing."""
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            return
        self.add(data[at : at + _BYTES] for at in range(0, len(data) - _BYTES + 1, _BYTES))
