"""What the API server refuses, as a Task's work meets it: what is waited for, what fails, and what the Task says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.turns import TRIES, Turns
from taskyard.core.resources import PODS, TASKS, WORKSPACE_BUILDS
from unit.controller.fakes import api_error
from unit.controller.reconcile_harness import RUNNING, WEB, ReconcileHarness
from unit.core.builders import (
    at,
    build_manifest,
    pod_manifest,
    reservation,
    task_manifest,
    template_version_manifest,
)
from unit.virtual_time import gaps, in_no_time, now


class Refusing:
    """Lets a harness' API server refuse one verb of one kind with `error`, until `lifted`."""

    def __init__(self, harness: ReconcileHarness, verb: str, plural: str, error: ApiError) -> None:
        self.error: ApiError | None = error
        self.tries = 0
        original = harness.cluster._called

        def called(done: str, resource: Any, name: str = "") -> None:
            original(done, resource, name)
            if (done, resource.plural) == (verb, plural) and self.error:
                self.tries += 1
                raise self.error

        harness.cluster._called = called  # type: ignore[method-assign]


def quota(used: str = "1") -> ApiError:
    return api_error(403, "Forbidden", f"exceeded quota: few, requested: x=1, used: x={used}, limited: x=0")


@pytest.mark.parametrize("plural", ["workspacebuilds", "persistentvolumeclaims", "pods"])
async def test_a_quota_on_anything_that_is_made_is_waited_for_and_says_so(plural: str) -> None:
    """K1, K2."""
    harness = ReconcileHarness()
    refusing = Refusing(harness, "create", plural, quota())
    await harness.reconcile()
    assert harness.ready == ("False", "QuotaExceeded")
    assert harness.again.calls == [(WEB, 4.0)]
    refusing.error = None
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]
    assert harness.ready == ("False", "Pending")


async def test_a_pause_that_a_quota_on_builds_holds_up_says_so() -> None:
    """K2."""
    harness = ReconcileHarness.running(pod=pod_manifest(), paused=True)
    refusing = Refusing(harness, "create", "workspacebuilds", quota())
    await harness.reconcile()
    assert (harness.status["phase"], harness.ready) == ("Pausing", ("False", "QuotaExceeded"))
    refusing.error = None
    await harness.reconcile()
    assert harness.status["phase"] == "Paused"


class CountedLater:
    """A quota on builds that counts what is gone only when it is told to."""

    def __init__(self, harness: ReconcileHarness, room: int) -> None:
        self._harness = harness
        self._room = room
        self.count()
        original = harness.cluster._called

        def called(done: str, resource: Any, name: str = "") -> None:
            original(done, resource, name)
            if (done, resource) == ("create", WORKSPACE_BUILDS):
                if self._used >= self._room:
                    raise quota()
                self._used += 1

        harness.cluster._called = called  # type: ignore[method-assign]

    def count(self) -> None:
        self._used = len(self._harness.names("workspacebuilds"))


def builds(*numbers: int) -> list[str]:
    return sorted(f"web-{number}" for number in numbers)


