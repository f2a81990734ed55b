"""A Pod that does not start: when its Events are read, and what the Task says. All are for K4."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from taskyard.core import status
from taskyard.core.decision import Rest, decide
from taskyard.core.observed import Observed
from taskyard.core.pod_view import SIDECAR
from taskyard.core.start_cause import StartCause
from taskyard.core.start_events import next_reading
from unit.core.builders import NOW, Manifest, at, container_status, pod, reservation, running
from unit.core.starts import (
    ANSWER,
    IN_USE,
    NO_SANDBOX,
    NO_SECRET,
    cause,
    image,
    reading,
    shown,
    starting,
)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(starting(), at(32), id="half a minute after it got its node"),
        pytest.param(starting(timeout=20), at(20), id="at a time-out before that"),
        pytest.param(starting(bound=900, seconds=901), at(600), id="late already: at once"),
        pytest.param(starting(reading=reading(seconds=32)), at(92), id="a minute after the first time"),
        pytest.param(starting(reading=reading(seconds=92, number=2)), at(212), id="two minutes after the second"),
        pytest.param(starting(reading=reading(seconds=590, number=4)), at(600), id="in any case at the time-out"),
        pytest.param(starting(reading=reading(seconds=600, number=5)), at(1200), id="every ten minutes in the end"),
        pytest.param(starting(reading=reading(seconds=9600, number=500)), at(10_200), id="however long it lasts"),
        pytest.param(starting(reading=reading(seconds=32, uid="pod-0")), at(32), id="another Pod's do not count"),
        pytest.param(starting(template_version=None), at(32), id="without a template version, without a time-out"),
        pytest.param(running(), None, id="it runs"),
        pytest.param(starting(of_pod={"agent": container_status(), "sidecar": None}), None, id="ready"),
        pytest.param(
            starting(of_pod={"agent": container_status(), "sidecar": container_status(SIDECAR, ready=False)}),
            None,
            id="it runs, and does not answer yet",
        ),
        pytest.param(
            starting(of_pod={"sidecar": container_status(SIDECAR), "init": (container_status("setup"),)}),
            None,
            id="answering",
        ),
        pytest.param(
            starting(of_pod={"sidecar": container_status(SIDECAR, ready=False), "init": (container_status("setup"),)}),
            None,
            id="an init container works",
        ),
        pytest.param(
            starting(
                of_pod={
                    "sidecar": container_status(SIDECAR, ready=False),
                    "agent": container_status(state="waiting", reason="ErrImagePull", message=ANSWER),
                }
            ),
            None,
            id="the Pod says it itself",
        ),
        pytest.param(
            starting(
                of_pod={
                    "sidecar": container_status(SIDECAR, ready=False),
                    "agent": container_status(
                        state="waiting", reason="ImagePullBackOff", message='Back-off pulling image "nothing:1"'
                    ),
                }
            ),
            at(32),
            id="the Pod says the half of it",
        ),
        pytest.param(
            starting(
                of_pod={
                    "sidecar": container_status(SIDECAR, ready=False),
                    "agent": container_status(
                        state="waiting",
                        reason="ImagePullBackOff",
                        message=f'Back-off pulling image "nothing:1": ErrImagePull: {ANSWER}',
                    ),
                }
            ),
            None,
            id="a newer kubelet says all of it",
        ),
        pytest.param(starting(of_pod={"deleting": True}), None, id="it is being deleted"),
        pytest.param(starting(of_pod={"phase": "Failed"}), None, id="it has ended"),
        pytest.param(starting(status={"build": reservation(2)}), None, id="another start is reserved"),
    ],
)
def test_when_events_are_read(seen: Observed, expected: datetime | None) -> None:
    assert next_reading(seen) == expected


def test_a_task_is_looked_at_when_reading_is_due_and_when_it_is_late() -> None:
    assert decide(starting()) == Rest(until=at(32))
    assert decide(starting(seconds=40)) == Rest(until=at(600)), "the reading is under way"
    assert decide(starting(seconds=40, reading=reading(seconds=32))) == Rest(until=at(92))
    assert decide(starting(seconds=600, reading=reading(seconds=32))) == Rest(until=at(610)), "or cannot be made"
    assert decide(starting(seconds=700, reading=reading(seconds=600, number=6))) == Rest(until=at(1200))


def test_at_the_time_out_the_events_are_read_before_the_task_gives_up() -> None:
    before = reading(seconds=500, number=4, cause=NO_SECRET)
    assert shown(starting(seconds=609, reading=before))[0] == "Initializing"
    assert shown(starting(seconds=610, reading=before))[0] == "Error"
    assert shown(starting(seconds=601, reading=replace(before, at=at(600))))[0] == "Error"


def test_until_something_is_read_the_task_initializes_as_ever() -> None:
    phase, conditions, message = shown(starting(seconds=20))
    assert (phase, conditions["Ready"], conditions["Reconciling"]) == (
        "Initializing",
        ("False", "Initializing"),
        ("True", "Initializing"),
    )
    assert message == "The workspace is starting; the agent does not answer yet."


def test_a_cause_is_told_before_the_time_out_and_nothing_is_stalled() -> None:
    phase, conditions, message = shown(starting(seconds=40, reading=reading(seconds=32, cause=NO_SECRET)))
    assert (phase, conditions["Ready"]) == ("Initializing", ("False", "FailedMount"))
    assert "Stalled" not in conditions and conditions["Reconciling"] == ("True", "FailedMount")
    assert message == (
        'Pod web-1 does not start: MountVolume.SetUp failed for volume "keys" : secret "nothing" not found. Create '
        "Secret nothing in this namespace, and the Pod starts by itself within minutes; or use a template version "
        "without it."
    )


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        pytest.param(NO_SECRET, "Create Secret nothing in this namespace", id="secret"),
        pytest.param(
            StartCause("FailedMount", 'MountVolume.SetUp failed for volume "c" : configmap "team/c" not found'),
            "Create ConfigMap c in this namespace",
            id="configmap",
        ),
        pytest.param(StartCause("FailedMount", "wrong fs type"), "mend the volume", id="mount"),
        pytest.param(IN_USE, "when the Pod that uses it on another node is gone", id="multi-attach"),
        pytest.param(StartCause("FailedAttachVolume", "no such disk"), "mend the volume", id="attach"),
        pytest.param(NO_SANDBOX, "container runtime or network plugin", id="sandbox"),
        pytest.param(StartCause("NetworkNotReady", "no network"), "It is tried again by itself", id="any other"),
    ],
)
def test_after_the_time_out_ready_and_stalled_name_cause_and_remedy(cause: StartCause, remedy: str) -> None:
    phase, conditions, message = shown(starting(seconds=600, reading=reading(seconds=600, cause=cause)))
    assert phase == "Error"
    assert conditions["Ready"] == ("False", cause.reason)
    assert conditions["Stalled"] == ("True", cause.reason)
    assert "Reconciling" not in conditions
    assert cause.note in message and remedy in message


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        pytest.param(
            starting(seconds=610), "containers wait on node node-a. The Pod's Events say more", id="never read"
        ),
        pytest.param(
            starting(seconds=600, reading=reading(seconds=600)), "kubectl describe pod web-1 -n team", id="no Events"
        ),
        pytest.param(
            starting(seconds=600, reading=reading(seconds=600, refusal="events is forbidden")),
            "kubectl describe pod web-1 -n team. The operator cannot read them: events is forbidden",
            id="forbidden",
        ),
        pytest.param(
            starting(seconds=600, reading=reading(seconds=600, progress='Pulling image "large"')),
            'containers wait on node node-a (Pulling image "large").',
            id="a large image",
        ),
        pytest.param(
            starting(
                seconds=600,
                of_pod={"sidecar": container_status(SIDECAR, ready=False), "init": (container_status("setup"),)},
            ),
            "init container setup still runs. Its output: kubectl logs web-1 -n team -c setup",
            id="an init container",
        ),
        pytest.param(
            starting(
                seconds=600,
                status={"workspace": {"appHealth": "Initializing"}},
                of_pod={"agent": container_status(), "sidecar": container_status(SIDECAR, ready=False)},
            ),
            "the sidecar has not reached the gateway",
            id="no gateway",
        ),
        pytest.param(
            starting(
                seconds=600,
                status={"workspace": {"appHealth": "Initializing", "sidecarVersion": "1"}},
                of_pod={"agent": container_status(), "sidecar": container_status(SIDECAR, ready=False)},
            ),
            "the agent runs. Its output: kubectl logs web-1 -n team -c agent",
            id="an agent that never answers",
        ),
    ],
)
def test_without_a_cause_the_task_says_where_it_stands_and_where_to_look(seen: Observed, words: str) -> None:
    phase, conditions, message = shown(seen)
    assert (phase, conditions["Ready"], conditions["Stalled"]) == (
        "Error",
        ("False", "StartTimeout"),
        ("True", "StartTimeout"),
    )
    assert message.startswith("The agent has not answered within 600 s of its Pod's creation: ")
    assert words in message


def test_the_registrys_answer_is_told_while_the_kubelet_waits_for_the_next_try() -> None:
    told = reading(seconds=32, cause=StartCause("Failed", ANSWER))
    phase, conditions, message = shown(image("ImagePullBackOff", 'Back-off pulling image "nothing:1"', reading=told))
    assert (phase, conditions["Ready"]) == ("Initializing", ("False", "ImagePullBackOff"))
    assert message == (
        f'Container agent cannot start: Back-off pulling image "nothing:1": {ANSWER}. It is pulled again by itself: '
        "push the image to the registry, or use a template version with a name and a tag that exist there."
    )


def test_an_event_of_another_kind_is_not_the_registrys_answer() -> None:
    told = reading(seconds=32, cause=NO_SANDBOX)
    _, _, message = shown(image("ImagePullBackOff", 'Back-off pulling image "nothing:1"', reading=told))
    assert cause(message) == 'Container agent cannot start: Back-off pulling image "nothing:1"'


@pytest.mark.parametrize(
    ("reason", "message", "phase"),
    [
        pytest.param("ErrImagePull", ANSWER, "Initializing", id="a registry may come back"),
        pytest.param("CreateContainerConfigError", 'secret "x" not found', "Initializing", id="a Secret may come"),
        pytest.param("InvalidImageName", 'couldn\'t parse image name "A B"', "Error", id="a name stays"),
        pytest.param(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
            "Error",
            id="an image's user stays",
        ),
        pytest.param(
            "CreateContainerConfigError",
            "container's runAsUser breaks non-root policy (pod: web-1)",
            "Error",
            id="a template's user stays",
        ),
    ],
)
def test_what_cannot_come_good_is_an_error_before_the_time_out(reason: str, message: str, phase: str) -> None:
    assert shown(image(reason, message))[0] == phase
    late = shown(image(reason, message, seconds=600))
    assert (late[0], late[1]["Ready"], late[1]["Stalled"]) == ("Error", ("False", reason), ("True", reason))


def test_an_agent_that_crashes_from_the_start_is_an_error_after_the_time_out() -> None:
    crashing = container_status(state="waiting", reason="CrashLoopBackOff", restarts=3, last_exit_code=1)
    fields: Manifest = {"sidecar": container_status(SIDECAR, ready=False), "agent": crashing}
    enrolled = {"workspace": {"appHealth": "Initializing", "sidecarVersion": "1"}}
    assert shown(starting(seconds=599, of_pod=fields, status=enrolled))[0] == "Initializing"
    phase, conditions, _ = shown(starting(seconds=600, of_pod=fields, status=enrolled))
    assert (phase, conditions["Stalled"]) == ("Error", ("True", "AgentNotRunning"))


def test_a_start_that_comes_good_late_is_active() -> None:
    late = starting(
        seconds=900,
        status={"phase": "Error", "workspace": {"appHealth": "Initializing", "sidecarVersion": "1"}},
        of_pod={"agent": container_status(), "sidecar": container_status(SIDECAR), "phase": "Running"},
        reading=reading(seconds=600, cause=NO_SECRET),
    )
    phase, conditions, _ = shown(late)
    assert (phase, conditions["Ready"]) == ("Active", ("True", "Active"))
    assert "Stalled" not in conditions and "Reconciling" not in conditions


def test_an_agent_that_answered_once_is_not_late_however_long_it_is_silent() -> None:
    silent = running(pods=(pod(sidecar=container_status(SIDECAR, ready=False)),), now=at(9000))
    assert shown(silent)[1]["Ready"] == ("False", "AgentUnhealthy")


def test_status_does_not_change_while_the_state_lasts() -> None:
    first = status.document(starting(seconds=600, reading=reading(seconds=600, cause=NO_SECRET)))
    later = status.document(
        starting(
            seconds=99_999,
            status={"conditions": first["conditions"], "phase": "Error"},
            reading=reading(seconds=99_000, number=99, cause=NO_SECRET),
        )
    )
    assert later["conditions"] == first["conditions"]
    assert NOW.tzinfo is not None
