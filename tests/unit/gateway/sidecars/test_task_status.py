"""Read, decide, write, and all over again when somebody else was quicker."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from taskyard.apiclient import ApiError, ConflictError, MissingError
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.sidecars.objects import Task
from taskyard.gateway.sidecars.task_status import TRIES, update_status
from unit.gateway.sidecars.builders import TASK

CONFLICT = ConflictError("PATCH /x", "no", status=409)
MISSING = MissingError("PATCH /x", "no", status=404)
CONTENDED = HttpError(503, "too often")


@dataclass(frozen=True)
class Read:
    """The Task at a resourceVersion."""

    task: Task | None


class Faulty:
    """A cluster that fails as it is told; it keeps what it was asked to write, with the resourceVersion."""

    def __init__(self, *failures: ApiError) -> None:
        self.failures = list(failures)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def patch_task_status(self, namespace: str, name: str, *, resource_version: str, status: Any) -> None:
        assert (namespace, name) == (TASK.namespace, TASK.name)
        self.asked.append((resource_version, status))
        if self.failures:
            raise self.failures.pop(0)


def versions(*, since: int = 1) -> Iterator[Read]:
    """The Task, changed by somebody before each look."""
    while True:
        yield Read(replace(TASK, resource_version=str(since)))
        since += 1


def change_of(read: Read) -> dict[str, Any]:
    """A decision that shows on which state it stood."""
    assert read.task
    return {"from": read.task.resource_version}


async def update(cluster: Faulty, decide: Any = change_of, **how: Any) -> Any:
    looks = versions()

    async def read() -> Read:
        return next(looks)

    context: Any = SimpleNamespace(cluster=cluster)
    return await update_status(context, read, decide, contended=CONTENDED, **how)


async def test_what_was_decided_is_written_to_the_state_that_it_stands_on() -> None:
    cluster = Faulty()
    basis, change = await update(cluster)
    assert cluster.asked == [("1", {"from": "1"})]
    assert (basis.task.resource_version, change) == ("1", {"from": "1"})


async def test_what_was_just_read_is_not_read_again() -> None:
    cluster = Faulty(CONFLICT)
    basis, _ = await update(cluster, first=Read(replace(TASK, resource_version="0")))
    assert cluster.asked == [("0", {"from": "0"}), ("1", {"from": "1"})]
    assert basis.task.resource_version == "1"


@pytest.mark.parametrize("error", [pytest.param(CONFLICT, id="changed"), pytest.param(MISSING, id="gone")])
async def test_after_somebody_elses_write_it_is_read_and_decided_anew(error: ApiError) -> None:
    cluster = Faulty(error, error)
    basis, change = await update(cluster)
    assert cluster.asked == [(version, {"from": version}) for version in ("1", "2", "3")]
    assert (basis.task.resource_version, change) == ("3", {"from": "3"})


async def test_nothing_is_written_when_there_is_nothing_to_write() -> None:
    cluster = Faulty()
    basis, change = await update(cluster, lambda read: {})
    assert (cluster.asked, basis.task.resource_version, change) == ([], "1", {})


async def test_a_task_that_is_gone_is_not_written_to() -> None:
    cluster = Faulty()
    basis, change = await update(cluster, lambda read: {"a": 1} if read.task else {}, first=Read(None))
    assert (cluster.asked, basis, change) == ([], Read(None), {})


async def test_when_others_are_quicker_each_time_the_callers_own_error_is_raised() -> None:
    cluster = Faulty(*[CONFLICT] * TRIES)
    with pytest.raises(HttpError) as raised:
        await update(cluster)
    assert raised.value is CONTENDED
    assert len(cluster.asked) == TRIES


async def test_who_may_not_write_any_more_writes_nothing_more() -> None:
    cluster = Faulty(CONFLICT)

    async def read() -> Read:
        raise HttpError(409, "A newer build has replaced this Pod.")

    context: Any = SimpleNamespace(cluster=cluster)
    with pytest.raises(HttpError, match="newer build"):
        await update_status(context, read, change_of, first=Read(TASK), contended=CONTENDED)
    assert len(cluster.asked) == 1


async def test_another_fault_is_the_callers() -> None:
    cluster = Faulty(ApiError("PATCH /x", "no room", status=500))
    with pytest.raises(ApiError, match="no room"):
        await update(cluster)
    assert len(cluster.asked) == 1
