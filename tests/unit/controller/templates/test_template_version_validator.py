"""Validating TemplateVersions by a dry run."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from taskyard.controller.cache.pod_templates import LARGE_BYTES
from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.templates.template_version_validator import TemplateVersionValidator
from taskyard.controller.turns import TRIES, Turns
from taskyard.core.resources import TEMPLATE_VERSIONS
from taskyard.core.template_version_words import NAME
from taskyard.core.tokenbucket import Rate
from taskyard.election.write_budget import WriteBudget
from taskyard.watchcache.kind import Key
from unit.controller.fakes import Again, FakeCluster, FakeTurns, api_error
from unit.core.builders import NOW, installation, template_version_manifest
from unit.virtual_time import gaps, in_no_time, now

SHELL = ("team", "shell-v1")


class ValidatorHarness:
    """A version, and the result of its validation."""

    def __init__(self, manifest: dict[str, Any] | None, *failures: ApiError) -> None:
        self.cluster, self.stores, self.again = FakeCluster(), Stores(), Again()
        self.cluster.failures["dry run"] = list(failures)
        if manifest:
            self.cluster.hold(TEMPLATE_VERSIONS, manifest)
            self.stores.template_versions.put(manifest)
        self.now = NOW
        self.validator = TemplateVersionValidator(
            self.cluster,
            self.stores,
            installation(),
            clock=lambda: self.now,
            again=self.again,
            turns=FakeTurns(self.again),
        )

    @property
    def verdict(self) -> tuple[str, str] | None:
        found = self.stores.template_versions.get(SHELL)
        conditions = found.status.get("conditions") if found else None
        return (conditions[0]["status"], conditions[0]["reason"]) if conditions else None

    @property
    def message(self) -> str:
        found = self.stores.template_versions.get(SHELL)
        assert found
        return str(found.status["conditions"][0]["message"])

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _, _ in self.cluster.calls]


async def test_a_version_whose_pod_is_accepted_is_valid_and_not_validated_again() -> None:
    harness = ValidatorHarness(template_version_manifest())
    await harness.validator.validate(SHELL)
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("True", "DryRunPassed")
    assert harness.verbs == ["dry run", "patch status"]
    assert [key for key in harness.cluster.objects if key[0] == "pods"] == []


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_a_version_whose_pod_is_refused_says_why(status: int) -> None:
    harness = ValidatorHarness(template_version_manifest(), api_error(status, message="image: Required value"))
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("False", "PodRefused")
    found = harness.stores.template_versions.get(SHELL)
    assert found
    assert "image: Required value" in found.status["conditions"][0]["message"]


async def test_what_can_be_told_without_the_api_server_is() -> None:
    harness = ValidatorHarness(template_version_manifest(pod={"spec": {}}))
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("False", "PodRefused")
    assert harness.verbs == ["patch status"]


FULL = f'pods "{NAME}" is forbidden: exceeded quota: few, requested: pods=1, used: pods={{}}, limited: pods=9'


async def test_an_exhausted_quota_is_no_verdict_on_the_version_and_is_told() -> None:
    harness = ValidatorHarness(template_version_manifest(), api_error(403, "Forbidden", FULL.format(9)))
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("Unknown", "QuotaExceeded")
    assert harness.again.calls == [(SHELL, 10.0)]
    assert "the Pod is forbidden: exceeded quota: few, requested: pods=1, used: pods=9" in harness.message
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("True", "DryRunPassed")


async def test_what_others_use_of_the_quota_is_shown_anew_once_a_minute() -> None:
    harness = ValidatorHarness(
        template_version_manifest(), *(api_error(403, "Forbidden", FULL.format(used)) for used in (9, 10, 11))
    )
    await harness.validator.validate(SHELL)
    harness.now += timedelta(seconds=59)
    await harness.validator.validate(SHELL)
    assert "used: pods=9" in harness.message
    harness.now += timedelta(seconds=1)
    await harness.validator.validate(SHELL)
    assert "used: pods=11" in harness.message


def test_a_crowd_of_versions_that_are_refused_does_not_delay_those_of_another_namespace() -> None:
    async def work() -> None:
        harness = ValidatorHarness(template_version_manifest())
        for number in range(900):
            manifest = template_version_manifest(name=f"v-{number}")
            manifest["metadata"] = manifest["metadata"] | {"namespace": "crowd"}
            harness.cluster.hold(TEMPLATE_VERSIONS, manifest)
            harness.stores.template_versions.put(manifest)
        queue = KeyedQueue("template version", workers=2)
        validator = harness.validator
        validator._again, validator._turns = queue.add_after, Turns(TRIES, queue.add)
        tries: list[tuple[float, str]] = []

        async def validate(key: Key) -> None:
            tries.append((now(), key[0]))
            harness.cluster.failures["dry run"] = [api_error(403, "Forbidden", FULL.format(9))]
            await validator.validate(key)

        running = asyncio.create_task(queue.run(validate))
        for view in harness.stores.template_versions:
            queue.add((view.namespace, view.name))
        await asyncio.sleep(100)
        own = [moment for moment, namespace in tries if namespace == "team"]
        assert len(own) >= 10 and max(gaps(own)) < 10.5
        assert 900 + 85 * 20 < len(tries) < 900 + 101 * 20, "twenty a second"
        running.cancel()
        await asyncio.wait({running})

    in_no_time(work())


async def test_a_field_that_the_api_server_does_not_know_is_told_once_and_the_version_is_valid() -> None:
    harness = ValidatorHarness(template_version_manifest())
    harness.cluster.warnings = [
        'unknown field "spec.containers[0].imagePulPolicy"',
        'unknown field "spec.initContainers[0].x"',
    ]
    await harness.validator.validate(SHELL)
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("True", "UnknownField")
    assert "spec.pod.spec.containers[0].imagePulPolicy" in harness.message
    assert "initContainers" not in harness.message, "it is the sidecar's"
    assert harness.verbs == ["dry run", "patch status"]


async def test_only_the_warnings_of_the_last_try_are_told() -> None:
    quota = "failed quota: few: must specify limits.cpu for: taskyard-sidecar"
    harness = ValidatorHarness(template_version_manifest(), api_error(403, "Forbidden", quota))
    harness.cluster.warnings = ['unknown field "spec.tolerance"']
    await harness.validator.validate(SHELL)
    assert harness.verbs == ["dry run", "dry run", "patch status"]
    assert harness.message.count("unknown field") == 1


async def test_an_error_of_the_api_server_is_logged_and_is_no_verdict_on_the_version() -> None:
    harness = ValidatorHarness(template_version_manifest(), api_error(503))
    with pytest.raises(ApiError):
        await harness.validator.validate(SHELL)
    assert harness.verdict is None


async def test_in_a_terminating_namespace_nothing_is_done() -> None:
    harness = ValidatorHarness(
        template_version_manifest(), api_error(403, "Forbidden", causes=("NamespaceTerminating",))
    )
    await harness.validator.validate(SHELL)
    assert harness.verdict is None
    assert harness.again.calls == []


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(None, id="gone"),
        pytest.param(
            template_version_manifest()
            | {"metadata": template_version_manifest()["metadata"] | {"deletionTimestamp": "x"}},
            id="being deleted",
        ),
    ],
)
async def test_a_deleted_version_is_not_validated(manifest: dict[str, Any] | None) -> None:
    harness = ValidatorHarness(manifest)
    await harness.validator.validate(SHELL)
    assert harness.verbs == []


async def test_a_version_that_is_deleted_meanwhile_is_no_error() -> None:
    harness = ValidatorHarness(template_version_manifest())
    harness.cluster.objects.clear()
    await harness.validator.validate(SHELL)
    assert harness.verbs == ["dry run", "patch status"]


async def test_a_version_that_was_refused_is_looked_at_again_and_becomes_valid() -> None:
    harness = ValidatorHarness(template_version_manifest(), api_error(403, message='violates PodSecurity "restricted"'))
    await harness.validator.validate(SHELL)
    assert harness.again.calls == [(SHELL, 30.0)]
    await harness.validator.validate(SHELL)
    assert harness.verdict == ("True", "DryRunPassed")
    assert harness.again.calls == [(SHELL, 30.0)], "valid for good"


async def test_the_same_verdict_is_not_written_again() -> None:
    refusal = api_error(422, message="image: Required value")
    harness = ValidatorHarness(
        template_version_manifest(), refusal, refusal, api_error(422, message="command: Required value")
    )
    await harness.validator.validate(SHELL)
    await harness.validator.validate(SHELL)
    assert harness.verbs == ["dry run", "patch status", "dry run"]
    assert harness.again.calls == [(SHELL, 300.0)] * 2, "and looked at again all the same"
    await harness.validator.validate(SHELL)
    assert harness.verbs[3:] == ["dry run", "patch status"], "another cause is written"


async def test_what_can_be_told_without_the_api_server_is_written_once() -> None:
    harness = ValidatorHarness(template_version_manifest(pod={"spec": {}}))
    for _ in range(3):
        await harness.validator.validate(SHELL)
    assert harness.verbs == ["patch status"]


async def test_conditions_that_others_keep_stay() -> None:
    audited = {"type": "example.org/Audited", "status": "True", "reason": "x", "message": ""}
    harness = ValidatorHarness(template_version_manifest() | {"status": {"conditions": [audited]}})
    await harness.validator.validate(SHELL)
    found = harness.stores.template_versions.get(SHELL)
    assert found
    assert [condition["type"] for condition in found.status["conditions"]] == ["Valid", "example.org/Audited"]
    assert found.status["conditions"][1] == audited


class Versions:
    """A connection to an API server that has versions, and takes all dry runs."""

    def __init__(self) -> None:
        self.manifests: dict[str, dict[str, Any]] = {}

    def large(self, namespace: str, name: str) -> dict[str, Any]:
        """A version of which few are in memory at a time."""
        container = {"name": "agent", "image": "a", "command": ["bash", "x" * LARGE_BYTES]}
        manifest = template_version_manifest(name=name, pod={"spec": {"containers": [container]}})
        manifest["metadata"] |= {"namespace": namespace, "uid": f"uid-{namespace}-{name}"}
        self.manifests[f"{namespace}/templateversions/{name}/status"] = manifest
        return manifest

    async def call(self, method: str, path: str, **how: Any) -> Any:
        how["permit"]()
        found = next((manifest for end, manifest in self.manifests.items() if path.endswith(end)), {})
        if found:
            found = {
                **found,
                "metadata": found["metadata"] | {"resourceVersion": "101"},
                "status": how["body"]["status"],
            }
        return how["parse"](json.dumps(found).encode())


def test_a_namespace_whose_writes_wait_keeps_no_large_version_of_another_from_being_validated() -> None:
    async def work() -> None:
        connection, stores = Versions(), Stores()
        budget = WriteBudget(clock=now, share=Rate(per_second=1_000_000, burst=1))
        cluster = Cluster(connection, guard=lambda: None, budget=budget)  # type: ignore[arg-type]
        validator = TemplateVersionValidator(
            cluster, stores, installation(), clock=lambda: NOW, again=Again(), turns=FakeTurns(Again())
        )
        keys = [("full", f"v{number}") for number in range(10)]
        for namespace, name in [*keys, SHELL]:
            stores.template_versions.put(connection.large(namespace, name))
        budget.turn("full", "pods", size=30_000_000)
        began = now()
        waiting = [asyncio.create_task(validator.validate(key)) for key in keys]
        await asyncio.sleep(0.001)
        await validator.validate(SHELL)
        assert now() - began < 1
        found = stores.template_versions.get(SHELL)
        assert found and found.status["conditions"][0]["reason"] == "DryRunPassed"
        await asyncio.gather(*waiting)
        assert now() - began > 29, "they have waited for their turns"

    in_no_time(work())
