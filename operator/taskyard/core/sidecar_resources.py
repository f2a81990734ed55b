"""The sidecar's resources, fitted to what a namespace's quotas and LimitRanges ask of each container.

A person who writes a template gives the agent's container what the namespace asks for. The sidecar has the resources of
the chart, for every namespace the same. So when the API server refuses a Pod over a rule that the sidecar breaks, what
that rule asks for is read off its words. Nothing is watched or asked for that, and a namespace without such rules
never has anything fitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from taskyard.core import quantity
from taskyard.core.pod_view import SIDECAR

Resources = dict[str, Any]


@dataclass(frozen=True)
class Bounds:
    """Of one resource: what the sidecar gets where a value has to be there, the smallest limit with which it can work,
    and the largest request that is taken for it without a person's word."""

    request: str
    limit: str
    least_limit: str
    most_request: str


BOUNDS = {
    # With less than a twentieth of a core the sidecar is too slow to read a terminal.
    "cpu": Bounds(request="10m", limit="250m", least_limit="50m", most_request="1"),
    "memory": Bounds(request="48Mi", limit="192Mi", least_limit="96Mi", most_request="1Gi"),
    # Its log, which the kubelet rotates, and the conversation of an agent without a home.
    "ephemeral-storage": Bounds(request="16Mi", limit="256Mi", least_limit="64Mi", most_request="1Gi"),
}
# Sentences without their end, which says what follows for a Task or for a template version.
REMEDY = (
    "Set sidecar.resources in the values of Taskyard's chart to what the namespace allows, or change its LimitRange or "
    "ResourceQuota"
)
REMEDY_SUM = (
    "The Pod's sum includes Taskyard's sidecar (sidecar.resources in the values of Taskyard's chart). Use a template "
    "version that asks for that much less, or change the LimitRange"
)

_RESOURCE = "(?P<resource>cpu|memory|ephemeral-storage)"
_QUANTITY = r"(?P<quantity>\d+(?:\.\d+)?(?:[eE]\d+|[A-Za-z]{0,2}))"
_MISSING = re.compile(rf"\b(?:(?P<part>requests|limits)\.)?{_RESOURCE}(?: for: (?P<containers>[^;\s\]]+))?")
_MINIMUM = re.compile(rf"minimum {_RESOURCE} usage per Container is {_QUANTITY}")
_MAXIMUM = re.compile(rf"maximum {_RESOURCE} usage per Container is {_QUANTITY}")
# A Pod's ratio is kept when each of its containers keeps it.
_RATIO = re.compile(rf"\b{_RESOURCE} max limit to request ratio per (?:Container|Pod) is {_QUANTITY}")
_BELOW_REQUEST = re.compile(
    rf"initContainers\[0\]\.resources\.requests: Invalid value: \S+ must be less than or equal to {_RESOURCE} limit"
)
_SUM = re.compile(rf"maximum {_RESOURCE} usage per Pod is ")


class _CannotFit(Exception):  # noqa: N818 - a verdict, not an error
    """A rule asks for more, or leaves less, than the sidecar may get."""


@dataclass
class _Amounts:
    """Request and limit of one resource, None where none is set."""

    request: Decimal | None
    limit: Decimal | None

    @property
    def asked(self) -> Decimal | None:
        """What counts as the request: the API server sets it to the limit where there is only that."""
        return self.limit if self.request is None else self.request


def fitted(resources: Resources, message: str) -> Resources | None:
    """The resources with which the sidecar keeps the rules that a refusal's message names; None when it keeps them
    already, or cannot keep them."""
    try:
        changed = _fitted(resources, message)
    except _CannotFit:
        return None
    return None if changed == _rendered(_amounts(resources), resources) else changed


def remedy(resources: Resources, message: str) -> str | None:
    """What helps when a Pod is refused over the sidecar's resources; None when the refusal is about something else."""
    if any(name == SIDECAR for found in _missing(message) for name in found[2]):
        return REMEDY
    try:
        _fitted(resources, message)
    except _CannotFit:
        return REMEDY
    return REMEDY_SUM if _SUM.search(message) else None


