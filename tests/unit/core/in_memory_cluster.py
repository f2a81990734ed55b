"""A cluster in memory, as far as one Task needs it: it applies steps and simulates external events.

Every write is one call, so that a simulated kill happens between two of them.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from taskyard.core import status, times
from taskyard.core.build_view import BuildView
from taskyard.core.decision import (
    CreateBuild,
    CreateClaim,
    CreatePod,
    DeleteBuild,
    DeletePod,
    DeleteTask,
    EndBuild,
    KeepPodEnd,
    Reserve,
    Rest,
    Step,
    decide,
)
from taskyard.core.manifests import build, claim, pod
from taskyard.core.names import RESUMED_AT
from taskyard.core.observed import Observed
from taskyard.core.pod_view import SIDECAR, PodView
from taskyard.core.task_view import TaskView
from unit.core.builders import NOW, container_status, installation, merge, observed, task_manifest, template_version

Manifest = dict[str, Any]


@dataclass
class InMemoryCluster:
    """One Task, its builds, its Pods (newest last), its claim, and the time."""

    task: Manifest = field(default_factory=task_manifest)
    builds: list[Manifest] = field(default_factory=list)
    pods: list[Manifest] = field(default_factory=list)
    claims: list[Manifest] = field(default_factory=list)
    seconds: int = 0
    uids: int = 0
    has_template: bool = True
    has_quota: bool = True
    # How often something asked to resume a Task that may have paused automatically.
    wakes: int = 0

    @property
    def live(self) -> list[Manifest]:
        """Pods whose containers run or may still run."""
        return [p for p in self.pods if p["status"]["phase"] not in ("Succeeded", "Failed")]

    def observe(self) -> Observed:
        return observed(
            TaskView.of(deepcopy(self.task)),
            builds=tuple(map(BuildView.of, self.builds)),
            pods=tuple(map(PodView.of, self.pods)),
            template_version=template_version() if self.has_template else None,
            claim_exists=bool(self.claims),
            now=NOW + timedelta(seconds=self.seconds),
        )

    # What the operator does.

    def look(self) -> Step:
        """Makes one decision and its write."""
        seen = self.observe()
        step = decide(seen)
        self.write(seen, step)
        return step

    def write_status(self, reserve: Reserve | None = None) -> bool:
        """Updates the status; returns whether that took a write."""
        seen = self.observe()
        patch = status.patch(seen.task.status, status.document(seen, reserve=reserve))
        self.task["status"] = merge(self.task["status"], patch)
        return bool(patch)

    def write(self, seen: Observed, step: Step) -> None:
        match step:
            case Reserve():
                self.write_status(step)
            case CreateBuild():
                made = build.manifest(
                    seen.task,
                    number=step.number,
                    transition=step.transition,
                    reason=step.reason,
                    template="shell",
                    version="shell-v1",
                )
                self.builds.append(self.stored(made, phase="Pending"))
            case CreateClaim():
                assert seen.template_version
                self.claims.append(claim.manifest(seen.task, seen.template_version))
            case CreatePod():
                assert not self.pods, "a Pod is created only when no Pod of the Task exists"
                assert seen.template_version
                if self.has_quota:
                    made = pod.manifest(seen.task, step.build, seen.template_version, installation())
                    self.pods.append(self.stored(made, phase="Pending"))
            case DeletePod():
                self.delete(next(p for p in self.pods if p["metadata"]["uid"] == step.pod.uid))
            case EndBuild():
                ended = next(b for b in self.builds if b["metadata"]["name"] == step.build.name)
                result = {
                    "phase": step.phase,
                    "podUID": step.pod_uid,
                    "message": step.message,
                    "finishedAt": times.rfc3339(seen.now),
                }
                ended["status"] = merge(ended["status"], {k: v for k, v in result.items() if v is not None})
            case KeepPodEnd():
                ended = next(b for b in self.builds if b["metadata"]["name"] == step.build.name)
                ended["status"] = merge(ended["status"], {"podEnd": step.end.manifest()})
            case DeleteBuild():
                self.builds = [b for b in self.builds if b["metadata"]["name"] != step.build.name]
            case DeleteTask():
                raise AssertionError("no Task here has a time to live")
            case Rest():
                pass

    def stored(self, manifest: Manifest, *, phase: str) -> Manifest:
        """An object as the API server would store it."""
        self.uids += 1
        metadata = manifest["metadata"] | {
            "uid": f"uid-{self.uids}",
            "resourceVersion": str(self.uids),
            "creationTimestamp": times.rfc3339(NOW + timedelta(seconds=self.seconds)),
        }
        return manifest | {"metadata": metadata, "status": {"phase": phase}}

    # What happens to it.

    def pause(self) -> None:
        self.task["spec"]["paused"] = True
        self.wakes += 1  # withdrawing it resumes

    def wake(self) -> None:
        """Sets a new value of the annotation."""
        self.wakes += 1
        self.task["metadata"]["annotations"] = {RESUMED_AT: str(self.wakes)}

    def rest(self) -> None:
        """The agent reports that it has nothing to do; the gateway accepts only reports of the newest start build."""
        starts = [b for b in self.builds if b["spec"]["transition"] == "Start"]
        if starts and self.live:
            state = {
                "state": "Idle",
                "message": "",
                "uri": "",
                "timestamp": times.rfc3339(NOW + timedelta(seconds=self.seconds)),
                "build": starts[-1]["spec"]["number"],
            }
            self.task["status"] = merge(self.task["status"], {"state": state})

    def resume(self) -> None:
        self.task["spec"]["paused"] = False

    def bind(self) -> None:
        """The scheduler and the kubelet do their work."""
        for found in self.live:
            if "nodeName" not in found["spec"] and "deletionTimestamp" not in found["metadata"]:
                found["spec"]["nodeName"] = "node-a"
                found["status"] = {
                    "phase": "Running",
                    "initContainerStatuses": [container_status(SIDECAR)],
                    "containerStatuses": [container_status()],
                }

    def enrol(self) -> None:
        """The gateway enrols the sidecar, but only of the Pod that the newest start build has recorded."""
        starts = [b for b in self.builds if b["spec"]["transition"] == "Start"]
        uids = [p["metadata"]["uid"] for p in self.live if "nodeName" in p["spec"]]
        if starts and starts[-1]["status"].get("podUID") in uids:
            self.task["status"] = merge(self.task["status"], {"workspace": {"sidecarVersion": "0.1.0"}})

    def delete(self, found: Manifest) -> None:
        """Deletes a Pod: immediately without a node, otherwise with its grace period."""
        if "nodeName" in found["spec"]:
            found["metadata"].setdefault("deletionTimestamp", "2026-01-31T12:00:00Z")
        else:
            self.pods.remove(found)

    def delete_by_hand(self) -> None:
        for found in list(self.pods):
            self.delete(found)

    def finish_deletions(self) -> None:
        self.pods = [p for p in self.pods if "deletionTimestamp" not in p["metadata"]]

    def lose_pod(self) -> None:
        """The node is gone and its Pods with it."""
        self.pods.clear()

    def end_pod(self) -> None:
        """Evicts a Pod."""
        for found in self.live:
            found["status"]["phase"] = "Failed"

    def remove_old_builds(self) -> None:
        """Removes all but the newest builds."""
        del self.builds[:-2]

    def lose_template(self) -> None:
        self.has_template = False

    def restore_template(self) -> None:
        self.has_template = True

    def use_up_quota(self) -> None:
        self.has_quota = False

    def free_quota(self) -> None:
        self.has_quota = True

    def wait(self) -> None:
        self.seconds += 7

    def wait_long(self) -> None:
        self.seconds += 700

    def settle(self) -> None:
        """Lets the operator and the cluster work undisturbed for an hour."""
        self.has_template = self.has_quota = True
        for _ in range(60):
            self.round()
            self.seconds += 60

    def turn(self) -> None:
        """Performs all the work that is due now."""
        for _ in range(4):
            self.round()

    def round(self) -> None:
        """Lets the operator, the kubelet and the gateway work, one after the other."""
        for _ in range(16):
            if isinstance(self.look(), Rest):
                break
        self.write_status()
        self.bind()
        self.finish_deletions()
        self.enrol()
