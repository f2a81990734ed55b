"""A restart of the operator, which forgets what it has read of a Pod's Events. All are for K4."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from taskyard.core import status
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.pod_view import SIDECAR
from taskyard.core.start_cause import StartCause
from taskyard.core.start_events import next_reading
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, Manifest, container_status
from unit.core.starts import (
    ANSWER,
    BACK_OFF,
    CREATING,
    IN_USE,
    LONG,
    NO_SANDBOX,
    NO_SECRET,
    WAITS,
    cause,
    image,
    reading,
    shown,
    starting,
)


def restarted(before: Observed, *, seconds: float = 0) -> Observed:
    """What the next process sees, so many seconds later: the status that the former one wrote, and no reading."""
    former = status.document(before)
    kept = before.task.status | {"conditions": former["conditions"], "phase": former["phase"]}
    return replace(
        before,
        task=replace(before.task, status=kept),
        reading=None,
        now=before.now + timedelta(seconds=seconds),
    )


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(starting(seconds=40, reading=reading(seconds=32, cause=NO_SECRET)), id="before the time-out"),
        pytest.param(starting(seconds=600, reading=reading(seconds=600, cause=NO_SECRET)), id="at the time-out"),
        pytest.param(starting(seconds=900, reading=reading(seconds=600, cause=IN_USE)), id="long after the time-out"),
        pytest.param(starting(seconds=900, reading=reading(seconds=600, cause=LONG)), id="of many words"),
        pytest.param(starting(seconds=900, reading=reading(seconds=600)), id="without a cause"),
        pytest.param(
            starting(seconds=900, reading=reading(seconds=600, progress='Pulling image "large"')), id="a large image"
        ),
        pytest.param(
            starting(seconds=900, reading=reading(seconds=600, refusal="events is forbidden")), id="forbidden"
        ),
        pytest.param(
            starting(
                seconds=900,
                reading=reading(seconds=600, cause=NO_SECRET),
                obstacle=Obstacle("QuotaExceeded", "There is no room in the quota"),
            ),
            id="beside an obstacle",
        ),
        pytest.param(
            image(
                "ImagePullBackOff",
                'Back-off pulling image "nothing:1"',
                reading=reading(seconds=32, cause=StartCause("Failed", ANSWER)),
            ),
            id="what the registry answered",
        ),
    ],
)
@pytest.mark.parametrize("seconds", [0, 5])
def test_a_restart_of_the_operator_changes_nothing(seen: Observed, seconds: float) -> None:
    again = restarted(seen, seconds=seconds)
    before = status.document(seen)
    after = status.document(again)
    assert (after["phase"], after["conditions"]) == (before["phase"], before["conditions"])
    last = status.document(restarted(again, seconds=seconds))
    assert (last["phase"], last["conditions"]) == (before["phase"], before["conditions"]), "nor does another one"


def test_what_is_read_after_a_restart_takes_the_place_of_what_was_told() -> None:
    again = restarted(starting(seconds=900, reading=reading(seconds=600, cause=NO_SECRET)), seconds=60)
    assert next_reading(again) <= again.now
    read = replace(again, reading=reading(seconds=960, cause=NO_SANDBOX))
    assert shown(read)[1]["Stalled"] == ("True", "FailedCreatePodSandBox")
    nothing = shown(replace(again, reading=reading(seconds=960)))
    assert nothing[1]["Stalled"] == ("True", "StartTimeout")
    assert "The Pod's Events say more" in nothing[2]


@pytest.mark.parametrize(
    ("of_pod", "expected"),
    [
        pytest.param(
            {"agent": container_status(), "sidecar": container_status(SIDECAR), "phase": "Running"},
            "Active",
            id="it answers",
        ),
        pytest.param(
            {"sidecar": container_status(SIDECAR, ready=False), "init": (container_status("setup"),)},
            "Initializing",
            id="an init container works",
        ),
        pytest.param(
            {
                "sidecar": container_status(SIDECAR, ready=False),
                "agent": container_status(state="waiting", reason="CreateContainerError", message="no such file"),
            },
            "CreateContainerError",
            id="another fault",
        ),
        pytest.param({"number": 2, "uid": "pod-1"}, "Initializing", id="another Pod"),
    ],
)
def test_what_was_told_ends_with_the_wait(of_pod: Manifest, expected: str) -> None:
    again = restarted(starting(seconds=40, reading=reading(seconds=32, cause=NO_SECRET)), seconds=5)
    now = starting(seconds=45, of_pod={"agent": WAITS, "sidecar": CREATING, "phase": "Pending", **of_pod})
    kept = {**again.task.status, "workspace": {"appHealth": "Initializing", "sidecarVersion": "1"}}
    assert shown(replace(now, task=replace(now.task, status=kept)))[1]["Ready"][1] == expected


def not_ready(reason: str, message: str) -> Manifest:
    """The condition Ready as it is stored."""
    times = {"lastTransitionTime": rfc3339(NOW), "observedGeneration": 1}
    return {"type": "Ready", "status": "False", "reason": reason, "message": message, **times}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        pytest.param("ErrImagePull", f"Container agent cannot start: {ANSWER}", id="between two tries"),
        pytest.param(
            "ImagePullBackOff",
            f'Container agent cannot start: Back-off pulling image "nothing:1": {ANSWER}',
            id="the same wait",
        ),
        pytest.param(
            "ErrImagePull",
            f"Container agent cannot start: {ANSWER}. It is pulled again by itself: push it.",
            id="with a remedy",
        ),
        pytest.param(
            "ImagePullBackOff",
            f"Container agent cannot start: {BACK_OFF}: {ANSWER}. It is pulled again by itself: push it. No room.",
            id="with a remedy and an obstacle",
        ),
    ],
)
def test_the_registrys_answer_is_kept_until_the_events_are_read(reason: str, told: str) -> None:
    former = {"conditions": [not_ready(reason, told)]}
    _, _, message = shown(image("ImagePullBackOff", BACK_OFF, status=former))
    assert cause(message) == f"Container agent cannot start: {BACK_OFF}: {ANSWER}"
    read = shown(image("ImagePullBackOff", BACK_OFF, status=former, reading=reading(seconds=32)))
    assert cause(read[2]) == f"Container agent cannot start: {BACK_OFF}"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        pytest.param("ErrImagePull", f"Container other cannot start: {ANSWER}", id="another container's"),
        pytest.param("CreateContainerError", "Container agent cannot start: no such file", id="another fault's"),
        pytest.param("ImagePullBackOff", f"Container agent cannot start: {BACK_OFF}", id="none"),
        pytest.param(
            "ImagePullBackOff",
            f"Container agent cannot start: {BACK_OFF}. It is pulled again by itself: check it.",
            id="none, with a remedy",
        ),
        pytest.param("ImagePullBackOff", f"Container agent cannot start: {BACK_OFF}. No room", id="an obstacle's"),
        pytest.param("ImagePullBackOff", 'Container agent cannot start: Back-off pulling image "b"', id="none yet"),
    ],
)
def test_what_is_no_answer_of_the_registry_is_not_told_as_one(reason: str, told: str) -> None:
    former = {"conditions": [not_ready(reason, told)]}
    message = shown(image("ImagePullBackOff", BACK_OFF, status=former))[2]
    assert cause(message) == f"Container agent cannot start: {BACK_OFF}"
