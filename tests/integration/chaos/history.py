"""Invariants that hold at every moment, checked on the events of watches."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from kube import Object
from taskyard.core.build_view import BuildView
from taskyard.core.ownership import owner_uid


class History:
    """Listens to Pods and builds; `wrongs` are the violations that it saw."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        # Every event of the two kinds, one per line.
        self.told: list[str] = []
        # Task UID to build number to the UIDs of the builds with that number.
        self.builds: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._pods: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._newest: dict[str, BuildView] = {}

    def pod_event(self, kind: str, pod: Object) -> None:
        """Checks that a Task has at most one Pod, including a terminating one."""
        owner, metadata = owner_uid(pod) or "", pod["metadata"]
        leaving = "leaving" if "deletionTimestamp" in metadata else ""
        self._note(kind, "Pod", pod, pod["status"].get("phase"), pod["spec"].get("nodeName", "unbound"), leaving)
        pods = self._pods[owner]
        if kind == "DELETED":
            pods.pop(metadata["uid"], None)
            return
        if metadata["uid"] not in pods:
            pods[metadata["uid"]] = metadata["name"]
            if len(pods) > 1:
                self.wrongs.append(f"a Task has two Pods at the same time: {', '.join(pods.values())}")

    def build_event(self, kind: str, build: Object) -> None:
        """Checks that a number is used once, and that a build starts after the previous one has ended."""
        owner, view = owner_uid(build) or "", BuildView.of(build)
        self._note(kind, "build", build, view.reason, view.phase)
        if kind == "DELETED":
            return
        self.made(build)
        newest = self._newest.get(owner)
        if newest is None or view.number >= newest.number:
            if newest is not None and view.number > newest.number and not newest.finished:
                self.wrongs.append(f"build {view.name} was created while {newest.name} was {newest.phase}")
            self._newest[owner] = view

    def _note(self, kind: str, what: str, manifest: Object, *words: object) -> None:
        metadata = manifest["metadata"]
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")
        ids = f"{metadata['uid']} of {owner_uid(manifest)} at {metadata['resourceVersion']}"
        self.told.append(f"{now} {kind} {what} {metadata['name']} {ids}: {' '.join(map(str, words))}")

    def made(self, build: Object) -> None:
        """Records a build that was created, from any source."""
        numbers = self.builds[owner_uid(build) or ""]
        numbers[build["spec"]["number"]].add(build["metadata"]["uid"])

    def number_faults(self) -> list[str]:
        """Gaps and repetitions in the numbers of all builds that ever existed."""
        faults = []
        for task, numbers in self.builds.items():
            if sorted(numbers) != list(range(1, max(numbers) + 1)):
                faults.append(f"builds of Task {task} have a gap: {sorted(numbers)}")
            faults += [
                f"build {number} of Task {task} was created twice" for number, uids in numbers.items() if len(uids) > 1
            ]
        return faults