async def test_a_pause_under_a_full_quota_of_builds_takes_the_room_of_the_oldest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """K2."""
    status = RUNNING | {"build": reservation(3, "Start", "Resume", "Succeeded")}
    harness = ReconcileHarness(task_manifest(paused=True, status=status))
    harness.hold(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded"))
    harness.hold(WORKSPACE_BUILDS, build_manifest(2, "Stop", "ManualPause", phase="Succeeded"))
    harness.hold(WORKSPACE_BUILDS, build_manifest(3, "Start", "Resume", phase="Succeeded", pod_uid="pod-1"))
    harness.hold(PODS, pod_manifest(3, uid="pod-1"))
    counted = CountedLater(harness, 3)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == builds(2, 3), "at once, and one"
    assert harness.ready == ("False", "QuotaExceeded")
    for seconds in (4, 8, 12):
        harness.now = at(seconds)
        await harness.reconcile()
        assert harness.names("workspacebuilds") == builds(2, 3), "the quota has not counted that yet"
    assert sum("QuotaExceeded" in record.getMessage() for record in caplog.records) == 1
    counted.count()
    await harness.reconcile()
    assert (harness.status["phase"], harness.names("workspacebuilds")) == ("Paused", builds(2, 3, 4))
    assert harness.names("pods") == []


async def test_a_quota_that_others_fill_again_takes_one_build_at_a_time_and_never_the_newest() -> None:
    """K2."""
    status = RUNNING | {"build": reservation(4, "Start", "Resume", "Succeeded")}
    harness = ReconcileHarness(task_manifest(paused=True, status=status))
    for number in range(1, 5):
        harness.hold(WORKSPACE_BUILDS, build_manifest(number, phase="Succeeded", pod_uid="pod-1"))
    harness.hold(PODS, pod_manifest(4, uid="pod-1"))
    Refusing(harness, "create", "workspacebuilds", quota())
    left = []
    for seconds in range(0, 200, 4):
        harness.now = at(seconds)
        await harness.reconcile()
        left.append(len(harness.names("workspacebuilds")))
    assert left == [3] * 8 + [2] * 8 + [1] * 34
    assert harness.names("workspacebuilds") == builds(4)
    assert (harness.status["phase"], harness.ready) == ("Pausing", ("False", "QuotaExceeded"))


async def test_what_others_use_of_the_quota_is_not_written_each_time() -> None:
    harness = ReconcileHarness()
    refusing = Refusing(harness, "create", "pods", quota())
    await harness.reconcile()
    written = harness.changed.calls.copy()
    for seconds, used in ((4, "2"), (8, "3"), (12, "1500m")):
        harness.now, refusing.error = at(seconds), quota(used)
        await harness.reconcile()
    assert harness.changed.calls == written
    for seconds in (61, 63.5):
        harness.now = at(seconds)
        await harness.reconcile()
    assert "used: x=1500m" in harness.status["conditions"][0]["message"], "once a minute it is"


@pytest.mark.parametrize("plural", ["persistentvolumeclaims", "pods"])
async def test_a_part_of_a_start_that_only_a_person_can_mend_fails_the_build(plural: str) -> None:
    """K1."""
    harness = ReconcileHarness()
    error = api_error(403, "Forbidden", "maximum storage usage per PersistentVolumeClaim is 500Mi, but request is 1Gi")
    Refusing(harness, "create", plural, error)
    await harness.reconcile()
    assert (harness.status["phase"], harness.ready) == ("Error", ("False", "BuildFailed"))
    assert error.message in harness.build()["status"]["message"]


async def test_a_build_that_a_policy_refuses_says_so_and_is_tried_again() -> None:
    """K2."""
    harness = ReconcileHarness()
    Refusing(harness, "create", "workspacebuilds", api_error(422, "Invalid", "policy 'p' denied request: no builds"))
    await harness.reconcile()
    assert harness.ready == ("False", "WorkspaceBuildRefused")
    assert harness.again.calls == [(WEB, 30.0)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(
            api_error(500, "InternalError", 'failed calling webhook "a": connection refused'), "WebhookFailed", id="500"
        ),
        pytest.param(api_error(403, "Forbidden", "policy 'p' denied request: keep it"), "PodRefused", id="403"),
    ],
)
async def test_a_pod_that_may_not_be_deleted_holds_up_a_pause_and_the_task_says_so(
    error: ApiError, reason: str
) -> None:
    """K2."""
    harness = ReconcileHarness.running(pod=pod_manifest(), paused=True)
    Refusing(harness, "delete", "pods", error)
    await harness.reconcile()
    assert (harness.status["phase"], harness.ready) == ("Pausing", ("False", reason))


async def test_old_builds_that_may_not_be_deleted_hold_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    """K2."""
    harness = ReconcileHarness.running(pod=pod_manifest(), paused=True)
    for number in range(-10, 1):
        harness.hold(WORKSPACE_BUILDS, build_manifest(number, phase="Succeeded"))
    refusing = Refusing(harness, "delete", "workspacebuilds", api_error(403, "Forbidden", "policy denied request"))
    await harness.reconcile()
    assert harness.status["phase"] == "Paused"
    assert refusing.tries == 1, "nothing more of this Task is tried"
    assert "is not deleted: policy denied request" in caplog.text


async def test_words_that_change_each_time_are_no_reason_to_write_or_to_try_at_once() -> None:
    """K1: two full quotas by turns, and a webhook whose denial has an id in it."""
    harness = ReconcileHarness()
    refusing = Refusing(harness, "create", "pods", quota())
    await harness.reconcile()
    written = harness.changed.calls.copy()
    for seconds in (4, 8, 12):
        harness.now = at(seconds)
        refusing.error = api_error(403, "Forbidden", f"exceeded quota: {'ab'[seconds // 4 % 2]}, requested: x=1")
        await harness.reconcile()
    assert harness.changed.calls == written
    assert harness.again.calls == [(WEB, 4.0)] * 4


