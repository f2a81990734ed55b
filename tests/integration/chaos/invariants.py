"""The invariants of the live objects once the faults have ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integration.chaos.retrying_client import RetryingKube
from integration.chaos.sidecars import Typed
from kube import Object
from taskyard.controller.cache.stores import Stores
from taskyard.controller.gather import gather
from taskyard.core import status
from taskyard.core.build_view import BuildView
from taskyard.core.decision import Rest, decide
from taskyard.core.ownership import owner_uid
from taskyard.core.pod_view import PodView

DERIVED = ("phase", "displayName", "template", "templateVersion", "inputs", "conditions", "observedGeneration")
# Automatic pauses happen within seconds in these runs; other deadlines are ten minutes away.
SOON = timedelta(minutes=1)
NO_INPUTS = {"queued": 0, "delivered": 0}
AUTOMATIC = {"IdleTimeout": "idleTimeout", "MaxRuntime": "maxRuntime"}


@dataclass(frozen=True)
class Picture:
    """All objects of the namespace at approximately one moment."""

    tasks: list[Object]
    templates: list[Object]
    versions: list[Object]
    builds: list[Object]
    pods: list[Object]
    claims: list[Object]
    inputs: list[Object]

    @classmethod
    def take(cls, kube: RetryingKube, namespace: str) -> Picture:
        def items(plural: str) -> list[Object]:
            found = kube.read(kube.path(plural, namespace))
            assert found is not None
            return list(found["items"])

        return cls(
            tasks=items("tasks"),
            templates=items("templates"),
            versions=items("templateversions"),
            builds=items("workspacebuilds"),
            pods=items("pods"),
            claims=items("persistentvolumeclaims"),
            inputs=items("taskinputs"),
        )

    def stores(self) -> Stores:
        """The stores of an operator after its first lists."""
        stores = Stores()
        for store, manifests in (
            (stores.tasks, self.tasks),
            (stores.templates, self.templates),
            (stores.template_versions, self.versions),
            (stores.builds, self.builds),
            (stores.pods, self.pods),
            (stores.claims, self.claims),
            (stores.inputs, self.inputs),
        ):
            for manifest in manifests:
                store.put(manifest)
        return stores


def faults(picture: Picture, typed: Mapping[str, Sequence[Typed]]) -> list[str]:
    """All violations, one per line."""
    return [
        *child_faults(picture),
        *task_faults(picture),
        *derivation_faults(picture),
        *input_faults(picture, typed),
    ]


def child_faults(picture: Picture) -> Iterator[str]:
    """Checks that nothing remains of deleted Tasks."""
    owners = {task["metadata"]["uid"] for task in picture.tasks}
    for kind, children in (
        ("Pod", picture.pods),
        ("build", picture.builds),
        ("claim", picture.claims),
    ):
        for child in children:
            if owner_uid(child) not in owners:
                yield f"{kind} {child['metadata']['name']} has no Task"


def task_faults(picture: Picture) -> Iterator[str]:
    """Checks that every Task is in the requested state, independently of the operator's own rules."""
    pods, builds = defaultdict(list), defaultdict(list)
    for pod in picture.pods:
        pods[owner_uid(pod)].append(PodView.of(pod))
    for build in picture.builds:
        builds[owner_uid(build)].append(BuildView.of(build))
    waiting = {i["spec"]["task"] for i in picture.inputs if is_queued(i) and i["spec"].get("resume")}
    for task in picture.tasks:
        uid, name = task["metadata"]["uid"], task["metadata"]["name"]
        newest = max(builds[uid], key=lambda build: build.number, default=None)
        fault = task_fault(task, newest, pods[uid], is_called=name in waiting)
        if fault:
            yield f"Task {name}: {fault}"
        if len(builds[uid]) > 10:
            yield f"Task {name} keeps {len(builds[uid])} builds"


def task_fault(task: Object, newest: BuildView | None, pods: list[PodView], *, is_called: bool) -> str | None:
    """The violation of one Task, if there is one."""
    spec, shown = task["spec"], task.get("status", {})
    phase, reason = shown.get("phase"), shown.get("pausedReason")
    names = [pod.name for pod in pods]
    reserved = shown.get("build", {}).get("number", 0)
    if newest and reserved != newest.number:
        return f"number {reserved} is reserved, the newest build is {newest.number}"
    if spec.get("paused"):
        right = phase == "Paused" and reason == "Manual" and not pods
        return None if right else f"it was paused and is {phase} ({reason}) with Pods {names}"
    match phase:
        case "Paused":
            cause = AUTOMATIC.get(reason or "")
            if cause is None or cause not in spec or pods:
                return f"it was not paused and is Paused ({reason}) with Pods {names}"
            return "an input asks to resume it and it is Paused" if is_called else None
        case "Error":
            given_up = newest is not None and newest.phase == "Failed" and "times in a row" in (newest.message or "")
            return None if given_up and not pods else f"it is in Error: {newest}, Pods {names}"
        case "Active":
            if newest is None or newest.transition != "Start" or newest.phase != "Succeeded":
                return f"it is Active by {newest}"
            if [pod.uid for pod in pods] != [newest.pod_uid]:
                return f"it is Active with Pods {names}, while build {newest.name} recorded {newest.pod_uid}"
            pod = pods[0]
            answers = pod.phase == "Running" and not pod.deleting and pod.sidecar is not None and pod.sidecar.ready
            return None if answers else f"it is Active with a Pod that is not ready: {pod}"
    return f"it is {phase} with Pods {names}"


