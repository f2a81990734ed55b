"""How many bytes the operator keeps for a Task at rest, with its build and its Pod."""

from __future__ import annotations

from taskyard.controller.cache.stores import Stores
from unit import taskatrest

# The figure of the day it was last changed on purpose; it is the same at each run, and on each machine nearly.
KEPT = 6_850
TOLERANCE = 0.2


def test_a_task_at_rest_takes_seven_kilobytes() -> None:
    each = taskatrest.in_a_new_process("unit.controller.cache.test_memory")
    assert abs(each - KEPT) <= TOLERANCE * KEPT, f"{each:.0f} bytes a Task; change KEPT if that was meant"


def bytes_of_a_task() -> float:
    """To be called in a process of its own."""
    stores = Stores()

    def keep(*found: bytes) -> None:
        for store, content in zip((stores.tasks, stores.builds, stores.pods), found, strict=True):
            store.keep(store.kind.decode(content))

    return taskatrest.bytes_of_one(keep)