@pytest.mark.parametrize("others", [0, 600])
def test_a_crowd_under_a_full_quota_does_not_delay_the_tasks_of_another_namespace(others: int) -> None:
    """K1: each of them is tried in its turn, and namespaces take turns with each other."""

    async def work() -> None:
        harness = ReconcileHarness()
        stores, cluster = harness.stores, harness.cluster
        version = template_version_manifest()
        version["metadata"] = version["metadata"] | {"namespace": "crowd"}
        stores.template_versions.put(version)
        keys = [WEB, *(("crowd", f"c{number}") for number in range(others))]
        for _, name in keys[1:]:
            harness.hold(TASKS, task_manifest(name=name, namespace="crowd", uid=f"uid-of-{name}"))
        queue = KeyedQueue("task", workers=4, share=3)
        reconciler = harness.reconciler
        reconciler._again, reconciler._turns = queue.add_after, Turns(TRIES, queue.add)
        original, tries, is_full = cluster._called, list[tuple[float, str]](), True

        def called(verb: str, resource: Any, name: str = "") -> None:
            original(verb, resource, name)
            if (verb, resource) == ("create", PODS):
                tries.append((now(), name))
                if is_full or name != "web-1":
                    raise quota()

        cluster._called = called  # type: ignore[method-assign]
        running = asyncio.create_task(queue.run(reconciler.reconcile))
        for key in keys:
            queue.add(key)
        began = now()
        await asyncio.sleep(60)
        own = [moment - began for moment, name in tries if name == "web-1"]
        assert len(own) >= 14 and max(gaps(own)) < 4.5
        assert len(tries) < others + TRIES.burst + 60 * TRIES.per_second + len(own)
        if others:
            assert len(tries) > others + 50 * TRIES.per_second, "the crowd has all that nobody else needs"
        is_full = False
        await asyncio.sleep(5)
        assert harness.names("pods") == ["web-1"]
        running.cancel()
        await asyncio.wait({running})

    in_no_time(work())


async def test_a_task_that_nothing_blocks_any_more_waits_for_no_turn() -> None:
    harness = ReconcileHarness()
    left: list[Any] = []
    harness.reconciler._turns.leave = left.append  # type: ignore[method-assign]
    refusing = Refusing(harness, "create", "pods", quota())
    await harness.reconcile()
    assert left == []
    refusing.error = None
    await harness.reconcile()
    assert left == [WEB]


@pytest.mark.parametrize("field", ["observedUID", "inputs"])
async def test_a_field_that_older_crds_drop_is_no_reason_to_look_again(field: str) -> None:
    """An installation whose CRDs were not upgraded yet."""
    harness = ReconcileHarness()
    original = harness.cluster.patch_status

    async def prune(resource: Any, namespace: str, name: str, status: dict[str, Any], **more: Any) -> dict[str, Any]:
        kept = {key: value for key, value in status.items() if key != field}
        if kept:
            return await original(resource, namespace, name, kept, **more)
        return dict(harness.cluster.objects[resource.plural, namespace, name])

    harness.cluster.patch_status = prune  # type: ignore[method-assign]
    await harness.reconcile()
    settled = harness.changed.calls.copy()
    await harness.reconcile()
    assert harness.changed.calls == settled


async def test_a_fault_of_the_api_server_is_told_in_the_task_when_it_repeats() -> None:
    harness = ReconcileHarness()
    refusing = Refusing(harness, "create", "pods", api_error(503, message="the server is busy"))
    for number in range(1, 4):
        with pytest.raises(ApiError):
            await harness.reconcile()
        assert ("conditions" in harness.status and harness.ready[1] == "APIServerError") == (number == 3)
    assert "the server is busy" in harness.status["conditions"][0]["message"]
    refusing.error = None
    await harness.reconcile()
    assert harness.ready == ("False", "Pending")