def derivation_faults(picture: Picture) -> Iterator[str]:
    """Checks that every status can be derived from the objects, and that there is nothing left to do."""
    now = datetime.now(UTC)
    stores, bare = picture.stores(), Picture(**{**vars(picture), "tasks": list(map(stripped, picture.tasks))}).stores()
    for task in picture.tasks:
        key = task["metadata"]["namespace"], task["metadata"]["name"]
        observed = gather(stores, key, now=now, obstacle=None)
        assert observed is not None
        step = decide(observed)
        if not isinstance(step, Rest):
            yield f"Task {key[1]}: a step is left to do: {step}"
        elif step.until and step.until - now < SOON:
            yield f"Task {key[1]}: it acts automatically at {step.until}"
        patch = status.patch(observed.task.status, status.document(observed))
        if patch:
            yield f"Task {key[1]}: its status should change by {patch}"
        afresh = gather(bare, key, now=now, obstacle=None)
        assert afresh is not None
        yield from differences(key[1], task.get("status", {}), status.document(afresh))


def stripped(task: Object) -> Object:
    """A Task without the fields that the operator can derive from the rest."""
    kept = {name: value for name, value in task.get("status", {}).items() if name not in DERIVED}
    return {**task, "status": kept}


def differences(name: str, shown: Object, afresh: Object) -> Iterator[str]:
    """Differences between the stored and a newly derived status, except conditions' times, which cannot be derived."""
    for field in DERIVED:
        before, after = shown.get(field), afresh.get(field)
        if field == "conditions":
            before, after = ([{**c, "lastTransitionTime": ""} for c in side or ()] for side in (before, after))
        if field == "inputs":
            # Zeros remain after the first one.
            before, after = before or NO_INPUTS, after or NO_INPUTS
        if before != after:
            yield f"Task {name}: {field} is {before}, but newly derived {after}"


def is_queued(entry: Object) -> bool:
    return bool(entry.get("status", {}).get("phase", "Queued") == "Queued")


def input_faults(picture: Picture, typed: Mapping[str, Sequence[Typed]]) -> Iterator[str]:
    """Checks that every input was given to the agent once, or has the reason why not."""
    tasks = {task["metadata"]["name"]: task for task in picture.tasks}
    for task in picture.tasks:
        uid = task["metadata"]["uid"]
        keys = [message.key for message in typed.get(uid, ())]
        if len(keys) != len(set(keys)):
            yield f"Task {task['metadata']['name']}: a message was typed twice"
    for entry in picture.inputs:
        name, told = entry["metadata"]["name"], entry.get("status", {})
        owner = tasks.get(entry["spec"]["task"])
        if owner is None:
            continue
        given = [m for m in typed.get(owner["metadata"]["uid"], ()) if m.key == entry["metadata"]["uid"]]
        match told.get("phase", "Queued"):
            case "Delivered" if len(given) != 1 or given[0].content != entry["spec"]["content"]:
                yield f"input {name} is Delivered but was typed {len(given)} times"
            case "Rejected" if not told.get("message"):
                yield f"input {name} is Rejected without a reason"
            # Of keys whose Pod is gone nobody can say any more whether a delivery that was cut off had pressed them.
            case "Rejected" if given and entry["spec"].get("type") != "Raw":
                yield f"input {name} is Rejected but was typed: {told['message']}"
            case "Queued" if owner.get("status", {}).get("phase") == "Active":
                yield f"input {name} is Queued, but its Task is Active: {told}"
    yield from order_faults(picture, typed)


def order_faults(picture: Picture, typed: Mapping[str, Sequence[Typed]]) -> Iterator[str]:
    """Checks that a Task's messages arrived in the order of their creation; keystrokes are not queued."""
    place = {
        entry["metadata"]["uid"]: (entry["metadata"]["creationTimestamp"], entry.get("status", {}).get("order", 0))
        for entry in picture.inputs
        if entry["spec"].get("type", "User") == "User"
    }
    for task in picture.tasks:
        places = [place[m.key] for m in typed.get(task["metadata"]["uid"], ()) if m.key in place]
        if places != sorted(places):
            yield f"Task {task['metadata']['name']}: messages arrived out of order: {places}"
