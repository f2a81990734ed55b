"""The size of a Task's home: it grows with the template version at a start and never shrinks. What prevents it is
told in the condition HomeResized; whether a volume can grow is known to the API server and its storage alone.
"""

from __future__ import annotations

from decimal import Decimal

from taskyard.api.vocabulary import Transition
from taskyard.core import quantity
from taskyard.core.conditions import HOME_RESIZED, Verdict
from taskyard.core.observed import Observed


def octets(size: str) -> Decimal:
    """A size in bytes; 0 for what is none, which Kubernetes does not store."""
    return quantity.parse(size) or Decimal(0)


def wanted(observed: Observed) -> str | None:
    """The size that the template version in use asks for; None without a home."""
    home = observed.template_version.home if observed.template_version else None
    return str(home["size"]) if home and observed.claim else None


def larger_size(observed: Observed) -> str | None:
    """The size that the claim is to grow to before the newest build's Pod is created; None when it is large enough, or
    when that was refused at this start."""
    size, claim, build = wanted(observed), observed.claim, observed.newest
    if size is None or claim is None or build is None or build.resize_refusal:
        return None
    return size if octets(size) > octets(claim.requested) else None


def verdict(observed: Observed) -> Verdict | None:
    """The condition HomeResized: False while the home is smaller or larger than the version in use asks for, True once
    it is not any more, and absent before."""
    size, claim, build = wanted(observed), observed.claim, observed.newest
    former = next((c for c in observed.task.status.get("conditions", ()) if c["type"] == HOME_RESIZED), None)
    kept = Verdict(HOME_RESIZED, former["status"] == "True", former["reason"], former["message"]) if former else None
    version = observed.template_version
    if version is None or build is None or build.transition is Transition.STOP or observed.pending_reservation:
        return kept
    if size is None or claim is None:
        return None
    asked, requested = octets(size), octets(claim.requested)
    if asked < requested:
        message = (
            f'The home stays at {claim.requested}: TemplateVersion "{version.name}" asks for {size}, but no home can '
            "shrink."
        )
        return Verdict(HOME_RESIZED, False, "ShrinkNotSupported", message)
    if asked > requested:
        if build.resize_refusal is None:
            return kept
        message = (
            f'The home stays at {claim.requested} though TemplateVersion "{version.name}" asks for {size}: '
            f"{build.resize_refusal}. The Task runs with the home as it is; the next start tries again."
        )
        return Verdict(HOME_RESIZED, False, "ResizeRefused", message)
    if claim.capacity is not None and octets(claim.capacity) < requested:
        detail = f": {claim.resizing}" if claim.resizing else "."
        message = f"The home is being resized from {claim.capacity} to {claim.requested}{detail}"
        return Verdict(HOME_RESIZED, False, "Resizing", message)
    return Verdict(HOME_RESIZED, True, "Resized", f"The home has {claim.requested}.") if kept else None
