"""A Pod that is lost again and again: it comes back later each time, and then no more."""

from __future__ import annotations

import itertools
from datetime import datetime

from e2e.losses import Losses
from e2e.yard import ready


def test_a_pod_that_is_lost_again_and_again_comes_back_later_each_time_and_then_no_more(losses: Losses) -> None:
    losses.join(losses.UNTIL)
    assert not losses.failure, losses.failure
    yard = losses.yard
    task = yard.wait("it is given up", lambda status: status["phase"] == "Error")
    reason, message = ready(task["status"])
    assert reason == "BuildFailed"
    assert "The Pod was lost 6 times in a row" in message
    assert "Pause and resume the Task to try again" in message

    builds = sorted(yard.kube.list("workspacebuilds", yard.namespace), key=lambda build: build["spec"]["number"])
    assert [build["spec"]["reason"] for build in builds] == ["Initial"] + ["Recover"] * 5
    assert [build["status"]["phase"] for build in builds] == ["Succeeded"] * 5 + ["Failed"]
    made = [datetime.fromisoformat(build["metadata"]["creationTimestamp"]) for build in builds]
    # The first recovery is at once, whenever the Pod was lost. Times of creation are whole seconds.
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(made)][1:]
    assert all(least - 1 <= wait <= least + 9 for least, wait in zip((10, 20, 40, 80), waits, strict=True)), waits
    assert losses.most_pods == 1

    yard.pause(True)
    yard.wait("it is paused", lambda status: status["phase"] == "Paused")
    yard.pause(False)
    yard.wait("it is active again", lambda status: status["phase"] == "Active" and status["build"]["number"] == 8)
