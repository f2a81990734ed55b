"""The rights that the chart's roles give, beside what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from integration.chart.installation import NAMESPACE, Cluster
from integration.requestlog import Request


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource: in one namespace or, with an empty `namespace`, in the whole cluster; on the object of
    one name or, with an empty `name`, on any."""

    group: str
    resource: str
    verb: str
    namespace: str
    name: str

    def allows(self, request: Request) -> bool:
        asked = (request.group, request.resource, request.verb)
        return (
            asked == (self.group, self.resource, self.verb)
            and self.namespace in ("", request.namespace)
            and self.name in ("", request.name)
        )

    def is_needed_for(self, request: Request) -> bool:
        """Whether it allows this, and a Role in the installation's namespace would not do."""
        return self.allows(request) and (self.namespace != "" or request.namespace != NAMESPACE)


def granted(cluster: Cluster, account: str) -> set[Right]:
    """What the chart's roles give to an account of the installation."""
    bindings = cluster.get("clusterrolebindings,rolebindings", "-A", "-l", "app.kubernetes.io/name=taskyard")["items"]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    found: set[Right] = set()
    for binding in bindings:
        if subject not in binding["subjects"]:
            continue
        namespace = binding["metadata"].get("namespace", "")
        role = cluster.get(binding["roleRef"]["kind"], binding["roleRef"]["name"], "-n", namespace or NAMESPACE)
        for rule in role["rules"]:
            found.update(_rights(rule, namespace))
    return found


def _rights(rule: dict[str, Any], namespace: str) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", ("",)):
                    yield Right(group, resource, verb, namespace, name)


def lacking(rights: Iterable[Right], requests: Iterable[Request]) -> list[Request]:
    """What was asked for without a right of the chart's."""
    return sorted(request for request in requests if not any(right.allows(request) for right in rights))


def unused(rights: Iterable[Right], requests: Iterable[Request]) -> list[Right]:
    """The rights that nothing of this was asked with."""
    return sorted(right for right in rights if not any(right.is_needed_for(request) for request in requests))
