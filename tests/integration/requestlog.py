"""What Taskyard's accounts ask of an API server, by its audit log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from integration.chart.installation import NAMESPACE

ACCOUNTS = ("taskyard-operator", "taskyard-gateway", "taskyard-notifier")


def username(account: str) -> str:
    """The user that a service account of the installation is."""
    return f"system:serviceaccount:{NAMESPACE}:{account}"


@dataclass(frozen=True, order=True)
class Request:
    """What was asked: `resource` has its subresource after a slash, `namespace` is empty for what is asked of the whole
    cluster, `name` where no object is named."""

    group: str
    resource: str
    verb: str
    namespace: str
    name: str


class RequestLog:
    """The audit log of an API server that is started with these `flags`: a line for each request of Taskyard's accounts
    at the level Metadata, which has no bodies, written before it is answered."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "audit.log"
        policy = folder / "audit-policy.json"
        policy.write_text(
            json.dumps(
                {
                    "apiVersion": "audit.k8s.io/v1",
                    "kind": "Policy",
                    # A watch is told when it begins, not only at its end.
                    "omitStages": ["RequestReceived"],
                    "rules": [{"level": "Metadata", "users": [*map(username, ACCOUNTS)]}, {"level": "None"}],
                }
            )
        )
        self.flags = (f"--audit-policy-file={policy}", f"--audit-log-path={self.file}")

    @property
    def end(self) -> int:
        """Where it ends now: `of` begins there, if it is told."""
        return self.file.stat().st_size if self.file.exists() else 0

    def of(self, account: str, *, since: int = 0) -> set[Request]:
        """What an account has asked for, whether it was allowed or refused."""
        with self.file.open("rb") as file:
            file.seek(since)
            # The last line may not be whole yet.
            lines = file.read().rpartition(b"\n")[0].splitlines()
        return set(_requests(username(account), lines))


def _requests(who: str, lines: Iterable[bytes]) -> Iterable[Request]:
    for line in lines:
        entry = json.loads(line)
        reference = entry.get("objectRef")
        # Without an object it is the discovery of what is served, which is everybody's right.
        if entry["user"]["username"] != who or reference is None:
            continue
        resource = "/".join(reference[part] for part in ("resource", "subresource") if part in reference)
        yield Request(
            reference.get("apiGroup", ""),
            resource,
            entry["verb"],
            reference.get("namespace", ""),
            reference.get("name", ""),
        )
