"""What reaches a review, and what is kept of it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from typing import Any, cast

import pytest

from taskyard.gateway.cluster import Cluster
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access.authentication import Person, User
from taskyard.gateway.rest.access.authorization import Authorization


class Reviewing:
    """A cluster that allows what is in `allowed`, and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.allowed: set[tuple[str, str]] = set()
        self.now = 0.0
        self.metrics = Metrics()
        self.authorization = Authorization(cast(Cluster, self), self.metrics, monotonic=lambda: self.now)

    async def review_access(self, spec: Mapping[str, Any]) -> bool:
        attributes = spec["resourceAttributes"]
        place = attributes["namespace"], attributes["name"]
        self.asked.append(place)
        return place in self.allowed

    def refused(self) -> float:
        found = self.metrics.registry.get_sample_value("taskyard_gateway_bounds_reached_total", {"bound": "name"})
        return found or 0.0

    def held(self) -> float:
        found = self.metrics.registry.get_sample_value("taskyard_gateway_held_bytes", {"what": "rights"})
        return found or 0.0


def person(name: str = "jane", *, groups: tuple[str, ...] = ()) -> Person:
    return Person(User(username=name, uid="1", groups=groups, extra=(("scopes", ("a", "b")),)), token="t")


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        pytest.param("x" * 16_000, "", id="an enormous namespace"),
        pytest.param("Team", "hello", id="a namespace with capitals"),
        pytest.param("", "hello", id="no namespace"),
        pytest.param("team", "x" * 16_000, id="an enormous name"),
        pytest.param("team", "a/b", id="a name with a slash"),
        pytest.param("team", "a" * 53, id="a name longer than a Task's"),
    ],
)
async def test_nobody_may_do_anything_with_a_name_that_cannot_be(namespace: str, name: str) -> None:
    cluster = Reviewing()
    cluster.allowed = {("team", ""), ("", "")}
    assert not await cluster.authorization.allows(person(), "get", "tasks", namespace, name)
    assert (cluster.asked, cluster.refused(), cluster.held()) == ([], 1, 0)


async def test_verdicts_are_remembered_by_user_and_act() -> None:
    cluster = Reviewing()
    cluster.allowed = {("team", "hello")}
    for _ in range(3):
        assert await cluster.authorization.allows(person(), "get", "tasks", "team", "hello")
        assert not await cluster.authorization.allows(person(), "get", "tasks", "team", "other")
    assert cluster.asked == [("team", ""), ("team", "hello"), ("team", "other")]
    for another in (person("joe"), person(groups=("admins",))):
        await cluster.authorization.allows(another, "get", "tasks", "team", "hello")
    assert len(cluster.asked) == 7
    await cluster.authorization.allows(person(), "list", "tasks", "team")
    await cluster.authorization.allows(person(), "get", "tasks/log", "team")
    assert len(cluster.asked) == 9


async def test_what_is_kept_of_a_verdict_does_not_depend_on_the_names_and_groups() -> None:
    cluster = Reviewing()
    many = person("u" * 8000, groups=tuple(f"group-{number}-{'x' * 200}" for number in range(500)))
    await cluster.authorization.allows(many, "get", "templateversions", "team", "a" * 253)
    tracemalloc.start()
    for number in range(1000):
        await cluster.authorization.allows(many, "get", "templateversions", "team", f"{'a' * 248}{number:05}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cluster.asked.clear()
    assert kept < 1000 * 1000
    assert kept / 3 < cluster.held() < kept * 2


async def test_a_flood_of_names_is_bounded_in_bytes_and_gone_when_it_has_expired() -> None:
    cluster = Reviewing()
    for number in range(70_000):
        await cluster.authorization.allows(person(), "get", "tasks", "team", f"task-{number}")
    assert 5 << 20 < cluster.held() <= 12 << 20
    cluster.now = 11
    await cluster.authorization.allows(person(), "get", "tasks", "team", "one")
    assert cluster.held() < 1000
