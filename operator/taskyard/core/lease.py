"""Leader election over a Lease: which process may act, decided by each process's own clock.

Moments (`now`, `since`, `until`) are seconds of a process's own monotonic clock; processes never compare clocks, and
the times written in the Lease are for people. What keeps two processes from acting at once:

- A holder acts until its renew deadline, counted from *before* its last successful write was sent.
- Every other process counts the longer lease duration from when *it* first saw that write, which is later.
- Each write to the Lease carries the resourceVersion that was seen, so that of two takeovers one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskyard.core import times

Manifest = dict[str, Any]

API_VERSION = "coordination.k8s.io/v1"


@dataclass(frozen=True)
class Terms:
    """Spans in seconds: how long others wait for a silent holder (whole seconds, as the Lease requires), how long the
    holder acts without renewing, and how often the holder renews and the others look."""

    duration: int
    renew_deadline: float
    retry_period: float

    @property
    def request_timeout(self) -> float:
        """Timeout of a request for the Lease: one that hangs leaves time for another."""
        return self.renew_deadline / 2

    @property
    def problem(self) -> str | None:
        """What is wrong with these terms, if anything."""
        if self.duration < 1 or self.retry_period <= 0:
            return "lease duration and retry period must be greater than zero"
        if self.renew_deadline >= self.duration:
            return "the renew deadline must be shorter than the lease duration"
        if self.retry_period * 2 > self.renew_deadline:
            return "the retry period must be at most half of the renew deadline"
        return None


@dataclass(frozen=True)
class LeaseView:
    """The Lease as the API server has it. Nobody holds it while `holder` is empty."""

    uid: str
    resource_version: str
    holder: str
    duration: float
    transitions: int

    @classmethod
    def of(cls, manifest: Manifest, *, terms: Terms) -> LeaseView:
        """A Lease without a duration (written by hand) gets that of `terms`."""
        metadata, spec = manifest["metadata"], manifest.get("spec") or {}
        return cls(
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            holder=spec.get("holderIdentity") or "",
            duration=spec.get("leaseDurationSeconds") or terms.duration,
            transitions=spec.get("leaseTransitions") or 0,
        )


@dataclass(frozen=True)
class Sight:
    """The Lease as last seen, None when there was none, and the moment from which it may be taken over."""

    lease: LeaseView | None
    free_at: float


@dataclass(frozen=True)
class Take:
    """Write this process's name into the Lease, or create the Lease: nobody holds it."""


@dataclass(frozen=True)
class Renew:
    """Write this process's name again: it holds the Lease."""


@dataclass(frozen=True)
class Wait:
    """Another process holds the Lease, for `seconds` more unless it renews."""

    seconds: float


@dataclass(frozen=True)
class Lost:
    """This process held the Lease and no longer does; it must not write anything from now on."""

    cause: str


Step = Take | Renew | Wait | Lost


def see(former: Sight | None, lease: LeaseView | None, *, identity: str, now: float) -> Sight:
    """What is known after the Lease was read; `now` is a moment after the response arrived."""
    if former is not None and former.lease == lease:
        return former
    if lease is None:
        # Deleted by hand: its last holder may not know yet. A process that never saw a holder has none to wait for.
        return Sight(None, now if former is None or former.lease is None else now + former.lease.duration)
    if lease.holder in ("", identity):
        return Sight(lease, now)
    # Any write counts as the holder's: that errs on the safe side.
    return Sight(lease, now + lease.duration)


def decide(sight: Sight, *, identity: str, until: float | None, now: float) -> Step:
    """What to do; `until` is when this process's hold ends, None when it has not held the Lease yet."""
    holder = sight.lease.holder if sight.lease else identity
    if until is None:
        return Take() if now >= sight.free_at else Wait(sight.free_at - now)
    if now >= until:
        return Lost("it could not be renewed in time")
    if holder != identity:
        return Lost(f"{holder} holds it now" if holder else "somebody removed the holder's name")
    return Renew()


def manifest(namespace: str, name: str, *, identity: str, terms: Terms, now: datetime) -> Manifest:
    """A new Lease, held. `now` is wall-clock time, for people."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "taskyard", "app.kubernetes.io/managed-by": "taskyard"},
        },
        "spec": {
            "holderIdentity": identity,
            "leaseDurationSeconds": terms.duration,
            "acquireTime": times.micro(now),
            "renewTime": times.micro(now),
            "leaseTransitions": 0,
        },
    }


def hold(lease: LeaseView, *, identity: str, terms: Terms, now: datetime) -> Manifest:
    """The patch that takes the Lease over, or renews it, if it has not changed since it was seen."""
    spec: Manifest = {
        "holderIdentity": identity,
        "leaseDurationSeconds": terms.duration,
        "renewTime": times.micro(now),
    }
    if lease.holder != identity:
        spec |= {"acquireTime": times.micro(now), "leaseTransitions": lease.transitions + 1}
    return {"metadata": {"uid": lease.uid, "resourceVersion": lease.resource_version}, "spec": spec}


def release(lease: LeaseView) -> Manifest:
    """The patch with which the holder releases the Lease, so that the next one need not wait."""
    return {
        "metadata": {"uid": lease.uid, "resourceVersion": lease.resource_version},
        "spec": {"holderIdentity": None},
    }
