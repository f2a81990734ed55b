"""Requests, as the API server and the operator count them in their metrics, or an audit log has them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})

# The verbs of an audit log, as the metrics have them.
_AUDITED = {"create": "POST", "update": "PUT", "patch": "PATCH", "deletecollection": "DELETECOLLECTION"}
_REFUSED = 400

_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Request:
    """What is counted together. `resource` has its subresource behind a slash; it is empty in the operator's metric."""

    verb: str
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}".rstrip()


Counts = Counter[Request]


def of_api_server(metrics: str) -> Counts:
    """The requests that an API server has answered, from its metrics; dry runs are left out."""
    found: Counts = Counter()
    for labels, count in _series(metrics, "apiserver_request_total"):
        if not labels.get("dry_run"):
            subresource = labels.get("subresource")
            resource = labels.get("resource", "") + (f"/{subresource}" if subresource else "")
            found[Request(labels["verb"], resource)] += count
    return found


def of_operator(metrics: str) -> Counts:
    """The requests that an operator has made, watches apart, from its metrics."""
    found: Counts = Counter()
    for labels, count in _series(metrics, "taskyard_api_requests_total"):
        if labels["verb"] != "WATCH":
            found[Request(labels["verb"])] += count
    return found


def of_audit_log(lines: Iterable[str | bytes], *, refused: bool = False) -> Counts:
    """The requests in the lines of an audit log that were answered with a success, or with `refused` those that were
    not; each counts when it is over."""
    found: Counts = Counter()
    for line in lines:
        entry = json.loads(line)
        if entry["stage"] != "ResponseComplete" or (entry["responseStatus"]["code"] >= _REFUSED) != refused:
            continue
        reference, verb = entry.get("objectRef", {}), str(entry["verb"])
        subresource = reference.get("subresource")
        resource = reference.get("resource", "") + (f"/{subresource}" if subresource else "")
        found[Request(_AUDITED.get(verb, verb.upper()), resource)] += 1
    return found


def writes(counts: Counts, *, but: tuple[str, ...] = ("leases",)) -> Counts:
    """The writes among them, except those of some resources."""
    return Counter(
        {request: n for request, n in counts.items() if request.verb in WRITES and request.resource not in but}
    )


def of_resource(counts: Counts, resource: str, *verbs: str) -> int:
    """The number of requests for a resource, of some verbs or of all."""
    return sum(
        n for request, n in counts.items() if request.resource == resource and (not verbs or request.verb in verbs)
    )


def text(counts: Counts) -> str:
    """The counts, the largest first."""
    return ", ".join(f"{count:,} {request}" for request, count in counts.most_common()) or "none"


def _series(metrics: str, name: str) -> list[tuple[dict[str, str], int]]:
    lines = re.findall(rf"^{name}\{{(.*)\}} (\S+)", metrics, re.MULTILINE)
    return [(dict(_LABEL.findall(labels)), int(float(value))) for labels, value in lines]
