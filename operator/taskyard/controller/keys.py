"""The installation's keys: made once, by the operator, and kept in a Secret of its namespace.

The chart does not make them: a GitOps tool renders charts without looking things up, and would change them at every
sync.
"""

from __future__ import annotations

import base64
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from taskyard.controller.cluster import SECRETS, ApiError, Cluster, Object
from taskyard.core.certificates import Authority, check_authority, new_authority
from taskyard.core.keys import MASTER_KEY_BYTES
from taskyard.core.names import KEYS_SECRET

logger = logging.getLogger(__name__)


class KeysError(Exception):
    """The Secret is there and cannot be used; the text says what is wrong and what helps."""


@dataclass(frozen=True)
class Keys:
    """Certificate of the authority (PEM), and the key from which every Pod's key is derived."""

    ca_certificate: str
    master_key: bytes = field(repr=False)


async def ensure(cluster: Cluster, namespace: str, *, now: datetime) -> Keys:
    """The keys, made at the first start. Raises ApiError and KeysError."""
    found = await cluster.get(SECRETS, namespace, KEYS_SECRET)
    if found is None:
        try:
            found = await cluster.create(SECRETS, manifest(namespace, now=now))
            logger.info("secret %s/%s: made", namespace, KEYS_SECRET)
        except ApiError as error:
            if not error.is_already_exists:
                raise
            found = await cluster.get(SECRETS, namespace, KEYS_SECRET)
    return parse(found or {}, namespace)


def manifest(namespace: str, *, now: datetime) -> Object:
    """A Secret with new keys."""
    authority = new_authority(now)
    values = {
        "ca.crt": authority.certificate_pem.encode(),
        "ca.key": authority.key_pem.encode(),
        "master.key": secrets.token_bytes(MASTER_KEY_BYTES),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": KEYS_SECRET,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "taskyard", "app.kubernetes.io/managed-by": "taskyard"},
        },
        "immutable": True,
        "type": "Opaque",
        "data": {name: base64.b64encode(value).decode() for name, value in values.items()},
    }


def parse(secret: Object, namespace: str) -> Keys:
    """The keys in a Secret. Raises KeysError."""
    where = f"secret {namespace}/{KEYS_SECRET}"
    remedy = "restore it from a backup, or delete it and restart operator and gateway (running Tasks then enrol again)"
    try:
        data = {name: base64.b64decode(value) for name, value in secret.get("data", {}).items()}
        authority = Authority(data["ca.crt"].decode(), data["ca.key"].decode())
        check_authority(authority)
        master_key = data["master.key"]
    except KeyError as error:
        raise KeysError(f"{where} has no {error.args[0]}; {remedy}") from error
    except ValueError as error:
        raise KeysError(f"{where}: {error}; {remedy}") from error
    if len(master_key) != MASTER_KEY_BYTES:
        raise KeysError(f"{where}: master.key has {len(master_key)} bytes, not {MASTER_KEY_BYTES}; {remedy}")
    return Keys(ca_certificate=authority.certificate_pem, master_key=master_key)
