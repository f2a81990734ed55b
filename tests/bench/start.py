"""A Task's start and resume on a real node, stage by stage, beside a bare Pod of the same images.

It runs on the local cluster (as root), which is started for it if none runs, and stopped then. Starts of Tasks and of
bare Pods take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from pathlib import Path
from statistics import median

import manifests
from bench.figures import Figure
from bench.installation import VERSION, task
from bench.stages import ACTIVE, CREATED, PAUSED, READY, RUNNING, SANDBOX, SCHEDULED, Stages
from kube import Kube, Object
from localcluster import cluster, install, locations, target

Say = Callable[[str], None]

NAMESPACE = "bench-start"
ROUNDS = 6
STAGES = (SCHEDULED, SANDBOX, RUNNING, READY)
# In which a container neither does anything nor has a hook or a probe to be waited for.
_SPARED = ("env", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "volumeMounts")

# Seconds from the beginning until each stage.
Course = dict[str, float]


def run(folder: Path, say: Say) -> list[Figure]:
    """Runs all measurements."""
    say("the local cluster, with Taskyard in it")
    with _cluster() as kube, _namespace(kube), Stages(kube, NAMESPACE) as stages:
        bench = StartBench(kube, stages)
        # The first Task of all, whose Pod the bare ones are made from.
        bench.start("first")
        bench.prepare("first")
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            bench.round(number)
        return bench.figures()


class StartBench:
    """The courses of all starts: `task` and `bare`, and `resume` and `bare again`, which have a claim already."""

    def __init__(self, kube: Kube, stages: Stages) -> None:
        self._kube, self._stages = kube, stages
        self._pod: Object = {}
        self._claim: Object = {}
        self._courses: dict[str, list[Course]] = {kind: [] for kind in ("task", "bare", "resume", "bare again")}

    def prepare(self, name: str) -> None:
        """Makes the bare Pod and its claim from those of a Task."""
        pod = self._kube.get("pods", NAMESPACE, f"{name}-1")
        claim = self._kube.get("persistentvolumeclaims", NAMESPACE, f"{name}-home")
        assert pod and claim
        self._pod = bare_pod(pod)
        spec = claim["spec"]
        self._claim = {name: spec[name] for name in ("accessModes", "resources", "storageClassName") if name in spec}
        self._pause(name)

    def round(self, number: int) -> None:
        """One start of each kind. Only one Pod runs at a time."""
        name = f"task-{number}"
        self._courses["bare"].append(self._bare(f"bare-{number}", f"bare-{number}", is_new=True))
        self._courses["task"].append(self.start(name))
        self._pause(name)
        self._courses["bare again"].append(self._bare(f"again-{number}", f"bare-{number}", is_new=False))
        self._courses["resume"].append(self._resume(name))
        self._kube.delete("tasks", NAMESPACE, name)
        self._kube.wait_gone("pods", NAMESPACE, f"{name}-3", 60)

    def start(self, name: str) -> Course:
        """Creates a Task; its course."""
        began = time.monotonic()
        self._kube.create("tasks", NAMESPACE, task(name))
        return self._course(began, f"{name}-1") | {ACTIVE: self._stages.at("tasks", name, f"{ACTIVE} 1") - began}

    def figures(self) -> list[Figure]:
        """The medians, of Tasks, of bare Pods, and their ratios."""
        figures = []
        for kind, bare in (("task", "bare"), ("resume", "bare again")):
            what = "a Task's start" if kind == "task" else "a resume"
            middle = {name: middle_of(self._courses[name]) for name in (kind, bare)}
            active, ready = middle[kind][ACTIVE], middle[bare][READY]
            figures += [
                Figure(f"{what} until Active, of a bare Pod's until ready", active / ready, "", 1.3),
                Figure(f"{what} until Active", active, "s"),
                Figure(f"{what}: bare Pod until ready", ready, "s"),
                Figure(f"{what}: until its Pod is created", middle[kind][CREATED] * 1000, "ms"),
            ]
            for before, stage in zip((CREATED, *STAGES), STAGES, strict=False):
                for name, whose in ((kind, "its Pod"), (bare, "bare Pod")):
                    took = median(course[stage] - course[before] for course in self._courses[name])
                    figures.append(Figure(f"{what}: {whose} {before} → {stage}", took * 1000, "ms"))
            after = median(course[ACTIVE] - course[READY] for course in self._courses[kind])
            figures.append(Figure(f"{what}: its Pod ready → Active", after * 1000, "ms"))
        return figures

    def _bare(self, name: str, claim: str, *, is_new: bool) -> Course:
        """Creates a bare Pod, with a new claim or with one that exists, and removes it; its course."""
        pod = deepcopy(self._pod)
        pod["metadata"] = {"name": name}
        for volume in pod["spec"]["volumes"]:
            volume["persistentVolumeClaim"]["claimName"] = claim
        began = time.monotonic()
        if is_new:
            self._kube.create("persistentvolumeclaims", NAMESPACE, {"metadata": {"name": claim}, "spec": self._claim})
        self._kube.create("pods", NAMESPACE, pod)
        course = self._course(began, name)
        self._kube.delete("pods", NAMESPACE, name)
        self._kube.wait_gone("pods", NAMESPACE, name, 60)
        return course

    def _pause(self, name: str) -> None:
        self._kube.patch("tasks", NAMESPACE, name, {"spec": {"paused": True}})
        self._stages.at("tasks", name, f"{PAUSED} 2")
        self._kube.wait_gone("pods", NAMESPACE, f"{name}-1", 60)

    def _resume(self, name: str) -> Course:
        began = time.monotonic()
        self._kube.patch("tasks", NAMESPACE, name, {"spec": {"paused": False}})
        return self._course(began, f"{name}-3") | {ACTIVE: self._stages.at("tasks", name, f"{ACTIVE} 3") - began}

    def _course(self, began: float, pod: str) -> Course:
        return {stage: self._stages.at("pods", pod, stage) - began for stage in (CREATED, *STAGES)}


def bare_pod(pod: Object) -> Object:
    """A Pod of the same images, users and home, in which nothing runs and nothing is waited for."""
    spec = deepcopy(pod["spec"])
    for container in (*spec["initContainers"], *spec["containers"]):
        for field in _SPARED:
            container.pop(field, None)
        container["command"] = ["sleep", "3600"]
    home = [volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
    mounts = [{"name": volume["name"], "mountPath": "/home/agent"} for volume in home]
    for container in spec["containers"]:
        container["volumeMounts"] = mounts
    kept = ("initContainers", "containers", "securityContext", "restartPolicy", "automountServiceAccountToken")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {
            **{field: spec[field] for field in kept if field in spec},
            "volumes": home,
            "terminationGracePeriodSeconds": 0,
        },
    }


def middle_of(courses: list[Course]) -> Course:
    """The median of each stage."""
    return {stage: median(course[stage] for course in courses) for stage in courses[0]}


@contextmanager
def _cluster() -> Iterator[Kube]:
    was_running = cluster.status().state == "ready"
    try:
        place = target.chosen({})
        install.install(place, target.bring_up(place))
        with closing(Kube(locations.KUBECONFIG, seconds=30)) as kube:
            yield kube
    finally:
        if not was_running:
            cluster.down()


@contextmanager
def _namespace(kube: Kube) -> Iterator[None]:
    kube.delete("namespaces", "", NAMESPACE)
    kube.wait_gone("namespaces", "", NAMESPACE, 60)
    kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    try:
        kube.wait("its account", "serviceaccounts", NAMESPACE, "default", bool)
        # It ends as soon as it is asked to.
        version = manifests.template_version(VERSION, command=["cat"], gracePeriodSeconds=10)
        version["spec"]["pod"]["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
        kube.create("templateversions", NAMESPACE, version)
        kube.wait("the version is validated", "templateversions", NAMESPACE, VERSION, lambda found: "status" in found)
        yield
    finally:
        kube.delete("namespaces", "", NAMESPACE)
