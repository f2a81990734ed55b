"""The installation's keys: generated once, by the operator, and kept in a Secret in its namespace.

The chart does not generate them: a GitOps tool renders charts without looking up what exists, and would replace the
keys at every sync.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from taskyard.controller.cluster import Cluster, ConflictError, Object
from taskyard.core.names import KEYS_SECRET
from taskyard.core.resources import SECRETS
from taskyard.core.security.certificates import new_authority
from taskyard.core.security.keyring import Keyring, keyring_from, secret_data
from taskyard.core.security.keys import MASTER_KEY_BYTES

logger = logging.getLogger(__name__)


class KeysError(Exception):
    """The Secret exists and cannot be used; the text names the fault and the remedy."""


async def ensure(cluster: Cluster, namespace: str, *, now: datetime) -> Keyring:
    """The keys, generated at the first start. Raises ApiError and KeysError."""
    found = await cluster.get(SECRETS, namespace, KEYS_SECRET)
    if found is None:
        try:
            found = await cluster.create(SECRETS, manifest(namespace, now=now))
            logger.info("secret %s/%s: created", namespace, KEYS_SECRET)
        except ConflictError:
            found = await cluster.get(SECRETS, namespace, KEYS_SECRET)
    return parse(found or {}, namespace)


def manifest(namespace: str, *, now: datetime) -> Object:
    """A Secret with new keys."""
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
        "data": secret_data(Keyring(new_authority(now), secrets.token_bytes(MASTER_KEY_BYTES))),
    }


def parse(secret: Object, namespace: str) -> Keyring:
    """The keys in a Secret. Raises KeysError."""
    try:
        return keyring_from(secret.get("data", {}))
    except ValueError as error:
        raise KeysError(
            f"secret {namespace}/{KEYS_SECRET}: {error}; restore it from a backup, or delete it and restart the "
            "operator (running Tasks then enrol again)"
        ) from error
