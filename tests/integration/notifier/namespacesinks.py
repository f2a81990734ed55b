"""The sinks of one namespace, with their Secrets and what these are granted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integration.chart.installation import NAMESPACE
from integration.notifier.receivers import SIGNING_SECRET
from kube import WAIT_SECONDS, Kube, condition
from taskyard.api.notificationsink import EVENTS

Object = dict[str, Any]
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


class NamespaceSinks:
    """Creates sinks, and removes them."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self.namespace = namespace

    def secret(self, name: str, **data: str) -> None:
        """Creates a Secret."""
        self._kube.create("secrets", self.namespace, {"metadata": {"name": name}, "stringData": data})

    def change_secret(self, name: str, **data: str) -> None:
        self._kube.patch("secrets", self.namespace, name, {"stringData": data})

    def grant(self, *secrets: str) -> None:
        """What the two commands of the condition Ready do."""
        name = f"granted-{'-'.join(secrets)}"
        rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [*secrets], "verbs": ["get"]}
        account = {"kind": "ServiceAccount", "name": "taskyard-notifier", "namespace": NAMESPACE}
        self._kube.request("POST", f"{RBAC}/{self.namespace}/roles", {"metadata": {"name": name}, "rules": [rule]})
        self._kube.request(
            "POST",
            f"{RBAC}/{self.namespace}/rolebindings",
            {
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [account],
            },
        )

    def manifest(
        self,
        name: str = "hook",
        *,
        secret: str | None = None,
        type_: str = "Webhook",
        events: Sequence[str] = EVENTS,
        test: str | None = None,
        **spec: Any,
    ) -> Object:
        annotations = {"taskyard.dev/test": test} if test else {}
        return {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": "NotificationSink",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"type": type_, "secretRef": {"name": secret or name}, "events": list(events), **spec},
        }

    def create(self, name: str = "hook", **fields: Any) -> Object:
        """Creates a sink alone; `fields` are those of `manifest`."""
        return self._kube.create("notificationsinks", self.namespace, self.manifest(name, **fields))

    def add(self, name: str, url: str, **fields: Any) -> Object:
        """Creates a sink with a Secret of its own and the right to it; returns it once it is Ready."""
        self.secret(name, **{"url": url, "signing-secret": SIGNING_SECRET})
        self.grant(name)
        self.create(name, **fields)
        return self.wait(name, lambda sink: condition(sink, "Ready")["status"] == "True")

    def patch(self, name: str, patch: Object) -> None:
        self._kube.patch("notificationsinks", self.namespace, name, patch)

    def ask_for_test(self, value: str, name: str = "hook") -> None:
        self.patch(name, {"metadata": {"annotations": {"taskyard.dev/test": value}}})

    def wait(self, name: str, holds: Callable[[Object], Any], seconds: float = WAIT_SECONDS) -> Object:
        return self._kube.wait(f"sink {name}", "notificationsinks", self.namespace, name, holds, seconds)

    def wait_ready(self, reason: str, name: str = "hook", seconds: float = WAIT_SECONDS) -> str:
        """Returns the message of the condition Ready once it has this reason."""
        found = self.wait(name, lambda sink: condition(sink, "Ready")["reason"] == reason, seconds)
        return str(condition(found, "Ready")["message"])

    def get(self, name: str = "hook") -> Object:
        found = self._kube.get("notificationsinks", self.namespace, name)
        assert found is not None
        return found

    def delete(self, name: str) -> None:
        self._kube.delete("notificationsinks", self.namespace, name)

    def clear(self) -> None:
        """Deletes all sinks and Tasks, so that the next test's notifier finds none."""
        for plural in ("notificationsinks", "tasks", "workspacebuilds"):
            for found in self._kube.list(plural, self.namespace):
                self._kube.delete(plural, self.namespace, found["metadata"]["name"])


def told_of_test(value: str) -> Callable[[Object], bool]:
    """A condition for `wait`: what became of this test is told."""
    return lambda sink: sink.get("status", {}).get("test", {}).get("requested") == value
