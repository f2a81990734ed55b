"""A Task at rest, as processes keep it, and how many bytes they keep of one."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from unit.core.builders import Manifest, build_manifest, merge, owner, pod_manifest, reservation, task_manifest

TASKS = 500
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


def in_a_new_process(module: str) -> float:
    """What the module's `bytes_of_a_task` returns in a process of its own: what other tests have allocated and freed
    would be used again, and not be counted."""
    code = f"from {module} import bytes_of_a_task; print(bytes_of_a_task())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return float(ran.stdout)


def bytes_of_one(keep: Callable[[Any, Any, Any], None]) -> float:
    """What is allocated for each Task, and stays. `keep` is given the JSON of a Task, its build and its Pod, as a list
    brings them."""
    tracemalloc.start()
    for found in _lists(0, 50):
        keep(*found)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for found in _lists(50, 50 + TASKS):
        keep(*found)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / TASKS


def _lists(first: int, last: int) -> Iterator[list[bytes]]:
    for number in range(first, last):
        yield [json.dumps(merge(manifest, MANAGED)).encode() for manifest in objects(number)]


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
