"""A Pod without a node, since the Task's home has no volume. All are for K4."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import event_reading, status
from taskyard.core.claim_events import next_reading, unbound
from taskyard.core.claim_view import ClaimView
from taskyard.core.decision import EndBuild, Rest, decide
from taskyard.core.observed import Observed
from taskyard.core.start_cause import Reading, StartCause
from unit.core.builders import (
    Manifest,
    at,
    build,
    claim,
    claim_manifest,
    observed,
    pod,
    reservation,
    task,
    template_version,
)

UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
NO_ROOM = "0/1 nodes are available: 1 Insufficient memory."
NO_CLASS = StartCause("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
BEGIN = "Pod web-1 waits for its home: claim web-home has no volume: "


def home(*, has_node: bool = False, phase: str = "Pending", spec: Manifest | None = None, **metadata: Any) -> ClaimView:
    """The claim of a home that has no volume; `has_node`: the scheduler has chosen a node for it."""
    chosen = {"annotations": {"volume.kubernetes.io/selected-node": "node-a"}} if has_node else {}
    made = claim_manifest(**chosen, **metadata) | {"status": {"phase": phase}}
    return ClaimView.of(made | {"spec": made["spec"] | (spec or {})})


def waiting(
    *, seconds: float = 0, said: str | None = UNBOUND, timeout: int = 600, ready: Manifest | None = None, **fields: Any
) -> Observed:
    """A start whose Pod has no node, `seconds` after the Pod's creation; `ready` is the condition that is shown."""
    made = pod(node=None, phase="Pending", unschedulable=said, **fields.pop("of_pod", {}))
    shown = {"phase": "Pending", "build": reservation(), "conditions": [ready] if ready else []}
    return observed(
        task(status=shown),
        builds=(fields.pop("of_build", build()),),
        pods=(made,),
        now=at(seconds),
        template_version=template_version(startTimeoutSeconds=timeout),
        **{"claim": home(), **fields},
    )


def read(seconds: float, cause: StartCause | None = NO_CLASS, *, number: int = 1, uid: str = "claim") -> Reading:
    return Reading(uid, at=at(seconds), number=number, cause=cause)


def shown(seen: Observed) -> tuple[str, str]:
    """Reason and message of Ready."""
    (found,) = [c for c in status.document(seen)["conditions"] if c["type"] == "Ready"]
    return found["reason"], found["message"]


# Of which claims, and when


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(waiting(), at(30), id="half a minute after the Pod was created"),
        pytest.param(waiting(timeout=20), at(20), id="at a time-out before that"),
        pytest.param(waiting(reading=read(30)), at(90), id="a minute after the first time"),
        pytest.param(waiting(reading=read(90, number=2)), at(210), id="two minutes after the second"),
        pytest.param(waiting(reading=read(590, number=5)), at(600), id="in any case at the time-out"),
        pytest.param(waiting(reading=read(30, uid="pod-1")), at(30), id="a Pod's do not count"),
        pytest.param(waiting(said=None, claim=home(has_node=True)), at(30), id="the scheduler waits in silence"),
        pytest.param(waiting(said=NO_ROOM, claim=home(has_node=True)), at(30), id="what it said before is over"),
        pytest.param(
            waiting(said='running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "x"'),
            at(30),
            id="its provisioner fails once a node is chosen",
        ),
        pytest.param(
            waiting(said="0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."),
            at(30),
            id="no volume to bind",
        ),
        pytest.param(waiting(said=NO_ROOM), None, id="the Pod waits for memory"),
        pytest.param(waiting(said=None), None, id="the scheduler has not said anything"),
        pytest.param(waiting(claim=claim()), None, id="the claim has a volume: another has none"),
        pytest.param(waiting(claim=home(deletionTimestamp="2026-01-31T12:00:00Z")), None, id="it is being deleted"),
        pytest.param(waiting(claim=None), None, id="no home"),
        pytest.param(waiting(of_pod={"deleting": True}), None, id="the Pod is being deleted"),
        pytest.param(waiting(of_build=build(phase="Failed")), None, id="the start has failed"),
    ],
)
def test_when_a_claims_events_are_read(seen: Observed, expected: object) -> None:
    assert next_reading(seen) == expected
    subject = event_reading.subject(seen)
    if expected is None:
        assert (unbound(seen), subject) == (None, None)
    else:
        assert subject is not None
        assert (subject.kind, subject.name, subject.uid, subject.due) == (
            "PersistentVolumeClaim",
            "web-home",
            "claim",
            expected,
        )


