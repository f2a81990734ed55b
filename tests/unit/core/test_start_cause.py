"""Which Event tells why a Pod does not start. All are for K4."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.start_cause import EventView, StartCause, progress, start_cause
from taskyard.core.times import micro, rfc3339
from unit.core.builders import NOW, at

NO_SECRET = 'MountVolume.SetUp failed for volume "keys" : secret "nothing" not found'
TIMED_OUT = (
    "Unable to attach or mount volumes: unmounted volumes=[keys], unattached volumes=[], failed to process volumes=[]: "
    "timed out waiting for the condition"
)
IN_USE = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-1'
EXCLUSIVE = (
    'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be attached '
    "to another"
)
NO_DISK = 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = no such disk'
NO_SANDBOX = 'Failed to create pod sandbox: rpc error: plugin type="bridge" failed: no room in range'
NO_IMAGE = 'Failed to pull image "nothing:1": rpc error: code = NotFound desc = failed to resolve image: not found'


def event(reason: str, note: str = "so it is", *, seconds: float = -5, type_: str = "Warning") -> EventView:
    return EventView(type=type_, reason=reason, note=note, at=at(seconds))


def normal(reason: str, note: str = "so it goes", *, seconds: float = -5) -> EventView:
    return event(reason, note, seconds=seconds, type_="Normal")


def attached(volume: str, *, seconds: float) -> EventView:
    note = f'AttachVolume.Attach succeeded for volume "{volume}"'
    return normal("SuccessfulAttachVolume", note, seconds=seconds)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], None, id="no event"),
        pytest.param([normal("Scheduled")], None, id="nothing is wrong"),
        pytest.param([event("FailedMount", NO_SECRET)], ("FailedMount", NO_SECRET), id="a mount"),
        pytest.param(
            [event("FailedMount", NO_SECRET, seconds=-60), event("FailedMount", TIMED_OUT, seconds=-1)],
            ("FailedMount", NO_SECRET),
            id="the cause, not that time ran out",
        ),
        pytest.param([event("FailedMount", TIMED_OUT)], ("FailedMount", TIMED_OUT), id="time ran out, if nothing else"),
        pytest.param(
            [event("FailedMount", NO_SECRET, seconds=-60), event("FailedMount", "no space left", seconds=-1)],
            ("FailedMount", "no space left"),
            id="the newest of two alike",
        ),
        pytest.param(
            [event("FailedMount", "not attached yet", seconds=-1), event("FailedAttachVolume", IN_USE, seconds=-70)],
            ("FailedAttachVolume", IN_USE),
            id="an attachment before a mount",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-70), normal("SuccessfulAttachVolume", seconds=-30)],
            None,
            id="attached meanwhile",
        ),
        pytest.param(
            [
                normal("SuccessfulAttachVolume", seconds=-30),
                event("FailedAttachVolume", IN_USE, seconds=-70),
                event("FailedMount", "wrong fs type", seconds=-10),
            ],
            ("FailedMount", "wrong fs type"),
            id="attached meanwhile, and not mounted",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-3000), event("FailedMount", TIMED_OUT)],
            ("FailedAttachVolume", IN_USE),
            id="in use elsewhere, told once and long ago",
        ),
        pytest.param(
            [event("FailedAttachVolume", EXCLUSIVE, seconds=-901)],
            ("FailedAttachVolume", EXCLUSIVE),
            id="attached to another node, told once and long ago",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-3000), attached("pvc-1", seconds=-2000)],
            None,
            id="in use elsewhere, and attached long ago",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-3000), normal("Pulling", seconds=-2000)],
            None,
            id="in use elsewhere, and mounted long ago",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-3000), event("FailedAttachVolume", NO_DISK, seconds=-60)],
            ("FailedAttachVolume", NO_DISK),
            id="in use elsewhere once, and now another fault",
        ),
        pytest.param(
            [event("FailedAttachVolume", NO_DISK, seconds=-901), event("FailedMount", TIMED_OUT)],
            ("FailedMount", TIMED_OUT),
            id="another fault of an attachment, which would have been told again",
        ),
        pytest.param(
            [event("FailedAttachVolume", IN_USE, seconds=-70), attached("pvc-2", seconds=-30)],
            ("FailedAttachVolume", IN_USE),
            id="another volume was attached",
        ),
        pytest.param(
            [
                event("FailedAttachVolume", IN_USE, seconds=-70),
                attached("pvc-1", seconds=-30),
                attached("pvc-2", seconds=-90),
            ],
            None,
            id="attached meanwhile, after another volume",
        ),
        pytest.param(
            [event("FailedMount", NO_SECRET, seconds=-60), normal("Pulling", seconds=-20)], None, id="mounted meanwhile"
        ),
        pytest.param(
            [event("FailedCreatePodSandBox", NO_SANDBOX)], ("FailedCreatePodSandBox", NO_SANDBOX), id="a sandbox"
        ),
        pytest.param(
            [normal("Pulling", seconds=-7), event("Failed", NO_IMAGE), event("Failed", "Error: ErrImagePull")],
            ("Failed", NO_IMAGE),
            id="an image",
        ),
        pytest.param(
            [normal("Pulling"), event("Failed", NO_IMAGE)], ("Failed", NO_IMAGE), id="an image, within one second"
        ),
        pytest.param([event("FailedScheduling"), normal("Scheduled")], None, id="it has a node by now"),
        pytest.param([event("DNSConfigForming")], None, id="a warning that holds up nothing"),
        pytest.param([event("FailedMount", NO_SECRET, seconds=-901)], None, id="long ago"),
        pytest.param([event("FailedMount", NO_SECRET, seconds=-899)], ("FailedMount", NO_SECRET), id="not so long ago"),
        pytest.param([event("FailedMount", NO_SECRET, seconds=20)], ("FailedMount", NO_SECRET), id="a clock ahead"),
        pytest.param([event("NetworkNotReady", "no cni")], ("NetworkNotReady", "no cni"), id="any other warning"),
        pytest.param([event("Made up, by hand")], None, id="a reason that is none"),
        pytest.param([event("FailedMount", "")], None, id="no words"),
    ],
)  # fmt: skip
def test_cause(events: list[EventView], expected: tuple[str, str] | None) -> None:
    assert start_cause(events, now=NOW) == (StartCause(*expected) if expected else None)
    assert start_cause(reversed(events), now=NOW) == start_cause(events, now=NOW)


def test_what_the_kubelet_is_at() -> None:
    pulling = normal("Pulling", 'Pulling image "large"', seconds=-20)
    assert progress([normal("Scheduled"), pulling]) == 'Pulling image "large"'
    assert progress([pulling, normal("Pulled", seconds=-3)]) == ""
    assert progress([]) == ""


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param({"deprecatedLastTimestamp": rfc3339(at(3)), "eventTime": None}, at(3), id="of core/v1"),
        pytest.param({"eventTime": micro(at(2)), "series": None}, at(2), id="once"),
        pytest.param(
            {"eventTime": micro(at(2)), "series": {"count": 4, "lastObservedTime": micro(at(9))}}, at(9), id="repeated"
        ),
        pytest.param({}, at(1), id="without times"),
    ],
)
def test_time_of_an_event(times: dict[str, Any], expected: object) -> None:
    manifest = {
        "metadata": {"creationTimestamp": rfc3339(at(1))},
        "type": "Warning",
        "reason": "FailedMount",
        "note": "secret\n\x1b[1mnot found" + "!" * 3000,
        **times,
    }
    found = EventView.of(manifest)
    assert found.at == expected
    assert found.note.startswith("secret not found!") and len(found.note) == 700
