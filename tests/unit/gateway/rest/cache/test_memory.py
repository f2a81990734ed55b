"""How many bytes the gateway keeps for a Task at rest, with its build and its Pod."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc

from taskyard.gateway.rest.cache.cache import Cache
from unit.controller.cache import test_memory
from unit.core.builders import merge

TASKS = 500
# The figure of the day it was last changed on purpose; it is the same at each run, and on each machine nearly.
KEPT = 5_100
TOLERANCE = 0.2


def test_a_task_at_rest_takes_five_kilobytes() -> None:
    # In a process of its own: what other tests have allocated and freed would be used again, and not be counted.
    code = "from unit.gateway.rest.cache import test_memory; print(test_memory.bytes_of_a_task())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    each = float(ran.stdout)
    assert abs(each - KEPT) <= TOLERANCE * KEPT, f"{each:.0f} bytes a Task; change KEPT if that was meant"


def bytes_of_a_task() -> float:
    """What is allocated for each Task, and stays."""
    tracemalloc.start()
    cache = Cache()
    fill(cache, 0, 50)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    fill(cache, 50, 50 + TASKS)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / TASKS


def fill(cache: Cache, first: int, last: int) -> None:
    """Adds Tasks as a list brings them."""
    for number in range(first, last):
        for store, manifest in zip((cache.tasks, cache.builds, cache.pods), test_memory.objects(number), strict=True):
            store.keep(store.kind.decode(json.dumps(merge(manifest, test_memory.MANAGED)).encode()))
