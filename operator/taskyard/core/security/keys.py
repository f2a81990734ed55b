"""How the parts of Taskyard recognize each other: keys and tokens derived from one master key.

Nothing derived is stored anywhere. The operator and every replica of the gateway hold the same master key (Secret
`taskyard-keys`) and compute a Pod's key from its UID whenever they need it.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

MASTER_KEY_BYTES = 32

# A build's Pod has the build's name, `<task>-<number>`; a Task's name is a DNS label, so none of the parts contains a
# slash or a dot, and the token stays within the characters that RFC 6750 allows for a bearer token.
_TOKEN = re.compile(
    r"(?P<namespace>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
    r"/(?P<build>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
    r"/(?P<pod_uid>[0-9A-Za-z-]{1,64})"
    r"\.(?P<key>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class PodToken:
    """A sidecar's token at the gateway, parsed. `key` proves `pod_uid` and nothing else.

    `namespace` and `build` only say where to look: they are trusted once the build found there records this `pod_uid`.
    """

    namespace: str
    build: str
    pod_uid: str
    key: str

    def __repr__(self) -> str:
        return f"PodToken({self.namespace}/{self.build}/{self.pod_uid})"


def pod_key(master_key: bytes, pod_uid: str) -> str:
    """The key of one Pod: HMAC-SHA256(master key, Pod UID) as 64 hexadecimal digits.

    Raises ValueError when the master key is not 32 bytes long: keys from a short or empty one could be guessed.
    """
    if len(master_key) != MASTER_KEY_BYTES:
        raise ValueError(f"the master key has {len(master_key)} bytes, not {MASTER_KEY_BYTES}")
    return hmac.new(master_key, pod_uid.encode(), hashlib.sha256).hexdigest()


def is_pod_key(master_key: bytes, pod_uid: str, key: str) -> bool:
    """Whether `key` is that Pod's key, compared in constant time."""
    return hmac.compare_digest(pod_key(master_key, pod_uid).encode(), key.encode())


def encode_pod_token(master_key: bytes, *, namespace: str, build: str, pod_uid: str) -> str:
    """The token `<namespace>/<build>/<pod uid>.<key>` that a sidecar gets when it enrols."""
    return f"{namespace}/{build}/{pod_uid}.{pod_key(master_key, pod_uid)}"


def parse_pod_token(token: str) -> PodToken | None:
    """Parse a token; None when it does not have the form of one. Its key is not checked here."""
    match = _TOKEN.fullmatch(token)
    return PodToken(**match.groupdict()) if match else None


def verify_pod_token(master_key: bytes, token: str) -> PodToken | None:
    """The parsed token if its key belongs to its Pod UID, else None."""
    parsed = parse_pod_token(token)
    if parsed is None or not is_pod_key(master_key, parsed.pod_uid, parsed.key):
        return None
    return parsed


def prompt_sha256(prompt: str) -> str:
    """SHA-256 of the prompt's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(prompt.encode()).hexdigest()
