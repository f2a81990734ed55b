"""The status document of a Task."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.task import TaskStatus
from taskyard.api.vocabulary import BuildReason, Phase, Transition
from taskyard.core import status
from taskyard.core.decision import Reserve
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.core.observed import Observed
from taskyard.core.pod_view import SIDECAR
from taskyard.core.times import micro, rfc3339
from unit.core.builders import (
    NOW,
    at,
    build,
    container_status,
    merge,
    observed,
    pod,
    reservation,
    running,
    task,
    template_version,
)
from unit.core.situations import paused, stopping

FIRST_START = Reserve(1, Transition.START, BuildReason.INITIAL)
RECOVERY = Reserve(2, Transition.START, BuildReason.RECOVER)
STOP = Reserve(2, Transition.STOP, BuildReason.MANUAL_PAUSE)
AUTO_STOP = Reserve(2, Transition.STOP, BuildReason.AUTO_PAUSE)


# Phase, lifecycle, health


@pytest.mark.parametrize(
    ("seen", "phase", "lifecycle", "health"),
    [
        pytest.param(observed(), Phase.PENDING, None, None, id="new"),
        pytest.param(observed(task(paused=True)), Phase.PAUSED, None, None, id="created paused"),
        pytest.param(observed(task(status={"build": reservation()})), Phase.PENDING, None, None, id="start reserved"),
        pytest.param(
            running(status={"build": reservation(2, "Stop", "ManualPause")}),
            Phase.PAUSING,
            None,
            None,
            id="stop reserved",
        ),
        pytest.param(
            observed(task(status={"build": reservation()}), builds=(build(),), pods=(pod(),)),
            Phase.PENDING,
            None,
            None,
            id="start pending, though a Pod is there",
        ),
        pytest.param(
            running(status={"workspace": {}}, pods=(pod(sidecar=container_status(SIDECAR, ready=False)),)),
            Phase.INITIALIZING,
            AgentLifecycle.CREATED,
            AppHealth.INITIALIZING,
            id="started, not enrolled",
        ),
        pytest.param(
            running(
                status={"workspace": {"sidecarVersion": "0.1.0"}},
                pods=(pod(sidecar=container_status(SIDECAR, ready=False)),),
            ),
            Phase.INITIALIZING,
            AgentLifecycle.READY,
            AppHealth.INITIALIZING,
            id="enrolled, not ready yet",
        ),
        pytest.param(running(), Phase.ACTIVE, AgentLifecycle.READY, AppHealth.HEALTHY, id="active"),
        pytest.param(
            running(pods=(pod(sidecar=container_status(SIDECAR, ready=False)),)),
            Phase.ERROR,
            AgentLifecycle.READY,
            AppHealth.UNHEALTHY,
            id="no longer healthy",
        ),
        pytest.param(running(pods=()), Phase.UNKNOWN, AgentLifecycle.OFF, None, id="Pod lost"),
        pytest.param(
            running(pods=(pod(deleting=True),)),
            Phase.UNKNOWN,
            AgentLifecycle.SHUTTING_DOWN,
            AppHealth.HEALTHY,
            id="Pod deleted by somebody",
        ),
        pytest.param(stopping(pods=(pod(deleting=True),)), Phase.PAUSING, None, None, id="stopping"),
        pytest.param(paused(), Phase.PAUSED, None, None, id="stopped"),
        pytest.param(
            observed(task(status={"build": reservation()}), builds=(build(phase="Failed"),)),
            Phase.ERROR,
            None,
            None,
            id="start failed",
        ),
    ],
)
def test_what_a_task_derives_to(
    seen: Observed, phase: Phase, lifecycle: AgentLifecycle | None, health: AppHealth | None
) -> None:
    assert status.derive(seen) == status.Derived(phase, lifecycle, health)


@pytest.mark.parametrize(
    ("seen", "reserve", "phase"),
    [
        pytest.param(observed(), FIRST_START, "Pending", id="a start"),
        pytest.param(running(pods=()), RECOVERY, "Pending", id="a recovery"),
        pytest.param(running(), STOP, "Pausing", id="a stop"),
    ],
)
def test_a_reservation_shows_in_the_phase_at_once(seen: Observed, reserve: Reserve, phase: str) -> None:
    document = status.document(seen, reserve=reserve)
    assert document["phase"] == phase
    assert document["build"] == {
        "name": f"web-{reserve.number}",
        "number": reserve.number,
        "transition": reserve.transition,
        "reason": reserve.reason,
        "phase": "Pending",
        "createdAt": micro(NOW),
    }


# Single fields


def test_a_start_clears_the_fields_of_the_previous_one() -> None:
    before = running(
        status={
            "state": {"state": "Idle", "message": "", "uri": "", "timestamp": rfc3339(NOW), "build": 1},
            "promptSHA256": "ab",
            "snapshot": {"configMap": "web-snapshot"},
        },
        pods=(),
    )
    after = merge(before.task.status, status.patch(before.task.status, status.document(before, reserve=RECOVERY)))
    assert "state" not in after
    assert after["workspace"] == {"status": "Pending"}
    assert after["promptSHA256"] == "ab", "the prompt is not typed again"
    assert after["snapshot"] == {"configMap": "web-snapshot"}, "the conversation stays readable"


REPORT = {"state": "Idle", "message": "done", "uri": "", "timestamp": micro(at(5)), "build": 1}


def test_a_stop_keeps_the_agents_last_report() -> None:
    document = status.document(running(status={"state": REPORT}), reserve=STOP)
    assert document["state"] == REPORT
    assert document["workspace"]["status"] == "Stopping"


INITIALIZING = running(status={"workspace": {}}, pods=(pod(sidecar=container_status(SIDECAR, ready=False)),))
WAITS = {
    "state": "Working",
    "message": "Agent is connecting",
    "uri": "",
    "timestamp": micro(NOW),
    "build": 1,
}


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        pytest.param(observed(), None, id="no build"),
        pytest.param(observed(task(status={"build": reservation()}), builds=(build(),)), None, id="pending"),
        pytest.param(INITIALIZING, WAITS, id="initializing: what it waits for"),
        pytest.param(
            running(
                status={"workspace": {"sidecarVersion": "1"}},
                pods=(pod(sidecar=container_status(SIDECAR, ready=False)),),
            ),
            WAITS | {"message": "App is initializing"},
            id="enrolled: what it waits for now",
        ),
        pytest.param(running(status={"state": WAITS}), None, id="active: that is over"),
        pytest.param(running(), None, id="active without a report"),
        pytest.param(running(status={"state": REPORT}), REPORT, id="a report"),
        pytest.param(running(status={"state": REPORT | {"build": 0}}), None, id="a report of an older build"),
        pytest.param(paused(status={"state": REPORT}), REPORT, id="paused: the last report"),
        pytest.param(paused(), None, id="paused without one"),
    ],
)
def test_current_state(seen: Observed, state: dict[str, Any] | None) -> None:
    assert status.document(seen)["state"] == state


def test_the_state_of_an_initializing_task_is_removed_when_it_is_paused() -> None:
    waiting = replace(INITIALIZING, task=replace(INITIALIZING.task, status=INITIALIZING.task.status | {"state": WAITS}))
    assert status.document(waiting)["state"] == WAITS
    assert status.document(waiting, reserve=STOP)["state"] is None


def test_the_operator_leaves_alone_what_the_gateway_writes() -> None:
    document = status.document(running(status={"state": REPORT}))
    assert document["state"] == REPORT
    assert {"snapshot", "promptSHA256"}.isdisjoint(document)
    assert "sidecarVersion" not in document["workspace"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"displayName": "The door"}, "The door", id="given"),
        pytest.param({}, "Mend the door", id="made from the prompt"),
        pytest.param({"prompt": "  "}, "web", id="no prompt: the name"),
    ],
)
def test_display_name(fields: dict[str, str], shown: str) -> None:
    assert status.document(observed(task(**fields)))["displayName"] == shown


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param(observed(task(paused=True)), "Manual", id="created paused"),
        pytest.param(paused(), "Manual", id="asked for"),
        pytest.param(stopping(), "Manual", id="pausing"),
        pytest.param(paused(reason="AutoPause", spec={}), "IdleTimeout", id="idle"),
        pytest.param(paused(reason="AutoPause"), "Manual", id="idle, then paused by hand"),
        pytest.param(running(), None, id="not paused"),
        pytest.param(running(pods=()), None, id="unknown"),
    ],
)
def test_paused_reason(seen: Observed, reason: str | None) -> None:
    assert status.document(seen)["pausedReason"] == reason


@pytest.mark.parametrize(
    ("seen", "reserve", "reason"),
    [
        pytest.param(running(), STOP, "Manual", id="a stop by hand is reserved"),
        pytest.param(running(), AUTO_STOP, "IdleTimeout", id="an automatic stop is reserved"),
        pytest.param(
            running(status={"build": reservation(2, "Stop", "AutoPause")}),
            None,
            "IdleTimeout",
            id="and is to be created",
        ),
        pytest.param(
            running(status={"build": reservation(2, "Stop", "ManualPause")}),
            None,
            "Manual",
            id="a stop is to be created",
        ),
        pytest.param(running(of={"paused": True}), AUTO_STOP, "Manual", id="paused by hand at the same moment"),
    ],
)
def test_the_reason_of_a_pause_holds_from_its_reservation_on(
    seen: Observed, reserve: Reserve | None, reason: str
) -> None:
    assert status.document(seen, reserve=reserve)["pausedReason"] == reason


@pytest.mark.parametrize(
    ("seen", "reserve", "expected"),
    [
        pytest.param(observed(task(resumed_at="noon")), FIRST_START, "noon", id="a start acts on it"),
        pytest.param(running(of={"resumed_at": "noon"}), None, "noon", id="while it runs there is nothing to do"),
        pytest.param(
            paused(spec={"resumed_at": "noon"}, status={"observedResumedAt": "morning"}),
            None,
            "morning",
            id="while it is paused a new value is not acted on yet",
        ),
        pytest.param(
            running(of={"resumed_at": "noon"}, status={"observedResumedAt": "morning"}),
            STOP,
            "morning",
            id="a stop does not act on it",
        ),
        pytest.param(
            observed(
                task(
                    resumed_at="noon",
                    status={"phase": "Error", "build": reservation(phase="Failed"), "observedResumedAt": "morning"},
                ),
                builds=(build(phase="Failed"),),
            ),
            None,
            "morning",
            id="after a failed start a new value is to be acted on",
        ),
        pytest.param(running(), None, None, id="none"),
    ],
)
def test_observed_resumed_at(seen: Observed, reserve: Reserve | None, expected: str | None) -> None:
    assert status.document(seen, reserve=reserve)["observedResumedAt"] == expected


@pytest.mark.parametrize(
    ("before", "queued", "delivered", "expected"),
    [
        pytest.param({}, 0, 0, None, id="never any"),
        pytest.param({}, 2, 0, {"queued": 2, "delivered": 0}, id="some wait"),
        pytest.param({"inputs": {"queued": 1}}, 0, 0, {"queued": 0, "delivered": 0}, id="none any more"),
    ],
)
def test_inputs(before: dict[str, Any], queued: int, delivered: int, expected: dict[str, int] | None) -> None:
    seen = observed(task(status=before), inputs_queued=queued, inputs_delivered=delivered)
    assert status.document(seen)["inputs"] == expected


def test_workspace_shows_pod_and_restarts() -> None:
    crashing = container_status(state="waiting", reason="CrashLoopBackOff", restarts=3, last_exit_code=1)
    assert status.document(running(pods=(pod(agent=crashing),)))["workspace"] == {
        "status": "Running",
        "pod": "web-1",
        "agentLifecycle": "Ready",
        "appHealth": "Healthy",
        "restarts": 3,
        "activeAt": None,
    }


def test_a_pod_is_shown_only_once_it_has_a_node() -> None:
    seen = observed(task(status={"build": reservation()}), builds=(build(),), pods=(pod(node=None, phase="Pending"),))
    assert status.document(seen)["workspace"]["pod"] is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(observed(task(status={"build": reservation()})), "Pending", id="start reserved"),
        pytest.param(observed(task(status={"build": reservation()}), builds=(build(),)), "Pending", id="starting"),
        pytest.param(running(), "Running", id="running"),
        pytest.param(running(status={"build": reservation(2, "Stop", "AutoPause")}), "Stopping", id="stop reserved"),
        pytest.param(stopping(), "Stopping", id="stopping"),
        pytest.param(paused(), "Stopped", id="stopped"),
        pytest.param(
            observed(task(status={"build": reservation()}), builds=(build(phase="Failed"),)), "Failed", id="failed"
        ),
        pytest.param(
            observed(task(status={"build": reservation()}), builds=(build(phase="Canceled"),)), "Failed", id="canceled"
        ),
    ],
)
def test_workspace_in_one_word(seen: Observed, expected: str) -> None:
    assert status.workspace_status(seen, reserve=None) == expected


def test_template_and_version_are_those_in_use() -> None:
    document = status.document(running(of={"templateVersion": None, "template": "shell"}))
    assert (document["template"], document["templateVersion"]) == ("shell", "shell-v1")


def test_the_template_that_is_named_is_shown_before_it_is_there() -> None:
    document = status.document(observed(task(templateVersion=None, template="shell"), template_version=None))
    assert document["template"] == "shell"
    assert "templateVersion" not in document


def test_template_and_version_stay_as_they_were_while_the_version_is_missing() -> None:
    document = status.document(observed(template_version=None))
    assert {"template", "templateVersion"}.isdisjoint(document)
    assert status.document(observed())["template"] == "shell"


SEEN = [
    pytest.param(observed(), id="new"),
    pytest.param(observed(task(paused=True)), id="created paused"),
    pytest.param(observed(template_version=None), id="without its template version"),
    pytest.param(running(), id="active"),
    pytest.param(INITIALIZING, id="initializing"),
    pytest.param(running(status={"state": REPORT}), id="reported"),
    pytest.param(running(pods=()), id="Pod lost"),
    pytest.param(paused(), id="paused"),
    pytest.param(paused(reason="AutoPause", spec={}), id="paused automatically"),
    pytest.param(
        observed(task(status={"build": reservation()}), builds=(build(phase="Failed", message="no"),)), id="failed"
    ),
    pytest.param(running(inputs_queued=1, template_version=template_version(idleTimeout="1m")), id="inputs wait"),
]


@pytest.mark.parametrize("seen", SEEN)
def test_the_document_is_a_valid_status(seen: Observed) -> None:
    written = merge(seen.task.status, status.patch(seen.task.status, status.document(seen)))
    TaskStatus.model_validate(json.loads(json.dumps(written)))


@pytest.mark.parametrize("seen", SEEN)
def test_an_unchanged_task_needs_no_patch(seen: Observed) -> None:
    written = merge(seen.task.status, status.patch(seen.task.status, status.document(seen)))
    again = replace(seen, task=replace(seen.task, status=json.loads(json.dumps(written))), now=at(60))
    assert status.patch(again.task.status, status.document(again)) == {}
