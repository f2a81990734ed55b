"""The Events of a Pod that does not start. All are for K4."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import ApiError
from taskyard.controller.pod_events import PodEvents
from taskyard.core.resources import CLAIMS, EVENTS, PODS, WORKSPACE_BUILDS
from taskyard.core.times import rfc3339
from unit.controller.fakes import api_error
from unit.controller.reconcile_harness import WEB, ReconcileHarness
from unit.core.builders import (
    at,
    build_manifest,
    claim_manifest,
    container_status,
    pod_manifest,
    reservation,
    task_manifest,
)

NOTE = 'MountVolume.SetUp failed for volume "keys" : secret "nothing" not found'
STATUS = {"phase": "Initializing", "build": reservation(phase="Succeeded"), "workspace": {"appHealth": "Initializing"}}


class EventsHarness(ReconcileHarness):
    """A Task whose Pod waits for a volume, the reconciler, and what reads Events."""

    @classmethod
    def waiting(cls) -> EventsHarness:
        waits = container_status("taskyard-sidecar", "waiting", reason="ContainerCreating")
        agent = container_status(state="waiting", reason="PodInitializing")
        harness = cls.running(pod=pod_manifest(phase="Pending", sidecar=waits, agent=agent), status=STATUS)
        assert isinstance(harness, cls)
        harness.pod_events = PodEvents(harness.cluster, harness.stores, clock=harness.clock, changed=harness.looked)
        return harness

    pod_events: PodEvents

    def looked(self, key: Any) -> None:
        self.again.calls.append((key, 0.0))

    def event(self, *, uid: str = "pod-1", reason: str = "FailedMount", seconds: float = 29) -> None:
        name = f"{uid}-{reason}"
        self.cluster.hold(
            EVENTS,
            {
                "metadata": {"name": name, "namespace": "team", "resourceVersion": "5"},
                "type": "Warning",
                "reason": reason,
                "note": NOTE,
                "deprecatedLastTimestamp": rfc3339(at(seconds)),
                "regarding": {"kind": "Pod", "name": "web-1", "uid": uid},
            },
        )

    @property
    def lists(self) -> list[str]:
        return [name for verb, plural, name in self.cluster.calls if (verb, plural) == ("list", "events")]


async def test_events_are_read_when_they_are_due_and_their_cause_is_told() -> None:
    harness = EventsHarness.waiting()
    harness.event()
    harness.event(uid="pod-0", reason="FailedCreatePodSandBox")
    await harness.reconcile()
    assert (harness.reads, harness.deadlines[WEB]) == ([], at(30))

    harness.now = at(30)
    await harness.reconcile()
    assert harness.reads == [WEB]
    await harness.pod_events.read(WEB)
    assert harness.again.calls == [(WEB, 0.0)]
    await harness.reconcile()
    assert harness.ready == ("False", "FailedMount")
    assert (harness.lists, harness.reads, harness.deadlines[WEB]) == (["pod-1"], [WEB], at(90))


async def test_events_that_are_not_due_are_not_read() -> None:
    harness = EventsHarness.waiting()
    await harness.pod_events.read(WEB)
    await harness.pod_events.read(("team", "nobody"))
    assert harness.lists == []


async def test_a_refusal_is_told_with_the_command_that_shows_them() -> None:
    harness = EventsHarness.waiting()
    harness.now = at(600)
    harness.cluster.failures["list"] = [api_error(403, "Forbidden", "events is forbidden: cannot list")]
    await harness.pod_events.read(WEB)
    await harness.reconcile()
    assert (harness.status["phase"], harness.ready) == ("Error", ("False", "StartTimeout"))
    (ready,) = [c for c in harness.status["conditions"] if c["type"] == "Ready"]
    assert "kubectl describe pod web-1 -n team. The operator cannot read them: events is forbidden" in ready["message"]


async def test_an_outage_is_no_refusal() -> None:
    harness = EventsHarness.waiting()
    harness.now = at(600)
    harness.cluster.failures["list"] = [api_error(503)]
    with pytest.raises(ApiError):
        await harness.pod_events.read(WEB)
    assert harness.stores.readings == {}


async def test_what_was_read_is_forgotten_when_the_pod_starts() -> None:
    harness = EventsHarness.waiting()
    harness.event()
    harness.now = at(30)
    await harness.pod_events.read(WEB)
    assert WEB in harness.stores.readings
    harness.hold(PODS, pod_manifest(version=300))
    await harness.reconcile()
    assert harness.stores.readings == {}


async def test_what_was_read_is_forgotten_with_the_task() -> None:
    harness = EventsHarness.waiting()
    harness.now = at(30)
    await harness.pod_events.read(WEB)
    harness.stores.tasks.remove(WEB)
    await harness.reconcile()
    assert harness.stores.readings == {}


async def test_an_image_that_is_tried_again_and_again_is_not_read_of_at_each_try() -> None:
    harness = EventsHarness.waiting()
    harness.event(reason="Failed")
    sidecar = container_status("taskyard-sidecar", ready=False)
    answer = container_status(state="waiting", reason="ErrImagePull", message="not found")
    pause = container_status(state="waiting", reason="ImagePullBackOff", message='Back-off pulling image "nothing"')
    harness.now = at(30)
    for version, agent in enumerate((pause, answer, pause, answer, pause), start=300):
        harness.hold(PODS, pod_manifest(version=version, phase="Pending", sidecar=sidecar, agent=agent))
        await harness.reconcile()
        if harness.reads:
            await harness.pod_events.read(harness.reads.pop())
    assert harness.lists == ["pod-1"]
    await harness.reconcile()
    (ready,) = [c for c in harness.status["conditions"] if c["type"] == "Ready"]
    assert (ready["reason"], NOTE in ready["message"]) == ("ImagePullBackOff", True)


async def test_of_a_pod_without_a_node_the_events_of_its_home_alone_are_read() -> None:
    """And they are forgotten when the claim has a volume."""
    harness = EventsHarness(task_manifest(status={"phase": "Pending", "build": reservation()}))
    harness.pod_events = PodEvents(harness.cluster, harness.stores, clock=harness.clock, changed=harness.looked)
    said = "pod has unbound immediate PersistentVolumeClaims"
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(PODS, pod_manifest(node=None, phase="Pending", unschedulable=said))
    harness.hold(CLAIMS, claim_manifest() | {"status": {"phase": "Pending"}})
    harness.event(uid="claim", reason="ProvisioningFailed")
    harness.event(uid="claim-2", reason="VolumeMismatch")
    harness.event()
    await harness.reconcile()
    assert (harness.reads, harness.deadlines[WEB], harness.ready) == ([], at(30), ("False", "Unschedulable"))
    harness.now = at(30)
    await harness.reconcile()
    await harness.pod_events.read(harness.reads.pop())
    await harness.reconcile()
    assert (harness.ready, harness.lists, harness.deadlines[WEB]) == (
        ("False", "ProvisioningFailed"),
        ["claim"],
        at(90),
    )
    harness.hold(CLAIMS, claim_manifest(version=300))
    await harness.reconcile()
    assert (harness.stores.readings, harness.ready) == ({}, ("False", "Unschedulable"))


async def test_a_claims_events_that_may_not_be_read_hold_nothing_up() -> None:
    harness = EventsHarness(task_manifest(status={"phase": "Pending", "build": reservation()}))
    harness.pod_events = PodEvents(harness.cluster, harness.stores, clock=harness.clock, changed=harness.looked)
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(PODS, pod_manifest(node=None, phase="Pending", unschedulable="unbound PersistentVolumeClaims"))
    harness.hold(CLAIMS, claim_manifest() | {"status": {"phase": "Pending"}})
    harness.cluster.failures["list"] = [api_error(403, "Forbidden", "events is forbidden: cannot list")]
    harness.now = at(600)
    await harness.reconcile()
    await harness.pod_events.read(harness.reads.pop())
    await harness.reconcile()
    assert (harness.status["phase"], harness.ready) == ("Error", ("False", "BuildFailed"))
