"""What is kept of each kind takes little memory, whatever its objects are like."""

from __future__ import annotations

import gc
import json
import sys
import types
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import pytest

from taskyard.controller.cache import kinds
from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.cache.unkept import Unkept
from taskyard.core.resources import USABLE_SECRETS
from taskyard.watchcache.kind import Kind
from unit.core.builders import (
    Manifest,
    build_manifest,
    claim_manifest,
    input_manifest,
    merge,
    pod_manifest,
    reservation,
    task_manifest,
    template_version_manifest,
)

TASK = kinds.task_kind(TaskChoices())
LARGE = 60_000
MANAGED = [{"manager": f"tool-{number}", "fieldsV1": {f"f:{number}": {"x" * 2_000: {}}}} for number in range(20)]
# Of what applies objects, of backups, of dashboards.
ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration": "x" * LARGE, "example.org/notes": "y" * LARGE}
SHARED = (type, types.ModuleType, types.FunctionType, Enum)


def bytes_of(*roots: Any) -> int:
    """The memory of everything that can be reached from `roots`, each object once."""
    seen, waiting, size = set[int](), list(roots), 0
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, SHARED):
            continue
        seen.add(id(found))
        size += sys.getsizeof(found)
        waiting += gc.get_referents(found)
        if not gc.is_tracked(found) and isinstance(found, dict):
            waiting += [*found.keys(), *found.values()]
    return size


def kept(kind: Kind[Any], manifest: Manifest) -> Any:
    """The view of an object as a list or a watch brings it, with what all kinds may have."""
    return kind.decode(json.dumps(merge(manifest, {"metadata": BALLAST})).encode())


BALLAST: Manifest = {"managedFields": MANAGED, "annotations": ANNOTATIONS, "selfLink": "z" * LARGE}
CONDITION = {"type": "Ready", "status": "True", "reason": "Active", "message": "It works.", "observedGeneration": 1}


def large_task() -> Manifest:
    status = {"phase": "Active", "build": reservation(phase="Succeeded"), "conditions": [CONDITION]}
    return task_manifest(prompt="mend the door " * 4_000, status=status)


def large_pod() -> Manifest:
    container = {"name": "agent", "image": "debian", "env": [{"name": "A", "value": "x" * LARGE}], "command": ["bash"]}
    sidecar = {**container, "name": "taskyard-sidecar"}
    spec = {"containers": [container], "initContainers": [sidecar], "volumes": [{"name": "v" * LARGE}]}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "hostIP": "10.0.0.1" * 100}
    return merge(pod_manifest(), {"spec": spec, "status": status})


@pytest.mark.parametrize(
    ("kind", "manifest", "most"),
    [
        pytest.param(TASK, large_task(), 4_000, id="Task: neither prompt nor managedFields"),
        pytest.param(kinds.INPUT, input_manifest(content="x" * LARGE), 2_000, id="TaskInput: not its content"),
        pytest.param(kinds.build_kind(Unkept()), build_manifest(phase="Succeeded"), 1_500, id="WorkspaceBuild"),
        pytest.param(kinds.POD, large_pod(), 2_500, id="Pod: not its containers' specs"),
        pytest.param(
            kinds.CLAIM, merge(claim_manifest(), {"spec": {"selector": {"x" * LARGE: "y"}}}), 3_000, id="claim"
        ),
        pytest.param(
            kinds.SECRET,
            {
                "metadata": {"namespace": "team", "name": "s", "uid": "u", "resourceVersion": "7"},
                "data": {"k": "x" * LARGE},
            },
            500,
            id="Secret: its name",
        ),
    ],
)
def test_a_view_is_small(kind: Kind[Any], manifest: Manifest, most: int) -> None:
    assert bytes_of(json.loads(json.dumps(merge(manifest, {"metadata": BALLAST})))) > 150_000
    assert bytes_of(kept(kind, manifest)) < most


def test_the_measure_finds_what_is_held_deep_inside() -> None:
    assert bytes_of([({"a": ("x" * LARGE,)},)]) > LARGE
    assert bytes_of(kinds.INPUT.of(input_manifest(answers="x" * LARGE))) > LARGE, "in the slots of a view too"


def test_secrets_are_kept_without_their_values() -> None:
    assert USABLE_SECRETS.metadata_only
    assert {"data", "stringData"}.isdisjoint(kinds.SECRET._shape.__annotations__)