@pytest.mark.parametrize(
    ("message", "resources"),
    [
        pytest.param(
            "failed quota: few: must specify limits.cpu for: taskyard-sidecar",
            {"requests": {"cpu": "10m"}, "limits": {"cpu": "250m"}},
            id="a limit",
        ),
        pytest.param(
            "minimum cpu usage per Container is 50m, but request is 10m", {"requests": {"cpu": "50m"}}, id="a minimum"
        ),
    ],
)
async def test_a_pod_that_is_refused_over_the_sidecars_resources_is_made_with_others(
    message: str, resources: dict[str, Any]
) -> None:
    """K5."""
    harness = ReconcileHarness()
    refusing = Refusing(harness, "create", "pods", api_error(403, "Forbidden", message))
    original = harness.cluster.create

    async def create(resource: Any, manifest: dict[str, Any], **options: Any) -> dict[str, Any]:
        if resource is PODS and refusing.tries:
            refusing.error = None
        return await original(resource, manifest, **options)

    harness.cluster.create = create  # type: ignore[method-assign]
    await harness.reconcile()
    pod = harness.cluster.objects["pods", "team", "web-1"]
    assert pod["spec"]["initContainers"][0]["resources"] == resources
    assert harness.ready == ("False", "Pending")


async def test_a_pod_that_the_sidecar_cannot_fit_into_names_the_charts_value() -> None:
    """K5."""
    harness = ReconcileHarness()
    message = "minimum cpu usage per Container is 4, but request is 10m"
    Refusing(harness, "create", "pods", api_error(403, "Forbidden", message))
    await harness.reconcile()
    assert "sidecar.resources in the values of Taskyard's chart" in harness.build()["status"]["message"]


async def test_a_message_of_any_length_is_shown_shortened() -> None:
    """K6."""
    harness = ReconcileHarness()
    message = ", ".join(
        f'spec.containers[0].env[{number}].name: Invalid value: "BAD=NAME-{number}"' for number in range(400)
    )
    Refusing(harness, "create", "pods", api_error(422, "Invalid", message))
    await harness.reconcile()
    (ready,) = [c for c in harness.status["conditions"] if c["type"] == "Ready"]
    for text in (harness.build()["status"]["message"], ready["message"]):
        assert "BAD=NAME-1" in text and "more characters)" in text and "pause and resume the Task" in text
        assert len(text) < 1100


@pytest.mark.parametrize("is_refused", [True, False], ids=["a refusal", "a fault"])
async def test_what_happens_while_the_api_server_refuses_is_looked_at(is_refused: bool) -> None:
    """What was changed meanwhile is shown, but nothing was decided by it: the key stays in the queue."""
    harness = ReconcileHarness()
    error = quota() if is_refused else api_error(500)
    Refusing(harness, "create", "workspacebuilds", error)
    harness.reconciler._faults[WEB] = 5
    news = 0
    called = harness.cluster._called

    def pause(done: str, resource: Any, name: str = "") -> None:
        nonlocal news
        if (done, resource.plural) == ("create", "workspacebuilds"):
            news = 1
        called(done, resource, name)

    def seen(key: Any) -> None:
        nonlocal news
        news = 0

    harness.cluster._called = pause  # type: ignore[method-assign]
    harness.reconciler._seen = seen
    with contextlib.suppress(ApiError):
        await harness.reconcile()
    assert news, "nobody else would look at it before the next try"


@pytest.mark.parametrize("plural", ["pods", "persistentvolumeclaims"])
async def test_an_object_that_has_lost_its_label_costs_a_few_calls(plural: str) -> None:
    """The watch by the label tells that it is gone; a read finds it."""
    harness = ReconcileHarness()
    await harness.reconcile()
    store = harness.stores.pods if plural == "pods" else harness.stores.claims
    (view,) = store
    del harness.cluster.objects[plural, "team", view.name]["metadata"]["labels"]["taskyard.dev/task"]
    store.deleted(view)
    before = len(harness.cluster.calls)
    await harness.reconcile()
    assert len(harness.cluster.calls) - before <= 6, harness.cluster.calls[before:]
    assert (WEB, 0.0) not in harness.again.calls
    assert harness.ready == ("False", "LabelMissing")


async def test_a_pod_that_runs_without_its_label_is_not_replaced_and_costs_a_few_calls() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest())
    (view,) = harness.stores.pods
    del harness.cluster.objects["pods", "team", "web-1"]["metadata"]["labels"]["taskyard.dev/task"]
    harness.stores.pods.deleted(view)
    harness.now = at(3600)
    await harness.reconcile()
    assert len(harness.cluster.calls) <= 6, harness.cluster.calls
    assert harness.again.calls == [(WEB, 30.0)]
    assert harness.ready == ("False", "LabelMissing")
    ready = next(found for found in harness.status["conditions"] if found["type"] == "Ready")
    assert "Pod web-1 is this Task's and has lost its label taskyard.dev/task" in ready["message"]
    assert harness.names("workspacebuilds") == ["web-1"]
