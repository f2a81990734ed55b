"""From the stores to the values that decisions use."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cache.stores import Stores
from taskyard.controller.gather import gather, gather_inputs
from taskyard.controller.inputs.delivery import NOT_REPEATED, NOT_REPEATED_IN_DOUBT
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.times import rfc3339
from unit.core.builders import (
    NOW,
    at,
    build_manifest,
    input_manifest,
    owned_by_tekton,
    pod_manifest,
    task_manifest,
    template_manifest,
    template_version_manifest,
)

WEB = ("team", "web")


def filled(**kinds: list[dict[str, Any]]) -> Stores:
    stores = Stores()
    for name, manifests in kinds.items():
        for manifest in manifests:
            getattr(stores, name).put(manifest)
    return stores


def gathered(**kinds: list[dict[str, Any]]) -> Observed:
    found = gather(filled(**{"tasks": [task_manifest()], **kinds}), WEB, now=NOW, obstacle=None)
    assert found
    return found


def claim(uid: str | None = None) -> dict[str, Any]:
    manifest = pod_manifest(owner_uid=uid) if uid else pod_manifest()
    manifest["metadata"]["name"] = "web-home"
    return manifest


def test_without_a_task_there_is_nothing_to_see() -> None:
    assert gather(Stores(), WEB, now=NOW, obstacle=None) is None


def test_a_task_alone() -> None:
    seen = gathered()
    assert (seen.builds, seen.pods, seen.template_version, seen.claim_exists) == ((), (), None, False)
    assert (seen.inputs_queued, seen.inputs_delivered, seen.resume_requested) == (0, 0, False)


def test_time_and_obstacle_are_handed_on() -> None:
    obstacle = Obstacle("QuotaExceeded", "no room")
    seen = gather(filled(tasks=[task_manifest()]), WEB, now=at(5), obstacle=obstacle)
    assert seen
    assert (seen.now, seen.obstacle) == (at(5), obstacle)


def test_builds_are_in_the_order_of_their_numbers() -> None:
    seen = gathered(builds=[build_manifest(number) for number in (10, 2, 9)])
    assert [build.number for build in seen.builds] == [2, 9, 10]
    assert seen.newest
    assert seen.newest.number == 10


def test_the_newest_pod_comes_last() -> None:
    seen = gathered(pods=[pod_manifest(3, created_at=at(5)), pod_manifest(2, created_at=at(1))])
    assert [pod.name for pod in seen.pods] == ["web-2", "web-3"]


def test_children_of_an_earlier_task_of_the_name_do_not_count() -> None:
    seen = gathered(
        builds=[build_manifest(uid="former")], pods=[pod_manifest(owner_uid="former")], claims=[claim("former")]
    )
    assert (seen.builds, seen.pods, seen.claim_exists) == ((), (), False)
    assert gathered(claims=[claim()]).claim_exists


def test_children_of_a_tekton_task_do_not_count() -> None:
    seen = gathered(
        builds=[owned_by_tekton(build_manifest())],
        pods=[owned_by_tekton(pod_manifest())],
        claims=[owned_by_tekton(claim())],
    )
    assert (seen.builds, seen.pods, seen.claim_exists) == ((), (), False)


def test_the_template_version_is_the_tasks_until_a_start_has_taken_one() -> None:
    versions = [template_version_manifest(name=name) for name in ("shell-v1", "shell-v2")]
    wants = [task_manifest(templateVersion="shell-v2")]
    started = build_manifest(1, template_version="shell-v1")
    stopped = build_manifest(2, "Stop", "ManualPause", template_version="shell-v1")

    def in_use(builds: list[dict[str, Any]]) -> str | None:
        seen = gathered(tasks=wants, template_versions=versions, builds=builds)
        return seen.template_version.name if seen.template_version else None

    assert in_use([]) == "shell-v2"
    assert in_use([started]) == "shell-v1"
    assert in_use([started, stopped]) == "shell-v2"


def test_a_template_leads_to_its_active_version_at_each_start() -> None:
    versions = [template_version_manifest(name=name) for name in ("shell-v1", "shell-v2")]
    wants = [task_manifest(template="shell", templateVersion=None)]
    started = build_manifest(1, template_version="shell-v1", phase="Succeeded")
    stopped = build_manifest(2, "Stop", "ManualPause", template_version="shell-v1")

    def in_use(*builds: dict[str, Any], active: str = "shell-v2") -> str | None:
        seen = gathered(
            tasks=wants, templates=[template_manifest(active)], template_versions=versions, builds=list(builds)
        )
        assert seen.template
        return seen.template_version.name if seen.template_version else None

    assert in_use() == "shell-v2"
    assert in_use(active="missing") is None
    assert in_use(started) == "shell-v1"
    assert in_use(started, active="missing") == "shell-v1"
    assert in_use(started, stopped) == "shell-v2"
    nobody_tells = gathered(tasks=wants, template_versions=versions)
    assert (nobody_tells.template, nobody_tells.template_version) == (None, None)


def test_of_the_secrets_those_count_that_the_task_names_and_may_use() -> None:
    given = [{"name": name, "secretRef": {"name": name, "key": "k"}} for name in ("mine", "unlabelled")]
    wants = task_manifest(parameters=[*given, {"name": "branch", "value": "main"}])

    def usable(namespace: str = "team") -> frozenset[str] | None:
        labelled = [
            {"metadata": {"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1"}}
            for name in ("mine", "another")
        ]
        return gathered(tasks=[wants], secrets=labelled).usable_secrets

    assert usable() == {"mine"}
    assert usable("elsewhere") == frozenset()
    stores = Stores(secret_parameters=False)
    stores.tasks.put(wants)
    seen = gather(stores, WEB, now=NOW, obstacle=None)
    assert seen
    assert seen.usable_secrets is None


def test_inputs_are_counted_and_one_that_waits_may_ask_to_resume() -> None:
    seen = gathered(
        inputs=[
            input_manifest("a"),
            input_manifest("b", resume=True, status={"phase": "Queued", "order": 7}),
            input_manifest("c", status={"phase": "Delivered"}),
            input_manifest("d", status={"phase": "Rejected"}, resume=True),
            input_manifest("e", task="other"),
        ]
    )
    assert (seen.inputs_queued, seen.inputs_delivered, seen.resume_requested) == (2, 1, True)
    beyond = gathered(inputs=[input_manifest("b", resume=True)])
    assert not beyond.resume_requested, "it has no place yet, and may find no room"
    assert not gathered(inputs=[input_manifest(status={"phase": "Delivered"}, resume=True)]).resume_requested


def test_when_the_last_input_was_delivered() -> None:
    def ended(name: str, phase: str, seconds: float) -> dict[str, Any]:
        field = "deliveredAt" if phase == "Delivered" else "rejectedAt"
        return input_manifest(name, status={"phase": phase, field: rfc3339(at(seconds))})

    seen = gathered(
        inputs=[
            ended("a", "Delivered", 10),
            ended("b", "Delivered", 30),
            ended("c", "Delivered", 20),
            ended("d", "Rejected", 40),
            input_manifest("e"),
        ]
    )
    assert seen.delivered_at == at(30)
    assert gathered(inputs=[ended("d", "Rejected", 40)]).delivered_at is None


def test_keystrokes_are_no_message() -> None:
    """K8: they do not take back the end of the work."""

    def delivered(name: str, kind: str, seconds: float) -> dict[str, Any]:
        status = {"phase": "Delivered", "deliveredAt": rfc3339(at(seconds))}
        return input_manifest(name, type=kind, status=status)

    seen = gathered(
        inputs=[delivered("a", "User", 10), delivered("b", "Control", 20), delivered("c", "Raw", 30)],
    )
    assert (seen.message_delivered_at, seen.delivered_at) == (at(20), at(30))


@pytest.mark.parametrize("message", [NOT_REPEATED, NOT_REPEATED_IN_DOUBT])
def test_an_input_that_is_not_repeated_is_no_new_work(message: str) -> None:
    """K7 with K8: the end of the work stays, and no clock of the Task begins anew."""

    def delivered(name: str, seconds: float, **status: str) -> dict[str, Any]:
        return input_manifest(name, status={"phase": "Delivered", "deliveredAt": rfc3339(at(seconds)), **status})

    seen = gathered(inputs=[delivered("a", 10), delivered("b", 20, message=message)])
    assert (seen.message_delivered_at, seen.delivered_at) == (at(10), at(10))
    seen = gathered(inputs=[delivered("b", 20, message=message)])
    assert (seen.message_delivered_at, seen.delivered_at, seen.inputs_delivered) == (None, None, 1)


def test_the_inputs_of_a_name_are_there_before_its_task_is() -> None:
    stores = filled(inputs=[input_manifest("a"), input_manifest("b", task="other")])
    assert [entry.name for entry in gather_inputs(stores, WEB)] == ["a"]