Make = Callable[[int], Manifest]


def fleet(kind: Kind[Any], make: Make, numbers: Iterable[int]) -> list[Any]:
    return [kept(kind, make(number)) for number in numbers]


def of_task(number: int) -> dict[str, Any]:
    return {"task": f"task-{number}"}


@pytest.mark.parametrize(
    ("kind", "make", "most"),
    [
        pytest.param(
            TASK,
            lambda number: task_manifest(
                name=f"task-{number}",
                uid=f"uid-{number}",
                prompt=f"{number} " + "mend the door " * 2_000,
                status={
                    "phase": "Active",
                    "build": reservation(phase="Succeeded"),
                    "conditions": [CONDITION | {"type": kind} for kind in ("Ready", "TemplateResolved", "Healthy")],
                },
            ),
            2_500,
            id="Tasks",
        ),
        pytest.param(kinds.POD, lambda number: pod_manifest(uid=f"pod-{number}", **of_task(number)), 1_500, id="Pods"),
        pytest.param(
            kinds.INPUT, lambda number: input_manifest(f"input-{number}", content="x" * 10_000), 1_000, id="TaskInputs"
        ),
    ],
)
def test_each_further_object_of_a_fleet_costs_little(kind: Kind[Any], make: Make, most: int) -> None:
    """What all of them have, the texts above all, is in memory once."""
    few, many = fleet(kind, make, range(10)), fleet(kind, make, range(60))
    assert (bytes_of(many) - bytes_of(few)) / 50 < most


def test_texts_that_many_objects_have_are_shared() -> None:
    first, second = (
        kept(TASK, task_manifest(name=f"task-{number}", templateVersion="shell-v1", status=STATUS))
        for number in range(2)
    )
    assert first.template_version is second.template_version
    assert first.namespace is second.namespace
    (one,), (other,) = first.status["conditions"], second.status["conditions"]
    assert all(a is b for a, b in zip(one, other, strict=True)), "names of fields"
    assert one["message"] is other["message"] and one["reason"] is other["reason"]
    a, b = (kept(kinds.POD, pod_manifest(number)) for number in (1, 2))
    assert (a.node is b.node, a.phase is b.phase, a.owners[0].uid is b.owners[0].uid) == (True, True, True)


STATUS = {"phase": "Active", "conditions": [CONDITION]}


def test_the_annotations_that_are_read_are_kept_among_those_of_others() -> None:
    assert kept(kinds.CLAIM, claim_manifest(adoptable_by="web")).adoptable_by == "web"
    assert kept(TASK, task_manifest(resumed_at="noon")).resumed_at == "noon"
    assert kept(kinds.POD, pod_manifest()).agent_name == "agent"


OWNERS = [
    {"apiVersion": "v1", "kind": "ConfigMap" + "k" * 100, "name": f"{n}" + "n" * 400, "uid": f"{n}" + "u" * 400}
    for n in range(1_000)
]
OWN_ANNOTATIONS = {f"taskyard.dev/{name}": "x" * LARGE for name in ("resumed-at", "adoptable-by", "agent-container")}
WIDE = {"spec": {"containers": [{"name": "agent", "command": ["bash"]}], "odd": [{} for _ in range(100_000)]}}


@pytest.mark.parametrize(
    ("kind", "manifest", "most"),
    [
        pytest.param(TASK, task_manifest(), 4_000, id="Task"),
        pytest.param(kinds.INPUT, input_manifest(), 3_000, id="TaskInput"),
        pytest.param(kinds.build_kind(Unkept()), build_manifest(), 12_000, id="WorkspaceBuild"),
        pytest.param(kinds.POD, pod_manifest(), 12_000, id="Pod"),
        pytest.param(kinds.CLAIM, claim_manifest(), 12_000, id="claim"),
        pytest.param(
            kinds.template_version_kind(PodTemplates()),
            template_version_manifest(pod=WIDE),
            6_000,
            id="TemplateVersion",
        ),
    ],
)
def test_a_view_is_small_whatever_people_write_into_the_fields_that_are_read(
    kind: Kind[Any], manifest: Manifest, most: int
) -> None:
    """No policy bounds the metadata of Pods and claims."""
    odd = merge(manifest, {"metadata": {"ownerReferences": OWNERS, "annotations": OWN_ANNOTATIONS}})
    assert bytes_of(kind.decode(json.dumps(odd).encode())) < most
