"""The current keys: read from the Secret at the start, checked again every minute."""

import asyncio
import contextlib
import logging

from taskyard.apiclient import ApiError
from taskyard.core import names
from taskyard.core.security.keyring import Keyring, keyring_from
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.context import Context
from taskyard.gateway.tls.issued import IssuedCertificate

POLL_SECONDS = 2.0
CHECK_SECONDS = 60.0

logger = logging.getLogger(__name__)


class NoKeysError(Exception):
    """There are no usable keys; the text says why."""


async def read_keys(cluster: Cluster, namespace: str) -> Keyring:
    """The keys of the installation in `namespace`. Raises NoKeysError when there are no usable ones."""
    try:
        secret = await cluster.secret(namespace, names.KEYS_SECRET)
    except ApiError as error:
        raise NoKeysError(str(error)) from error
    if secret is None:
        raise NoKeysError("it does not exist yet; the operator creates it")
    try:
        return keyring_from(secret.get("data") or {})
    except ValueError as error:
        raise NoKeysError(str(error)) from error


async def wait_for_keys(cluster: Cluster, namespace: str, stop: asyncio.Event) -> Keyring | None:
    """The keys, once there are any; None if `stop` is set first. Logs one line for each new reason to wait."""
    reason = ""
    while not stop.is_set():
        try:
            keyring = await read_keys(cluster, namespace)
        except NoKeysError as error:
            if str(error) != reason:
                reason = str(error)
                logger.warning("waiting for Secret %s/%s: %s", namespace, names.KEYS_SECRET, reason)
            await _pause(stop, POLL_SECONDS)
            continue
        return keyring
    return None


async def keep_fresh(
    context: Context,
    certificate: IssuedCertificate,
    namespace: str,
    stop: asyncio.Event,
    *,
    every: float = CHECK_SECONDS,
) -> None:
    """Until `stop`, every `every` seconds: take over changed keys, and renew the certificate before it expires.

    The current keys stay in use while the Secret cannot be read.
    """
    reason = ""
    while not stop.is_set():
        await _pause(stop, every)
        try:
            keyring = await read_keys(context.cluster, namespace)
            reason = ""
        except NoKeysError as error:
            if str(error) != reason:
                reason = str(error)
                logger.warning("keeping the current keys; Secret %s/%s: %s", namespace, names.KEYS_SECRET, reason)
            keyring = context.keyring
        if keyring != context.keyring:
            logger.warning("Secret %s/%s has changed: sidecars have to enrol again", namespace, names.KEYS_SECRET)
            context.keyring = keyring
        try:
            if certificate.is_due(keyring.authority, context.now()):
                ends = certificate.renew(keyring.authority, context.now())
                logger.info("new certificate, valid until %s", ends.isoformat())
        except ValueError as error:
            logger.error("no new certificate: %s", error)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
