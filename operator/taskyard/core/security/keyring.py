"""The Secret `taskyard-keys`, which the operator creates once and every replica of the gateway reads."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from taskyard.core.security.certificates import Authority, check_authority
from taskyard.core.security.keys import MASTER_KEY_BYTES


@dataclass(frozen=True)
class Keyring:
    """The installation's certificate authority and its master key (32 bytes)."""

    authority: Authority
    master_key: bytes = field(repr=False)


def secret_data(keyring: Keyring) -> dict[str, str]:
    """The Secret's `data`: `ca.crt`, `ca.key` (PEM) and `master.key`, each in base64."""
    return {
        "ca.crt": base64.b64encode(keyring.authority.certificate_pem.encode()).decode(),
        "ca.key": base64.b64encode(keyring.authority.key_pem.encode()).decode(),
        "master.key": base64.b64encode(keyring.master_key).decode(),
    }


def keyring_from(data: Mapping[str, str]) -> Keyring:
    """Read a Secret's `data`. Raises ValueError, which names a wrong entry but never shows its content."""
    authority = Authority(
        certificate_pem=_entry(data, "ca.crt").decode("ascii", "replace"),
        key_pem=_entry(data, "ca.key").decode("ascii", "replace"),
    )
    check_authority(authority)
    master_key = _entry(data, "master.key")
    if len(master_key) != MASTER_KEY_BYTES:
        raise ValueError(f"master.key has {len(master_key)} bytes, not {MASTER_KEY_BYTES}")
    return Keyring(authority=authority, master_key=master_key)


def _entry(data: Mapping[str, str], name: str) -> bytes:
    if name not in data:
        raise ValueError(f"{name} is missing")
    try:
        return base64.b64decode(data[name], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name} is not base64") from error