def test_a_task_is_looked_at_when_they_are_due() -> None:
    assert decide(waiting()) == Rest(until=at(30))
    assert decide(waiting(seconds=31)) == Rest(until=at(610)), "they are being read"
    assert decide(waiting(seconds=31, reading=read(30))) == Rest(until=at(90))
    assert decide(waiting(said=NO_ROOM)) == Rest(until=at(600))


# What they say


@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        pytest.param(NO_CLASS, "Create StorageClass fast, and the claim gets its volume by itself.", id="no class"),
        pytest.param(
            StartCause("ProvisioningFailed", 'storageclasses.storage.k8s.io "fast" not found'),
            "Create StorageClass fast",
            id="as another provisioner says it",
        ),
        pytest.param(
            StartCause("FailedBinding", "no persistent volumes available for this claim and no storage class is set"),
            "Make a StorageClass the default of the cluster",
            id="no default",
        ),
        pytest.param(StartCause("ExternalProvisioning", "Waiting"), "See that this provisioner runs.", id="external"),
        pytest.param(StartCause("ProvisioningFailed", "no space"), "It is tried again by itself", id="other"),
    ],
)
def test_the_cause_is_told_with_its_remedy(cause: StartCause, helps: str) -> None:
    reason, message = shown(waiting(seconds=40, reading=read(30, cause)))
    assert reason == cause.reason
    assert message.startswith(f"{BEGIN}{cause.note}. ")
    assert helps in message
    assert "kubectl delete pvc web-home -n team" in message


NAMED = {"volumeName": "pv-1"}


@pytest.mark.parametrize(
    ("cause", "claim", "helps"),
    [
        pytest.param(
            StartCause("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"),
            home(phase="Lost", spec=NAMED),
            "An administrator can create PersistentVolume pv-1 again for the same storage",
            id="its volume is gone",
        ),
        pytest.param(
            StartCause("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"),
            home(phase="Lost", spec=NAMED),
            "see which of them its spec.claimRef is for",
            id="bound to another's",
        ),
        pytest.param(
            StartCause("FailedBinding", 'volume "pv-1" already bound to a different claim.'),
            home(spec=NAMED),
            "PersistentVolume pv-1 (spec.volumeName), whose spec.claimRef names another claim",
            id="names another's",
        ),
        pytest.param(
            StartCause("VolumeMismatch", 'Cannot bind to requested volume "pv-1": requested PV is too small'),
            home(spec=NAMED),
            "PersistentVolume pv-1 (spec.volumeName), which does not fit it",
            id="names one that does not fit",
        ),
        pytest.param(NO_CLASS, home(spec=NAMED), "Create StorageClass fast", id="any other cause"),
        pytest.param(NO_CLASS, home(phase="Lost"), "Create StorageClass fast", id="it was bound once"),
    ],
)
def test_a_claim_that_may_stand_for_data_is_not_advised_to_be_deleted(
    cause: StartCause, claim: ClaimView, helps: str
) -> None:
    seen = waiting(seconds=40, claim=claim, reading=read(30, cause))
    failed = decide(waiting(seconds=600, claim=claim, reading=read(600, cause)))
    assert isinstance(failed, EndBuild)
    for message in (shown(seen)[1], failed.message or ""):
        assert helps in message and "Keep the claim" in message
        assert "delete" not in message and "holds nothing" not in message
        assert "provisioner" not in message and "the default" not in message


