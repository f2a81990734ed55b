"""What ended the Pods that are gone."""

from __future__ import annotations

from taskyard.controller.cache import lost_pods
from taskyard.controller.cache.lost_pods import LostPods
from taskyard.controller.cache.stores import Stores
from unit.core.builders import pod, pod_manifest

DRAINED = "EvictionByEvictionAPI"


def test_what_the_last_state_of_a_pod_told_is_known_when_it_is_gone() -> None:
    """K11"""
    stores = Stores()
    stores.pods.put(pod_manifest())
    stores.pods.put(pod_manifest(version=101, disruption=DRAINED))
    stores.pods.deleted(pod(version=102))
    cause = stores.lost_pods.cause("pod-1")
    assert cause is not None and cause.is_disruption


def test_what_was_withdrawn_is_forgotten() -> None:
    """K11"""
    known = LostPods()
    known.saw(None, pod(disruption=DRAINED))
    known.saw(None, pod(version=101))
    assert known.cause("pod-1") is None
    assert len(known) == 0


def test_a_pod_that_nothing_ends_takes_no_memory() -> None:
    known = LostPods()
    known.saw(None, pod())
    assert len(known) == 0
    assert known.cause(None) is None


def test_the_memory_is_bounded() -> None:
    known = LostPods()
    for number in range(lost_pods.MAX_REMEMBERED + 5):
        known.saw(None, pod(uid=f"pod-{number}", phase="Failed"))
    assert len(known) == lost_pods.MAX_REMEMBERED
    assert known.cause("pod-4") is None and known.cause("pod-5") is not None
