"""The NetworkPolicy of a namespace, kept against a cluster in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError
from taskyard.controller.steps.network_policies import NetworkPolicyKeeper
from taskyard.core.manifests.network import NetworkRules, manifest, spec
from taskyard.core.resources import ENDPOINT_SLICES, NETWORK_POLICIES, PODS
from unit.controller.fakes import FakeCluster, api_error
from unit.controller.reconcile_harness import ReconcileHarness
from unit.core.builders import merge, pod_manifest, task_manifest

RULES = NetworkRules(installation="taskyard")
POLICY = ("networkpolicies", "team", "taskyard-tasks")


class Kept:
    """A keeper, the objects in the API server and those that the operator knows."""

    def __init__(self) -> None:
        self.cluster, self.stores = FakeCluster(), Stores()
        self.keeper = NetworkPolicyKeeper(self.cluster, self.stores, RULES)

    def hold(self, *, known: bool = True, **changes: Any) -> None:
        policy = merge(manifest("team", spec(RULES)), {"metadata": {"uid": "p", "resourceVersion": "50"}})
        policy = merge(policy, changes)
        self.cluster.hold(NETWORK_POLICIES, policy)
        if known:
            self.stores.network_policies.put(policy)

    async def keep(self) -> list[str]:
        """Runs the keeper once; returns the calls that it made."""
        self.cluster.calls.clear()
        await self.keeper.keep("team")
        return [verb for verb, _, _ in self.cluster.calls]

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.cluster.objects[POLICY]["spec"])


async def test_it_is_made_once_however_many_ask_for_it() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    await asyncio.gather(*(kept.keeper.keep("team") for _ in range(5)))
    assert kept.cluster.calls == [("create", "networkpolicies", "taskyard-tasks")]
    assert kept.spec == spec(RULES)
    assert await kept.keep() == []


async def test_one_that_is_right_costs_nothing() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    kept.hold()
    assert await kept.keep() == []


async def test_a_policy_that_was_edited_is_made_right() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    kept.hold(spec={"ingress": [{}]})
    assert await kept.keep() == ["patch"]
    assert kept.spec == spec(RULES)
    assert await kept.keep() == []


async def test_one_that_is_there_and_not_known_yet_is_taken_over() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    kept.hold(known=False, spec={"egress": [{}]}, metadata={"labels": None})
    assert await kept.keep() == ["create", "get", "patch"]
    assert kept.spec == spec(RULES)


async def test_it_stays_while_a_pod_is_left_and_goes_after_that() -> None:
    kept = Kept()
    kept.hold()
    kept.stores.pods.put(pod_manifest())
    assert await kept.keep() == []
    kept.stores.pods.remove(("team", "web-1"))
    assert await kept.keep() == ["delete"]
    assert POLICY not in kept.cluster.objects
    assert await kept.keep() == []


async def test_one_that_somebody_removed_meanwhile_is_made_again() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    kept.hold(spec={"ingress": [{}]})
    del kept.cluster.objects[POLICY]
    assert await kept.keep() == ["patch", "get", "create"]


async def test_a_webhook_that_changes_it_is_not_fought() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    original = kept.cluster._stored

    def changed(resource: Any, policy: dict[str, Any]) -> dict[str, Any]:
        policy["spec"]["policyTypes"] = ["Egress", "Ingress"]
        return original(resource, policy)

    kept.cluster._stored = changed  # type: ignore[method-assign]
    assert await kept.keep() == ["create"]
    assert await kept.keep() == []


async def test_a_public_api_server_is_learned_of_and_kept_from() -> None:
    kept = Kept()
    kept.stores.tasks.put(task_manifest())
    kept.hold()
    assert await kept.keeper.learn() is False
    endpoints = {
        "metadata": {"namespace": "default", "name": "kubernetes", "uid": "e", "resourceVersion": "9"},
        "endpoints": [{"addresses": ["198.51.100.7"]}],
    }
    kept.cluster.hold(ENDPOINT_SLICES, endpoints)
    assert await kept.keeper.learn() is True
    assert await kept.keeper.learn() is False
    assert await kept.keep() == ["patch"]
    assert "198.51.100.7/32" in str(kept.spec["egress"])


async def test_without_the_right_to_learn_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    kept.cluster.failures["get"] = [api_error(403, "Forbidden"), api_error(403, "Forbidden"), api_error(503)]
    assert await kept.keeper.learn() is False
    assert await kept.keeper.learn() is False
    assert len(caplog.records) == 1
    with pytest.raises(ApiError):
        await kept.keeper.learn()


async def test_without_rules_nothing_is_done() -> None:
    cluster, stores = FakeCluster(), Stores()
    stores.tasks.put(task_manifest())
    keeper = NetworkPolicyKeeper(cluster, stores, None)
    await keeper.keep("team")
    assert await keeper.learn() is False
    assert cluster.calls == []


async def test_a_pod_comes_after_the_policy() -> None:
    harness = ReconcileHarness(network=RULES)
    await harness.reconcile()
    assert harness.writes[-2:] == [("create", *POLICY[::2]), ("create", "pods", "web-1")]


@pytest.mark.parametrize(
    ("message", "reason", "seconds"),
    [
        pytest.param("networkpolicies is forbidden", "NetworkPolicyRefused", 10.0, id="by a rule"),
        pytest.param("exceeded quota: few, requested: count/networkpolicies=1", "QuotaExceeded", 4.0, id="by a quota"),
    ],
)
async def test_a_refused_policy_holds_the_pod_back_and_the_task_says_why(
    message: str, reason: str, seconds: float
) -> None:
    harness = ReconcileHarness(network=RULES)
    refusal = api_error(403, "Forbidden", message)
    harness.cluster.failures["create"] = []
    original = harness.cluster._called

    def called(verb: str, resource: Any, name: str = "") -> None:
        original(verb, resource, name)
        if resource is NETWORK_POLICIES and verb == "create":
            raise refusal

    harness.cluster._called = called  # type: ignore[method-assign]
    await harness.reconcile()
    assert harness.names("pods") == []
    assert harness.ready == ("False", reason)
    assert (("team", ""), seconds) in harness.again.calls, "one key tries for the whole namespace"


async def test_a_paused_task_has_one_too_and_the_last_task_takes_it_along() -> None:
    harness = ReconcileHarness(task_manifest(paused=True, status={}), network=RULES)
    await harness.reconcile()
    assert harness.names("networkpolicies") == ["taskyard-tasks"]
    harness.stores.tasks.remove(("team", "web"))
    await harness.reconcile()
    assert harness.names("networkpolicies") == []
    assert PODS.plural not in {plural for plural, _, _ in harness.cluster.objects}
