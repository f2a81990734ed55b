"""A home grows at a start, never shrinks, and what prevents it is told (K12)."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.decision import AdoptClaim, CreateBuild, CreatePod, EndBuild, GrowClaim, Reserve, decide
from taskyard.core.home_size import larger_size, verdict
from taskyard.core.observed import Observed
from unit.core import builders
from unit.core.builders import build, build_manifest, merge, observed, reservation, task, template_version


def claim(requested: str = "1Gi", capacity: str | None = None, resizing: str | None = None) -> ClaimView:
    return builders.claim(requested=requested, capacity=capacity, resizing=resizing)


def starting(size: str | None = "2Gi", *, of: ClaimView | None = None, refusal: str | None = None) -> Observed:
    """A Task whose start build has its claim and no Pod yet; its version asks for a home of `size`."""
    home = {"size": size, "mountPath": "/home/agent"} if size else None
    newest = BuildView.of(merge(build_manifest(phase="Pending"), {"status": {"resizeRefusal": refusal}}))
    return observed(
        task(status={"phase": "Pending", "build": reservation()}),
        builds=(newest,),
        template_version=template_version(home=home),
        claim=of or claim(),
    )


def told(**condition: str) -> dict[str, Any]:
    """A Task's status with the condition HomeResized."""
    found = {"type": "HomeResized", "status": "False", "reason": "ResizeRefused", "message": "no", **condition}
    return {"phase": "Paused", "conditions": [found], "build": reservation(2, "Stop", "ManualPause", "Succeeded")}


@pytest.mark.parametrize(
    ("size", "requested", "expected"),
    [
        pytest.param("2Gi", "1Gi", "2Gi", id="larger"),
        pytest.param("1025Mi", "1Gi", "1025Mi", id="larger in another unit"),
        pytest.param("1Gi", "1024Mi", None, id="as large"),
        pytest.param("1Gi", "1G", "1Gi", id="binary and decimal"),
        pytest.param("1Gi", "2Gi", None, id="smaller"),
        pytest.param(None, "1Gi", None, id="no home"),
    ],
)
def test_it_grows_to_what_the_version_asks_for(size: str | None, requested: str, expected: str | None) -> None:
    """K12."""
    assert larger_size(starting(size, of=claim(requested))) == expected


def test_a_start_grows_the_home_before_it_creates_the_pod() -> None:
    """K12."""
    seen = starting()
    assert decide(seen) == GrowClaim(seen.builds[0], claim(), "2Gi")
    assert isinstance(decide(starting(of=claim("2Gi"))), CreatePod)


def test_a_refusal_does_not_hold_the_start() -> None:
    """K12."""
    assert isinstance(decide(starting(refusal="it may not be resized")), CreatePod)


def test_a_home_that_is_offered_is_adopted_also_while_the_task_is_paused() -> None:
    """K3."""
    paused = observed(task(paused=True), claim_exists=False, home_offered=True)
    assert decide(paused) == AdoptClaim()
    without = observed(
        task(paused=True), claim_exists=False, home_offered=True, template_version=template_version(home=None)
    )
    assert decide(without) != AdoptClaim()


def test_a_start_can_be_paused_while_the_adoption_of_its_home_is_refused() -> None:
    """K2, K3."""
    pausing = task(paused=True, status={"phase": "Pending", "build": reservation()})
    offered = {"claim_exists": False, "home_offered": True}
    start, stopped = build(), build(2, phase="Succeeded", transition="Stop")
    assert isinstance(decide(observed(pausing, builds=(start,), **offered)), EndBuild)
    canceled = build(phase="Canceled")
    assert decide(observed(pausing, builds=(canceled,), **offered)) == Reserve(
        2, Transition.STOP, BuildReason.MANUAL_PAUSE
    )
    assert decide(observed(pausing, builds=(canceled, stopped), **offered)) == AdoptClaim()


