"""The conditions: which hold, what they say, and since when."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import conditions, status
from taskyard.core.conditions import Verdict
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.pod_view import SIDECAR
from taskyard.core.times import rfc3339
from unit.core.builders import (
    NOW,
    at,
    container_status,
    observed,
    pod,
    running,
    task,
    template_version,
)
from unit.core.situations import failed, paused, starting, stopping

NOT_READY = container_status(SIDECAR, ready=False)


def shown(seen: Observed) -> dict[str, dict[str, Any]]:
    """The conditions of the status document, by type."""
    return {condition["type"]: condition for condition in status.document(seen)["conditions"]}


def crashing(*, restarts: int, exit_code: int) -> Observed:
    """A Task whose agent has exited and is about to be restarted by the kubelet."""
    agent = container_status(state="waiting", reason="CrashLoopBackOff", restarts=restarts, last_exit_code=exit_code)
    return running(pods=(pod(sidecar=NOT_READY, agent=agent),))


QUOTA = Obstacle("QuotaExceeded", "The Pod waits for room.")
NOT_DELETED = Obstacle("WebhookFailed", "Pod web-1 cannot be deleted.")


@pytest.mark.parametrize(
    ("seen", "ready", "reason", "says", "besides"),
    [
        pytest.param(running(), "True", "Active", "The agent is there", None, id="active"),
        pytest.param(paused(), "True", "Paused", "home and its conversation are kept", None, id="paused"),
        pytest.param(observed(task(paused=True)), "True", "Paused", "is stopped", None, id="created paused"),
        pytest.param(observed(), "False", "Pending", "about to be started", "Reconciling", id="pending"),
        pytest.param(
            observed(template_version=None),
            "False",
            "TemplateVersionNotFound",
            'no TemplateVersion "shell-v1" in namespace "team"; the Task starts when it is applied',
            "Reconciling",
            id="its template version is missing",
        ),
        pytest.param(
            paused(spec={}, template_version=None),
            "False",
            "TemplateVersionNotFound",
            "the Task starts when it is applied",
            "Reconciling",
            id="resumed, and its template version is missing",
        ),
        pytest.param(
            paused(template_version=None),
            "True",
            "Paused",
            "is stopped",
            None,
            id="paused, its template version is missing",
        ),
        pytest.param(
            paused(reason="AutoPause", spec={}, template_version=None),
            "True",
            "Paused",
            "is stopped",
            None,
            id="paused automatically, its template version is missing",
        ),
        pytest.param(
            paused(reason="AutoPause", spec={}, template_version=None, resume_requested=True),
            "False",
            "TemplateVersionNotFound",
            "the Task starts when it is applied",
            "Reconciling",
            id="paused automatically and resumed, its template version is missing",
        ),
        pytest.param(
            starting(obstacle=QUOTA), "False", "QuotaExceeded", "waits for room", "Reconciling", id="no quota left"
        ),
        pytest.param(
            starting(pods=(pod(node=None, phase="Pending", unschedulable="0/1 nodes are available"),)),
            "False",
            "Unschedulable",
            "Pod web-1 waits for a node: 0/1 nodes are available",
            "Reconciling",
            id="no node",
        ),
        pytest.param(
            running(status={"workspace": {}}, pods=(pod(sidecar=NOT_READY),)),
            "False",
            "Initializing",
            "does not answer yet",
            "Reconciling",
            id="initializing",
        ),
        pytest.param(
            running(
                status={"workspace": {}},
                pods=(
                    pod(
                        sidecar=NOT_READY,
                        agent=container_status(state="waiting", reason="ImagePullBackOff", message="no such image"),
                    ),
                ),
            ),
            "False",
            "ImagePullBackOff",
            "Container agent cannot start: no such image",
            "Reconciling",
            id="an image that cannot be pulled",
        ),
        pytest.param(
            running(
                status={"workspace": {}},
                pods=(pod(sidecar=NOT_READY, init=(container_status("setup", "terminated", exit_code=3),)),),
            ),
            "False",
            "InitContainerFailed",
            "Container setup cannot start: it ended with exit code 3",
            "Reconciling",
            id="an init container that fails",
        ),
        pytest.param(
            stopping(pods=(pod(deleting=True),)),
            "False",
            "Pausing",
            "being stopped",
            "Reconciling",
            id="pausing",
        ),
        pytest.param(running(pods=()), "False", "PodLost", "a new one follows", "Reconciling", id="lost"),
        pytest.param(
            running(pods=(pod(deleting=True),)),
            "False",
            "PodLost",
            "If its node node-a is lost for good, delete the Node",
            "Reconciling",
            id="on a lost node",
        ),
        pytest.param(
            failed(message="no node took it"),
            "False",
            "BuildFailed",
            "Build web-1 failed: no node took it",
            "Stalled",
            id="failed",
        ),
        pytest.param(failed(), "False", "BuildFailed", "no cause was recorded", "Stalled", id="failed, silently"),
        pytest.param(
            failed("Canceled", message="it was paused"),
            "False",
            "BuildCanceled",
            "it was paused",
            "Stalled",
            id="canceled",
        ),
        pytest.param(
            running(pods=(pod(sidecar=NOT_READY),)),
            "False",
            "AgentUnhealthy",
            "answered before and no longer does",
            "Stalled",
            id="unhealthy",
        ),
        pytest.param(
            failed(message="no node took it", obstacle=NOT_DELETED),
            "False",
            "BuildFailed",
            "Build web-1 failed: no node took it. Pod web-1 cannot be deleted",
            "Stalled",
            id="failed, and its Pod cannot be deleted",
        ),
        pytest.param(
            stopping(obstacle=QUOTA), "False", "QuotaExceeded", "waits for room", "Reconciling", id="no quota to pause"
        ),
        pytest.param(
            running(obstacle=NOT_DELETED),
            "True",
            "Active",
            "answers. Pod web-1 cannot",
            None,
            id="active, housekeeping",
        ),
        pytest.param(
            paused(obstacle=NOT_DELETED),
            "True",
            "Paused",
            "are kept. Pod web-1 cannot",
            None,
            id="paused, housekeeping",
        ),
        pytest.param(
            crashing(restarts=4, exit_code=3),
            "False",
            "AgentNotRunning",
            "The agent ended with exit code 3; the kubelet restarts it (4 restarts so far). "
            "Its last output: kubectl logs web-1 -n team -c agent --previous",
            "Stalled",
            id="the agent ends again and again",
        ),
        pytest.param(
            crashing(restarts=1, exit_code=137),
            "False",
            "AgentNotRunning",
            "The agent was killed (exit code 137), as happens when memory runs out: check its memory limit;",
            "Stalled",
            id="the agent is killed, by whom the runtime does not say",
        ),
    ],
)
def test_ready_and_what_goes_with_it(seen: Observed, ready: str, reason: str, says: str, besides: str | None) -> None:
    found = shown(seen)
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == (ready, reason)
    assert says in found["Ready"]["message"]
    assert set(found) == {"Ready", "TemplateResolved", "Succeeded"} | ({besides} if besides else set())
    if besides:
        assert found[besides]["status"] == "True"
        assert found[besides]["reason"] == reason


@pytest.mark.parametrize(
    ("of", "resolved", "reason"),
    [
        pytest.param(template_version(), "True", "Resolved", id="usable"),
        pytest.param(None, "False", "TemplateVersionNotFound", id="missing"),
        pytest.param(template_version(agent=None), "False", "NoAgent", id="without an agent"),
        pytest.param(
            template_version(agent={"container": "other", "protocol": "Terminal"}),
            "False",
            "AgentContainerInvalid",
            id="with an agent that is no container",
        ),
    ],
)
def test_template_resolved(of: Any, resolved: str, reason: str) -> None:
    condition = shown(observed(template_version=of))["TemplateResolved"]
    assert (condition["status"], condition["reason"]) == (resolved, reason)
    assert condition["message"]


def test_every_condition_speaks_of_the_generation_that_was_seen() -> None:
    assert {condition["observedGeneration"] for condition in shown(observed()).values()} == {1}


FORMER = {
    "type": "Ready",
    "status": "False",
    "reason": "Pending",
    "message": "",
    "lastTransitionTime": rfc3339(at(-100)),
    "observedGeneration": 1,
}


@pytest.mark.parametrize(
    ("verdict", "former", "since"),
    [
        pytest.param(Verdict("Ready", True, "Active", ""), FORMER, NOW, id="it holds now"),
        pytest.param(Verdict("Ready", False, "Pending", ""), FORMER, at(-100), id="nothing changed"),
        pytest.param(Verdict("Ready", False, "PodLost", "x"), FORMER, at(-100), id="only the reason changed"),
        pytest.param(Verdict("Ready", False, "Pending", ""), None, NOW, id="it is new"),
        pytest.param(Verdict("Ready", None, "Pending", ""), FORMER, NOW, id="it is unknown now"),
        pytest.param(
            Verdict("Ready", None, "Pending", ""), FORMER | {"status": "Unknown"}, at(-100), id="it is still unknown"
        ),
        pytest.param(Verdict("Stalled", False, "Pending", ""), FORMER, NOW, id="another type's time is not taken"),
    ],
)
def test_a_transition_time_changes_with_the_status_alone(verdict: Verdict, former: Any, since: Any) -> None:
    (found,) = conditions.render([verdict], former=[former] if former else [], generation=2, now=rfc3339(NOW))
    assert found == {
        "type": verdict.type,
        "status": {True: "True", False: "False", None: "Unknown"}[verdict.holds],
        "reason": verdict.reason,
        "message": verdict.message,
        "lastTransitionTime": rfc3339(since),
        "observedGeneration": 2,
    }


def test_conditions_that_others_keep_stay_as_they_are_after_the_own_ones() -> None:
    others = [FORMER | {"type": "InputRequired"}, FORMER | {"type": "example.org/Audited", "status": "True"}]
    found = conditions.render(
        [Verdict("Ready", True, "Active", "")], former=[others[0], FORMER, others[1]], generation=2, now=rfc3339(NOW)
    )
    assert [condition["type"] for condition in found] == ["Ready", "InputRequired", "example.org/Audited"]
    assert found[1:] == others


def test_the_gateways_conditions_are_of_the_newest_generation() -> None:
    """K16: kubectl waits on for a condition of an earlier generation."""
    asked, audited = FORMER | {"type": "InputRequired"}, FORMER | {"type": "example.org/Audited"}
    found = conditions.of_generation([asked, audited], 4)
    assert found == [asked | {"observedGeneration": 4}, audited]


def test_an_own_condition_that_no_longer_holds_is_removed() -> None:
    former = [FORMER, FORMER | {"type": "Reconciling", "status": "True"}, FORMER | {"type": "Stalled"}]
    found = conditions.render([Verdict("Ready", True, "Active", "")], former=former, generation=2, now=rfc3339(NOW))
    assert [condition["type"] for condition in found] == ["Ready"]


def test_rendered_once_more_they_are_the_same() -> None:
    former = [FORMER | {"type": "InputRequired"}, FORMER]
    verdicts = [Verdict("Ready", True, "Active", ""), Verdict("Reconciling", True, "x", "")]
    once = conditions.render(verdicts, former=former, generation=2, now=rfc3339(NOW))
    assert conditions.render(verdicts, former=once, generation=2, now=rfc3339(at(60))) == once
