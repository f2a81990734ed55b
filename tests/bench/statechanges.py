"""Tasks whose agents change their states at random moments, and what of that a receiver was told."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import arrivals
from bench.asyncclient import MERGE_PATCH, AsyncClient
from bench.etcd import Entry
from kube import PREFIXES, Object
from taskyard.core import times

STATES = ("Idle", "Working", "Complete", "Failed")
# What the Tasks show at first.
FIRST = "Idle"
PLURALS = ("tasks", "workspacebuilds")

# Namespace and name.
Place = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """`at` is in seconds from the beginning."""

    at: float
    task: Place
    state: str


@dataclass(frozen=True)
class Told:
    """A notification of a state as its receiver got it: `at` is the moment (time.monotonic), `time` the state's."""

    at: float
    id: str
    task: Place
    state: str
    time: datetime


# The moment at which the API server had answered a change, by the Task and the state's time.
Made = dict[tuple[Place, datetime], float]


def plan(tasks: Sequence[Place], *, rate: float, seconds: float, seed: int) -> list[Change]:
    """So many changes a second on average, at random moments and of random Tasks; each is to another state than the
    Task's former one. The same for a seed."""
    chance, now = random.Random(seed), dict.fromkeys(tasks, FIRST)
    found = []
    for at in arrivals.moments(rate, seconds, seed=seed):
        task = chance.choice(tasks)
        now[task] = chance.choice([state for state in STATES if state != now[task]])
        found.append(Change(at, task, now[task]))
    return found


async def make(client: AsyncClient, changes: Sequence[Change]) -> Made:
    """Writes each change at its moment, however long the earlier ones take, as the gateway does: into the status, of
    the Task's first build."""
    made: Made = {}

    async def change(one: Change) -> None:
        namespace, name = one.task
        now = datetime.now(UTC)
        state = {"state": one.state, "message": "", "uri": "", "timestamp": times.micro(now), "build": 1}
        path = f"{PREFIXES['tasks']}/namespaces/{namespace}/tasks/{name}/status"
        await client.request("PATCH", path, json.dumps({"status": {"state": state}}).encode(), MERGE_PATCH)
        made[one.task, now] = time.monotonic()

    began, writing = time.monotonic(), []
    for one in changes:
        await asyncio.sleep(max(0.0, began + one.at - time.monotonic()))
        writing.append(asyncio.create_task(change(one)))
    await asyncio.gather(*writing)
    return made


def latencies(made: Made, told: Iterable[Told]) -> list[float]:
    """The seconds from each change that was told until its receiver had it for the first time."""
    first: dict[tuple[Place, datetime], float] = {}
    for one in told:
        first.setdefault((one.task, one.time), one.at)
    # It may be heard of before the answer that it is written has arrived.
    return [max(0.0, at - made[key]) for key, at in first.items() if key in made]


def behind(shown: Mapping[Place, str], told: Sequence[Told]) -> set[Place]:
    """The Tasks of which the receiver does not know the state that they show; `shown` has those that have changed."""
    known = {one.task: one.state for one in told}
    # One that is back at its first state within a moment has nothing to tell.
    return {task for task, state in shown.items() if known.get(task, FIRST) != state}


def twice(told: Sequence[Told]) -> int:
    """How many came again."""
    return len(told) - len({one.id for one in told})


def disordered(told: Sequence[Told]) -> int:
    """How many came after a later one of the same Task."""
    by_task: dict[Place, list[datetime]] = {}
    for one in told:
        by_task.setdefault(one.task, []).append(one.time)
    return sum(later < earlier for moments in by_task.values() for earlier, later in itertools.pairwise(moments))


def stored(task: Object, build: Object, places: Iterable[Place], *, seed: int) -> Iterator[Entry]:
    """Copies of a Task and its build at each place, as etcd has them: keys and values. `seed` keeps the UIDs of several
    calls apart."""
    namespace, name = task["metadata"]["namespace"], task["metadata"]["name"]
    templates = []
    for plural, found in zip(PLURALS, (task, build), strict=True):
        metadata = {field: value for field, value in found["metadata"].items() if field != "resourceVersion"}
        key = f"/registry/taskyard.dev/{plural}/{namespace}/{metadata['name']}"
        templates.append((key, json.dumps({**found, "metadata": metadata})))
    uids = [found["metadata"]["uid"] for found in (task, build)]
    for number, place in enumerate(places):
        for key, text in templates:
            for kind, uid in enumerate(uids):
                text = text.replace(uid, f"{seed:08x}-{kind:04x}-4000-8000-{number:012x}")
            text, key = (each.replace(namespace, place[0]).replace(name, place[1]) for each in (text, key))
            yield key, text.encode()