@pytest.mark.parametrize(
    ("reserved", "paused", "builds", "expected"),
    [
        pytest.param(reservation(1), True, (), Transition.START, id="a start that is only to be canceled"),
        pytest.param(
            reservation(3, "Start", "Resume"),
            True,
            (build(2, phase="Succeeded", transition="Stop"),),
            Transition.START,
            id="the same after a stop",
        ),
        pytest.param(
            reservation(2, "Stop", "ManualPause"), True, (build(phase="Failed"),), Transition.STOP, id="a stop"
        ),
        pytest.param(
            reservation(2, "Stop", "ManualPause"),
            False,
            (build(phase="Failed"),),
            Transition.STOP,
            id="a stop of a Task that was resumed since",
        ),
        pytest.param(reservation(1), False, (), None, id="a start, which needs the home"),
    ],
)
def test_a_reserved_build_does_not_wait_for_a_home_that_it_does_not_need(
    reserved: dict[str, Any], paused: bool, builds: tuple[BuildView, ...], expected: Transition | None
) -> None:
    """K2, K3."""
    seen = observed(
        task(paused=paused, status={"phase": "Pending", "build": reserved}),
        builds=builds,
        claim_exists=False,
        home_offered=True,
    )
    step = decide(seen)
    assert step == AdoptClaim() if expected is None else isinstance(step, CreateBuild) and step.transition is expected


def test_a_start_can_be_canceled_while_the_removal_of_other_builds_is_refused() -> None:
    """K2."""
    pausing = task(paused=True, status={"phase": "Pending", "build": reservation()})
    seen = observed(pausing, builds=(build(),), left_behind=(build(9),))
    assert isinstance(decide(seen), EndBuild)


def test_a_refusal_is_told_with_both_sizes_and_the_cause() -> None:
    """K12."""
    found = verdict(starting(refusal="the storage class forbids it"))
    assert found is not None
    assert (found.type, found.holds, found.reason) == ("HomeResized", False, "ResizeRefused")
    for part in ("stays at 1Gi", '"shell-v1"', "2Gi", "the storage class forbids it", "next start tries again"):
        assert part in found.message


def test_a_smaller_size_is_told_and_ignored() -> None:
    """K12."""
    found = verdict(starting("1Gi", of=claim("2Gi")))
    assert found is not None
    assert (found.holds, found.reason) == (False, "ShrinkNotSupported")
    assert "stays at 2Gi" in found.message and "asks for 1Gi" in found.message


def test_a_volume_that_is_being_resized_is_told_in_the_words_of_kubernetes() -> None:
    """K12."""
    found = verdict(starting(of=claim("2Gi", "1Gi", "Waiting for user to (re-)start a pod")))
    assert found is not None
    assert (found.holds, found.reason) == (False, "Resizing")
    assert found.message == "The home is being resized from 1Gi to 2Gi: Waiting for user to (re-)start a pod"


def test_an_ordinary_home_has_no_condition() -> None:
    assert verdict(starting("1Gi")) is None
    assert verdict(starting("1Gi", of=claim("1Gi", "10Gi"))) is None, "a volume may be larger than was asked for"
    assert verdict(starting(None)) is None


def test_the_condition_turns_true_when_the_size_is_right() -> None:
    """K12."""
    of = task(status=merge(told(), {"build": reservation(3, reason="Resume")}))
    seen = observed(
        of,
        builds=(build(3, reason="Resume"),),
        template_version=template_version(home={"size": "2Gi", "mountPath": "/home/agent"}),
        claim=claim("2Gi"),
    )
    now = verdict(seen)
    assert now is not None
    assert (now.holds, now.reason, now.message) == (True, "Resized", "The home has 2Gi.")


def test_while_the_task_is_paused_the_condition_stays() -> None:
    """K12."""
    stopped = build(2, "Stop", "ManualPause", "Succeeded")
    version = template_version(home={"size": "2Gi", "mountPath": "/home/agent"})
    paused = observed(task(paused=True, status=told()), builds=(stopped,), template_version=version, claim=claim())
    found = verdict(paused)
    assert found is not None
    assert (found.holds, found.reason, found.message) == (False, "ResizeRefused", "no")
    untold = observed(task(paused=True), builds=(stopped,), template_version=version, claim=claim())
    assert verdict(untold) is None