def _fitted(resources: Resources, message: str) -> Resources:
    amounts = _amounts(resources)
    for found in _BELOW_REQUEST.finditer(message):
        name = found["resource"]
        _limit(name, amounts[name])
    for part, name, containers in _missing(message):
        if containers and SIDECAR not in containers:
            continue
        if part == "limits" and amounts[name].limit is None:
            _limit(name, amounts[name])
        elif part == "requests" and amounts[name].asked is None:
            amounts[name].request = _bound(name, "request")
    for rule, keep in _RULES:
        for found in rule.finditer(message):
            value = quantity.parse(found["quantity"])
            if value is not None:
                keep(found["resource"], amounts[found["resource"]], value)
    return _rendered(amounts, resources)


def _missing(message: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Part, resource and containers of each value that a quota wants to see; no containers: older servers name none."""
    _, _, rest = message.partition("must specify ")
    for found in _MISSING.finditer(rest):
        yield (
            found["part"] or "requests",
            found["resource"],
            tuple(filter(None, (found["containers"] or "").split(","))),
        )


def _limit(name: str, amounts: _Amounts) -> None:
    """Set a limit, and the request beside it: with a limit alone the API server would reserve as much."""
    amounts.request = amounts.request or _bound(name, "request")
    amounts.limit = max(_bound(name, "limit"), amounts.request)


def _keep_minimum(name: str, amounts: _Amounts, least: Decimal) -> None:
    if (amounts.asked or Decimal(0)) < least:
        if least > _bound(name, "most_request"):
            raise _CannotFit
        amounts.request = max(least, _bound(name, "request") if amounts.asked is None else least)
    if amounts.limit is not None and amounts.limit < max(least, amounts.request or least):
        amounts.limit = max(least, amounts.request or least)


def _keep_maximum(name: str, amounts: _Amounts, most: Decimal) -> None:
    if amounts.limit is None:
        _limit(name, amounts)
    if amounts.limit is None or amounts.limit > most:
        if most < _bound(name, "least_limit"):
            raise _CannotFit
        amounts.limit = most
    if amounts.request is not None and amounts.request > amounts.limit:
        amounts.request = amounts.limit


def _keep_ratio(name: str, amounts: _Amounts, most: Decimal) -> None:
    if most <= 0:
        raise _CannotFit
    if amounts.limit is None:
        _limit(name, amounts)
    asked, limit = amounts.asked or Decimal(0), amounts.limit or Decimal(0)
    if asked * most < limit:
        # Rounded up as it will be written, so that the ratio is kept.
        amounts.request = _written(name, limit / most)
        if amounts.request > _bound(name, "most_request"):
            raise _CannotFit


_RULES: tuple[tuple[re.Pattern[str], Callable[[str, _Amounts, Decimal], None]], ...] = (
    (_MINIMUM, _keep_minimum),
    (_MAXIMUM, _keep_maximum),
    (_RATIO, _keep_ratio),
)


def _amounts(resources: Resources) -> dict[str, _Amounts]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    return {name: _Amounts(quantity.parse(requests.get(name)), quantity.parse(limits.get(name))) for name in BOUNDS}


def _rendered(amounts: dict[str, _Amounts], resources: Resources) -> Resources:
    """The resources with these amounts; those of other names stay, and values that are not changed stay as written."""
    result: Resources = {**resources}
    for part in ("requests", "limits"):
        given = dict(resources.get(part) or {})
        for name, found in amounts.items():
            value = found.request if part == "requests" else found.limit
            if value is not None and value != quantity.parse(given.get(name)):
                given[name] = _text(name, value)
        if given:
            result[part] = given
    return result


def _text(name: str, value: Decimal) -> str:
    return quantity.millis(value) if name == "cpu" else quantity.octets(value)


def _written(name: str, value: Decimal) -> Decimal:
    return quantity.parse(_text(name, value)) or value


def _bound(name: str, part: str) -> Decimal:
    return quantity.parse(getattr(BOUNDS[name], part)) or Decimal(0)
