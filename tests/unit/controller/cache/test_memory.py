"""How many bytes the operator keeps for a Task at rest, with its build and its Pod."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc

from taskyard.controller.cache.stores import Stores
from unit.core.builders import Manifest, build_manifest, merge, owner, pod_manifest, reservation, task_manifest

TASKS = 500
# The figure of the day it was last changed on purpose; it is the same at each run, and on each machine nearly.
KEPT = 6_850
TOLERANCE = 0.2
CONDITIONS = [
    {
        "type": type_,
        "status": "True",
        "reason": "Active",
        "message": "The agent is there and answers.",
        "lastTransitionTime": "2026-01-31T12:00:00Z",
        "observedGeneration": 1,
    }
    for type_ in ("Ready", "TemplateResolved", "Succeeded", "InputRequired")
]
MANAGED = {"metadata": {"managedFields": [{"manager": "taskyard", "fieldsV1": {"f:status": {"f:phase": {}}}}] * 4}}


def test_a_task_at_rest_takes_seven_kilobytes() -> None:
    # In a process of its own: what other tests have allocated and freed would be used again, and not be counted.
    code = "from unit.controller.cache import test_memory; print(test_memory.bytes_of_a_task())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    each = float(ran.stdout)
    assert abs(each - KEPT) <= TOLERANCE * KEPT, f"{each:.0f} bytes a Task; change KEPT if that was meant"


def bytes_of_a_task() -> float:
    """What is allocated for each Task, and stays."""
    tracemalloc.start()
    stores = Stores()
    fill(stores, 0, 50)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    fill(stores, 50, 50 + TASKS)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / TASKS


def fill(stores: Stores, first: int, last: int) -> None:
    """Adds Tasks as a list brings them."""
    for number in range(first, last):
        for store, manifest in zip((stores.tasks, stores.builds, stores.pods), objects(number), strict=True):
            store.keep(store.kind.decode(json.dumps(merge(manifest, MANAGED)).encode()))


def objects(number: int) -> tuple[Manifest, Manifest, Manifest]:
    """A Task at rest, its build and its Pod."""
    name, uid = f"task-{number}", f"11111111-1111-4111-8111-{number:012}"
    build = {**reservation(phase="Succeeded", task=name), "createdAt": f"2026-01-31T12:00:00.{number:06}Z"}
    status = {
        "observedGeneration": 1,
        "observedUID": uid,
        "phase": "Active",
        "displayName": f"Mend the door number {number}",
        "templateVersion": "shell-v1",
        "template": "shell",
        "build": build,
        "workspace": {"status": "Running", "pod": f"{name}-1", "agentLifecycle": "Ready", "appHealth": "Healthy"},
        "state": {"state": "Idle", "message": f"Done {number}", "uri": "", "timestamp": build["createdAt"], "build": 1},
        "conditions": CONDITIONS,
    }
    task = task_manifest(name=name, uid=uid, prompt=f"Mend the door number {number}. " * 20, status=status)
    started = build_manifest(task=name, uid=uid, phase="Succeeded", pod_uid=f"pod-{number}")
    pod = pod_manifest(task=name, uid=f"pod-{number}")
    pod["metadata"] |= {"ownerReferences": [owner(uid, name)]}
    return task, started, pod