def test_a_claim_that_asks_for_no_class_needs_a_volume_and_no_default() -> None:
    cause = StartCause("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    claim = home(spec={"storageClassName": ""})
    message = shown(waiting(seconds=40, claim=claim, reading=read(30, cause)))[1]
    assert "create a PersistentVolume that fits" in message and "the default" not in message


MAKING = StartCause("ExternalProvisioning", "Waiting for a volume to be created by csi.test")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("0/5 nodes are available: 5 Insufficient memory.", id="no room"),
        pytest.param(
            "0/5 nodes are available: 1 Insufficient memory, 4 node(s) didn't find available persistent volumes to "
            "bind. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
            id="no room on the node that it chose once",
        ),
    ],
)
def test_what_the_scheduler_says_of_nodes_is_told_beside_the_claim_of_a_node_that_was_chosen_once(said: str) -> None:
    """The annotation stays when the choice comes to nothing."""
    chosen = home(has_node=True)
    seen = waiting(seconds=40, said=said, claim=chosen, reading=read(30, MAKING))
    failed = decide(waiting(seconds=600, said=said, claim=chosen, reading=read(600, MAKING)))
    assert isinstance(failed, EndBuild)
    reason, message = shown(seen)
    assert (reason, message.startswith("Pod web-1 waits for a node: 0/5 nodes")) == ("Unschedulable", True)
    for told in (message, failed.message or ""):
        assert "Insufficient memory" in told and "Free or add a node that fits" in told
        assert "Besides, claim web-home has no volume: Waiting for a volume" in told
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    restarted = waiting(seconds=45, said=said, claim=chosen, ready=ready)
    assert shown(restarted) == (reason, message), "it stands until the Events are read again"


def test_other_nodes_are_not_told_of_while_the_scheduler_has_chosen_none() -> None:
    said = (
        "0/2 nodes are available: 1 node(s) had untolerated taint {a: b}, 1 node(s) didn't find available persistent "
        "volumes to bind."
    )
    assert shown(waiting(seconds=40, said=said, reading=read(30)))[0] == "ProvisioningFailed"


def test_without_a_cause_the_scheduler_is_quoted() -> None:
    for reading in (None, read(30, None)):
        reason, message = shown(waiting(seconds=40, reading=reading))
        assert reason == "Unschedulable"
        assert "pod has unbound immediate PersistentVolumeClaims" in message
        assert "kubectl describe pvc" in message


# The end


def test_at_the_time_out_they_are_read_before_the_start_fails() -> None:
    assert decide(waiting(seconds=600, reading=read(590, None))) == Rest(until=at(610))
    step = decide(waiting(seconds=600, reading=read(600)))
    assert isinstance(step, EndBuild)
    assert step.message == (
        "Pod web-1 was not bound to a node within 600 s: claim web-home has no volume: storageclass.storage.k8s.io "
        '"fast" not found. Create StorageClass fast, and the claim gets its volume by itself. Or pause the Task, '
        "delete the claim, which holds nothing yet (kubectl delete pvc web-home -n team), and resume the Task with a "
        "template version that names another StorageClass. When that is done, pause and resume the Task."
    )


@pytest.mark.parametrize("reading", [None, read(590, None), read(600, None)])
def test_a_start_fails_all_the_same_when_they_say_nothing_or_are_not_read(reading: Reading | None) -> None:
    step = decide(waiting(seconds=610, reading=reading))
    assert isinstance(step, EndBuild)
    assert step.message is not None
    assert (
        "unbound immediate PersistentVolumeClaims. not found. `kubectl describe pvc -n team` says why" in step.message
    )


def test_after_a_restart_what_was_told_stands_until_they_are_read_again() -> None:
    told = {
        "type": "Ready",
        "status": "False",
        "reason": "ProvisioningFailed",
        "message": f"{BEGIN}no space. Wait.",
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    assert shown(waiting(seconds=40, ready=told)) == ("ProvisioningFailed", f"{BEGIN}no space. Wait.")
    assert shown(waiting(seconds=40, ready=told, reading=read(39, None)))[0] == "Unschedulable", "it is over"
    others = told | {"message": "Pod web-0 waits for its home: claim web-home has no volume: no"}
    assert shown(waiting(seconds=40, ready=others))[0] == "Unschedulable", "of another Pod"
