"""Authenticates callers by a Kubernetes token, which the API server reviews for its own audience."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from taskyard.apiclient import ApiError
from taskyard.core.tokenbucket import Rate
from taskyard.gateway import metrics
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.http.bearer import bearer
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access.ttl_cache import TtlCache
from taskyard.gateway.review_limit import ReviewLimit

REMEMBERED_SECONDS = 10.0
_REMEMBERED = 4096
_REMEMBERED_BYTES = 8 << 20
# A stream's token is reviewed again a little after its verdict has expired; after an outage of the API server later.
_GRACE_SECONDS = 60.0
# All clients of an ingress controller share its address.
_EACH_ADDRESS = Rate(per_second=20, burst=100)
_ALL_ADDRESSES = Rate(per_second=100, burst=200)
_ADDRESSES = 4096


@dataclass(frozen=True)
class User:
    """A user as the API server identifies them."""

    username: str
    uid: str
    groups: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]

    @functools.cached_property
    def digest(self) -> bytes:
        """Stands for the user in caches and counts: of a fixed size, whatever names and groups the user has."""
        return hashlib.sha256(json.dumps([self.username, self.uid, self.groups, self.extra]).encode()).digest()


@dataclass(frozen=True)
class Person:
    """The caller, and the token with which to write on their behalf."""

    user: User
    token: str = field(repr=False)


class Authentication:
    """Reviews tokens, at limited rates for each address and for all, and caches the verdicts."""

    def __init__(self, cluster: Cluster, metrics: Metrics, *, monotonic: Callable[[], float]) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._monotonic = monotonic
        self._limit = ReviewLimit(each=_EACH_ADDRESS, all_together=_ALL_ADDRESSES, callers=_ADDRESSES, now=monotonic())
        self._verdicts: TtlCache[bytes, User | None] = TtlCache(
            seconds=REMEMBERED_SECONDS,
            most=_REMEMBERED,
            most_bytes=_REMEMBERED_BYTES,
            size=lambda digest, user: len(digest) + _size(user),
            grace=_GRACE_SECONDS,
            monotonic=monotonic,
        )
        metrics.watch_bytes("tokens", lambda: self._verdicts.bytes)

    async def person(self, request: Request) -> Person:
        """The sender of the request. Raises HttpError 401 without a valid token, 429 after too many reviews, and
        ApiError."""
        token = bearer(request)
        if not token.isascii() or not token.isprintable():
            raise HttpError(401, "The token is not valid.")
        address = request.client.host if request.client else ""
        # By its hash: no token stays in memory longer than its request.
        digest = hashlib.sha256(token.encode()).digest()
        # A repeated review, such as that of a stream every ten seconds, does not use up the limit of its address.
        was_valid = self._verdicts.last(digest) is not None
        user = await self._verdicts.get(digest, lambda: self._review(token, None if was_valid else address))
        if user is None:
            raise HttpError(401, "The token is not valid.")
        return Person(user=user, token=token)

    async def _review(self, token: str, address: str | None) -> User | None:
        now = self._monotonic()
        wait = self._limit.take_from_all(now) if address is None else self._limit.take(address, now)
        if wait:
            self._metrics.token_reviewed(metrics.LIMITED)
            raise HttpError(429, "Too many token reviews.", retry_after=wait)
        try:
            user = user_from(await self._cluster.review_token(token, None))
        except ApiError:
            self._metrics.token_reviewed(metrics.FAILED)
            raise
        self._metrics.token_reviewed(metrics.ACCEPTED if user else metrics.REFUSED)
        return user


def user_from(status: Mapping[str, Any]) -> User | None:
    """The user of a TokenReview's status; None when the token is not valid."""
    user = status.get("user") or {}
    if not status.get("authenticated") or not user.get("username"):
        return None
    extra = user.get("extra") or {}
    return User(
        username=user["username"],
        uid=user.get("uid", ""),
        groups=tuple(user.get("groups") or ()),
        extra=tuple(sorted((name, tuple(values or ())) for name, values in extra.items())),
    )


def _size(user: User | None) -> int:
    """About what a user takes in memory, in bytes."""
    if user is None:
        return 0
    texts = [user.username, user.uid, *user.groups]
    for name, values in user.extra:
        texts += [name, *values]
    # A character has up to four bytes.
    return sum(100 + 4 * len(text) for text in texts)
