"""One Task that the operator under test has started itself, and as many copies of its objects as wanted.

So the bare client writes what this operator writes, and the population is what it leaves behind, of any version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from bench.etcd import Entry
from kube import PREFIXES, Object

NAME = "specimen-of-the-bench"
PLURALS = ("tasks", "workspacebuilds", "pods")

# Fields of a Pod's spec, and of its containers, that the API server fills in.
_FILLED_IN = (
    "dnsPolicy",
    "imagePullPolicy",
    "preemptionPolicy",
    "priority",
    "schedulerName",
    "serviceAccount",
    "serviceAccountName",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tolerations",
)
_METADATA = ("name", "labels", "annotations", "ownerReferences")


@dataclass(frozen=True)
class Specimen:
    """The objects of one Task with its build and its Pod, as the API server shows them; the Task's name is NAME."""

    namespace: str
    task: Object
    build: Object
    pod: Object

    def path(self, plural: str) -> str:
        """The API server's path of the objects of a kind."""
        return f"{PREFIXES.get(plural, '/api/v1')}/namespaces/{self.namespace}/{plural}"

    def new_task(self, name: str) -> Object:
        """A Task as its author creates it."""
        return {**_kind(self.task), "metadata": {"name": name}, "spec": self.task["spec"]}

    def new_status(self, name: str) -> Object:
        """The patch that gives the Task of this name its status."""
        return self._renamed({"status": self.task["status"]}, name, "")

    def new_build(self, name: str, uid: str) -> Object:
        """The build as the operator creates it for the Task of this name and UID."""
        return self._renamed({**_kind(self.build), "metadata": _own(self.build), "spec": self.build["spec"]}, name, uid)

    def new_pod(self, name: str, uid: str) -> Object:
        """The Pod as the operator creates it for the Task of this name and UID."""
        spec = _asked_for(self.pod["spec"])
        return self._renamed({**_kind(self.pod), "metadata": _own(self.pod), "spec": spec}, name, uid)

    def stored(self, names: Iterator[str], *, seed: int) -> Iterator[Entry]:
        """The objects of a Task of each name, as etcd has them: their keys and values. `seed` keeps the UIDs of
        several calls apart."""
        templates = []
        for plural, found in zip(PLURALS, (self.task, self.build, self.pod), strict=True):
            stored = deepcopy(found)
            del stored["metadata"]["resourceVersion"]
            folder = plural if plural == "pods" else f"taskyard.dev/{plural}"
            key = f"/registry/{folder}/{self.namespace}/{found['metadata']['name']}"
            templates.append((key, json.dumps(stored)))
        uids = [found["metadata"]["uid"] for found in (self.task, self.build, self.pod)]
        for number, name in enumerate(names):
            for key, text in templates:
                value = text.replace(NAME, name)
                for kind, uid in enumerate(uids):
                    value = value.replace(uid, f"{seed:08x}-{kind:04x}-4000-8000-{number:012x}")
                yield key.replace(NAME, name), value.encode()

    def prefixes(self, name: str) -> tuple[str, ...]:
        """etcd's keys of all objects of Tasks whose name starts so, their Events among them."""
        folders = ("taskyard.dev/tasks", "taskyard.dev/workspacebuilds", "pods", "persistentvolumeclaims", "events")
        return tuple(f"/registry/{folder}/{self.namespace}/{name}" for folder in folders)

    def _renamed(self, manifest: Object, name: str, uid: str) -> Object:
        text = json.dumps(manifest).replace(NAME, name).replace(self.task["metadata"]["uid"], uid)
        renamed: Object = json.loads(text)
        return renamed


def _kind(found: Object) -> Object:
    return {"apiVersion": found["apiVersion"], "kind": found["kind"]}


def _own(found: Object) -> Object:
    return {field: value for field, value in found["metadata"].items() if field in _METADATA}


def _asked_for(spec: Object) -> Object:
    """A Pod's spec without what the API server fills in."""
    asked = {field: value for field, value in spec.items() if field not in _FILLED_IN}
    for field in ("initContainers", "containers"):
        asked[field] = [
            {name: value for name, value in container.items() if name not in _FILLED_IN}
            for container in spec.get(field, ())
        ]
    return asked
