"""What holds at every moment, checked on the watches as they tell it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from kube import Object
from taskyard.core.observed import BuildView
from taskyard.core.ownership import owner_uid


class History:
    """Listens to Pods and builds; `wrongs` are the moments at which something did not hold."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        # Every event of the two kinds, in a line each.
        self.told: list[str] = []
        # Task UID to number to the UIDs of builds that bore it.
        self.builds: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._pods: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._newest: dict[str, BuildView] = {}

    def pod_event(self, kind: str, pod: Object) -> None:
        """A Task has one Pod at most, the terminating one counted."""
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
                self.wrongs.append(f"a Task has two Pods at once: {', '.join(pods.values())}")

    def build_event(self, kind: str, build: Object) -> None:
        """A number is given once, and a build begins when the one before it has ended."""
        owner, view = owner_uid(build) or "", BuildView.of(build)
        self._note(kind, "build", build, view.reason, view.phase)
        if kind == "DELETED":
            return
        self.made(build)
        newest = self._newest.get(owner)
        if newest is None or view.number >= newest.number:
            if newest is not None and view.number > newest.number and not newest.finished:
                self.wrongs.append(f"build {view.name} was made while {newest.name} was {newest.phase}")
            self._newest[owner] = view

    def _note(self, kind: str, what: str, manifest: Object, *words: object) -> None:
        metadata = manifest["metadata"]
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")
        ids = f"{metadata['uid']} of {owner_uid(manifest)} at {metadata['resourceVersion']}"
        self.told.append(f"{now} {kind} {what} {metadata['name']} {ids}: {' '.join(map(str, words))}")

    def made(self, build: Object) -> None:
        """A build that was made, by whatever source."""
        numbers = self.builds[owner_uid(build) or ""]
        numbers[build["spec"]["number"]].add(build["metadata"]["uid"])

    def number_faults(self) -> list[str]:
        """Gaps and repeats of all builds that ever were."""
        faults = []
        for task, numbers in self.builds.items():
            if sorted(numbers) != list(range(1, max(numbers) + 1)):
                faults.append(f"builds of Task {task} have a gap: {sorted(numbers)}")
            faults += [
                f"build {number} of Task {task} was made twice" for number, uids in numbers.items() if len(uids) > 1
            ]
        return faults
