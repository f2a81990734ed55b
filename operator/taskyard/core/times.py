"""Moments and spans as Kubernetes writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"h": 3600, "m": 60, "s": 1}
# Longer spans make no difference, and a moment plus this one is still a valid datetime.
MAX_DURATION = timedelta(days=36_500)


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`: UTC, whole seconds, like every timestamp of Kubernetes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milli(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`: UTC, milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def micro(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000000Z`: where order within a second counts, as in Kubernetes' own MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """The moment of an RFC 3339 text. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return moment


def duration(text: str) -> timedelta:
    """The span of `1h30m`, `45s`, at most MAX_DURATION. Raises ValueError for anything else."""
    parts = re.findall(r"([0-9]+)([hms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 45s, 30m or 1h30m")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(seconds=min(seconds, int(MAX_DURATION.total_seconds())))
