"""Leader election over a Lease: who may act, by clocks that each process reads for itself.

Moments (`now`, `since`, `until`) are seconds of one process' own clock, which never steps; no two processes compare
theirs, and the times written in the Lease are for people. What keeps two from acting at once:

- A holder acts until its renew deadline, counted from *before* its last successful write was sent.
- Everybody else counts the longer lease duration from the moment at which *it* first saw that write, which is later.
- Each write to the Lease is guarded by the resourceVersion that was seen, so of two that take it over one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskyard.core import times

Manifest = dict[str, Any]

NAME = "taskyard-operator"
API_VERSION = "coordination.k8s.io/v1"


@dataclass(frozen=True)
class Terms:
    """Spans in seconds: how long others wait for a silent holder (whole seconds: the Lease takes no others), how long
    the holder acts without having renewed, and how often it renews and the others look."""

    duration: int
    renew_deadline: float
    retry_period: float

    @property
    def request_timeout(self) -> float:
        """Of a request for the Lease: one that hangs leaves time for another."""
        return self.renew_deadline / 2

    @property
    def problem(self) -> str | None:
        """What is wrong with them, if anything."""
        if self.duration < 1 or self.retry_period <= 0:
            return "lease duration and retry period must be more than nothing"
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
        """One without a duration of its own (written by hand) has that of `terms`."""
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
    """What was seen last, None for no Lease, and the moment from which it may be taken over."""

    lease: LeaseView | None
    free_at: float


@dataclass(frozen=True)
class Take:
    """Write the own name into the Lease, or make it: nobody holds it any more."""


@dataclass(frozen=True)
class Renew:
    """Write the own name again: the Lease is held."""


@dataclass(frozen=True)
class Wait:
    """Somebody else holds it, for `seconds` more unless it is renewed."""

    seconds: float


@dataclass(frozen=True)
class Lost:
    """The Lease was held and is no more; nothing may be written from now on."""

    cause: str


Step = Take | Renew | Wait | Lost


def see(former: Sight | None, lease: LeaseView | None, *, identity: str, now: float) -> Sight:
    """What is known after the Lease was read; `now` is a moment after the answer came."""
    if former is not None and former.lease == lease:
        return former
    if lease is None:
        # Deleted by hand: its last holder does not know it yet. A process that never saw a holder has none to wait for.
        return Sight(None, now if former is None or former.lease is None else now + former.lease.duration)
    if lease.holder in ("", identity):
        return Sight(lease, now)
    # Any write counts as the holder's: that errs to the safe side.
    return Sight(lease, now + lease.duration)


def decide(sight: Sight, *, identity: str, until: float | None, now: float) -> Step:
    """What to do; `until` is the end of the own hold, None for a process that has not held the Lease yet."""
    holder = sight.lease.holder if sight.lease else identity
    if until is None:
        return Take() if now >= sight.free_at else Wait(sight.free_at - now)
    if now >= until:
        return Lost("it could not be renewed in time")
    if holder != identity:
        return Lost(f"{holder} holds it now" if holder else "somebody took the holder's name out")
    return Renew()


def manifest(namespace: str, *, identity: str, terms: Terms, now: datetime) -> Manifest:
    """A new Lease, held. `now` is wall-clock time, for people."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Lease",
        "metadata": {
            "name": NAME,
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
    """The patch that takes the Lease over, or renews it, if it is still as it was seen."""
    spec: Manifest = {
        "holderIdentity": identity,
        "leaseDurationSeconds": terms.duration,
        "renewTime": times.micro(now),
    }
    if lease.holder != identity:
        spec |= {"acquireTime": times.micro(now), "leaseTransitions": lease.transitions + 1}
    return {"metadata": {"uid": lease.uid, "resourceVersion": lease.resource_version}, "spec": spec}


def release(lease: LeaseView) -> Manifest:
    """The patch with which the holder lets go, so that the next one need not wait."""
    return {
        "metadata": {"uid": lease.uid, "resourceVersion": lease.resource_version},
        "spec": {"holderIdentity": None},
    }
