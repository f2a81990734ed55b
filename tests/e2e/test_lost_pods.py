"""A Pod that is lost repeatedly: it is replaced after growing delays, and finally no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from e2e.kubectl_namespace import ready
from e2e.pod_loss import PodLoss


def test_a_pod_that_is_lost_repeatedly_is_replaced_after_growing_delays_and_finally_not(pod_loss: PodLoss) -> None:
    pod_loss.join(pod_loss.UNTIL)
    assert not pod_loss.failure, pod_loss.failure
    ns = pod_loss.ns
    task = ns.wait("it is in error", lambda status: status["phase"] == "Error")
    reason, message = ready(task["status"])
    assert reason == "BuildFailed"
    assert "The Pod was lost 6 times in a row" in message
    assert "Pause and resume the Task to try again" in message

    builds = sorted(ns.kube.list("workspacebuilds", ns.name), key=lambda build: build["spec"]["number"])
    assert [build["spec"]["reason"] for build in builds] == ["Initial"] + ["Recover"] * 5
    assert [build["status"]["phase"] for build in builds] == ["Succeeded"] * 5 + ["Failed"]
    made = [datetime.fromisoformat(build["metadata"]["creationTimestamp"]) for build in builds]
    lost = [pod_loss.lost_at[build["metadata"]["name"]] for build in builds]
    # Creation times are whole seconds. A delay counts from the previous build; a Pod may take longer to start.
    for number, least in enumerate((0, 10, 20, 40, 80)):
        due = made[number] + timedelta(seconds=least)
        assert made[number + 1] >= due - timedelta(seconds=1), (least, made, lost)
        assert made[number + 1] <= max(due, lost[number]) + timedelta(seconds=9), (least, made, lost)
    assert pod_loss.most_pods == 1

    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    ns.pause(False)
    ns.wait("it is active again", lambda status: status["phase"] == "Active" and status["build"]["number"] == 8)
