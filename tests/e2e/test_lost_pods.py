"""A Pod that is lost again and again: it comes back later each time, and then no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from e2e.kubectl_namespace import ready
from e2e.pod_loss import PodLoss


def test_a_pod_that_is_lost_again_and_again_comes_back_later_each_time_and_then_no_more(pod_loss: PodLoss) -> None:
    pod_loss.join(pod_loss.UNTIL)
    assert not pod_loss.failure, pod_loss.failure
    ns = pod_loss.ns
    task = ns.wait("it is given up", lambda status: status["phase"] == "Error")
    reason, message = ready(task["status"])
    assert reason == "BuildFailed"
    assert "The Pod was lost 6 times in a row" in message
    assert "Pause and resume the Task to try again" in message

    builds = sorted(ns.kube.list("workspacebuilds", ns.name), key=lambda build: build["spec"]["number"])
    assert [build["spec"]["reason"] for build in builds] == ["Initial"] + ["Recover"] * 5
    assert [build["status"]["phase"] for build in builds] == ["Succeeded"] * 5 + ["Failed"]
    made = [datetime.fromisoformat(build["metadata"]["creationTimestamp"]) for build in builds]
    lost = [pod_loss.lost_at[build["metadata"]["name"]] for build in builds]
    # Times of creation are whole seconds. A wait counts from the build before; a Pod may take longer to start.
    for number, least in enumerate((0, 10, 20, 40, 80)):
        due = made[number] + timedelta(seconds=least)
        assert made[number + 1] >= due - timedelta(seconds=1), (least, made, lost)
        assert made[number + 1] <= max(due, lost[number]) + timedelta(seconds=9), (least, made, lost)
    assert pod_loss.most_pods == 1

    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    ns.pause(False)
    ns.wait("it is active again", lambda status: status["phase"] == "Active" and status["build"]["number"] == 8)
