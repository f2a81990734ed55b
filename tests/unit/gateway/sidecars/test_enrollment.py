"""Which Pods may enrol."""

from dataclasses import replace
from typing import Any

import pytest

from taskyard.gateway.sidecars.enrollment import (
    Enrolled,
    Refused,
    Review,
    common_protocol_version,
    decide,
    refuse_token,
    review_from,
)
from taskyard.gateway.sidecars.objects import build_from
from taskyard.gateway.sidecars.pod_binding import PodBinding
from unit.core.builders import tekton_owner
from unit.gateway.sidecars.builders import BUILD, EVIDENCE, TASK, UID

# As the build that made the Pod in all but its owner.
TEKTON_BUILD = build_from(
    {
        "metadata": {
            "namespace": BUILD.namespace,
            "name": BUILD.name,
            "ownerReferences": [tekton_owner(TASK.uid, TASK.name)],
        },
        "spec": {"number": 1, "transition": "Start", "promptSHA256": BUILD.prompt_sha256},
        "status": {"phase": "Succeeded", "podUID": UID},
    }
)
REVIEW = Review(authenticated=True, audiences=("taskyard",), namespace="demo", pod="hello-1", pod_uid=UID)


def test_the_pod_of_the_newest_start_build_may() -> None:
    assert decide(REVIEW, EVIDENCE) == Enrolled()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"authenticated": False}, 401, id="token not valid"),
        pytest.param({"audiences": ()}, 401, id="no audience told"),
        pytest.param({"audiences": ("other",)}, 401, id="another audience"),
        pytest.param({"pod": ""}, 403, id="no Pod's token"),
        pytest.param({"pod_uid": ""}, 403, id="Pod without a UID"),
        pytest.param({"namespace": ""}, 403, id="a person's token"),
        pytest.param({"authenticated": False, "pod": ""}, 401, id="the first fault counts"),
    ],
)
def test_a_token_that_is_not_a_pods_may_not(changes: dict[str, Any], status: int) -> None:
    review = replace(REVIEW, **changes)
    refused = refuse_token(review)
    assert refused is not None
    assert refused.status == status
    assert decide(review, EVIDENCE) == refused


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        pytest.param({"build": None}, 403, PodBinding.NO_BUILD, id="no build's Pod"),
        pytest.param({"build": TEKTON_BUILD}, 403, PodBinding.NO_BUILD, id="a Tekton Task's build"),
        pytest.param({"newest_start": 2}, 403, PodBinding.SUPERSEDED, id="former build's Pod"),
        pytest.param({"build": replace(BUILD, pod_uid="x")}, 403, PodBinding.ANOTHER_POD, id="another Pod's name"),
        pytest.param({"build": replace(BUILD, pod_uid="")}, 409, PodBinding.UNRECORDED, id="not recorded yet"),
        pytest.param({"newest_start": 0}, 409, PodBinding.UNRECORDED, id="build not known to the Task yet"),
    ],
)
def test_a_pod_that_is_not_the_newest_start_builds_may_not(
    changes: dict[str, Any], status: int, message: PodBinding
) -> None:
    assert decide(REVIEW, replace(EVIDENCE, **changes)) == Refused(status, message.value)


def test_a_prompt_that_was_changed_since_makes_it_wait() -> None:
    decision = decide(REVIEW, replace(EVIDENCE, task=replace(TASK, prompt="something else")))
    assert isinstance(decision, Refused)
    assert decision.status == 409


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        pytest.param([1], 1, id="the one"),
        pytest.param([1, 2, 9], 1, id="newer sidecar"),
        pytest.param([2], None, id="only newer"),
        pytest.param([], None, id="none"),
    ],
)
def test_both_speak_the_highest_version_in_common(offered: list[int], agreed: int | None) -> None:
    assert common_protocol_version(offered) == agreed


def test_a_review_of_a_pods_token_tells_which_pod_it_is() -> None:
    assert review_from(status()) == REVIEW


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"username": "system:serviceaccount:demo"}, id="half a name"),
        pytest.param({"username": "system:serviceaccount::default"}, id="no namespace"),
        pytest.param({"username": "x:serviceaccount:demo:default"}, id="no service account"),
        pytest.param({"extra": {}}, id="nothing told of a Pod"),
        pytest.param({"extra": None}, id="nothing more told"),
        pytest.param({"extra": {"authentication.kubernetes.io/pod-name": ["a", "b"]}}, id="two Pods"),
    ],
)
def test_a_review_that_names_no_single_pod_is_no_pods(changes: dict[str, Any]) -> None:
    refused = refuse_token(review_from(status(**changes)))
    assert refused is not None
    assert refused.status == 403


def test_an_empty_review_is_not_valid() -> None:
    assert review_from({}) == Review(authenticated=False)


def status(**user: Any) -> dict[str, Any]:
    return {
        "authenticated": True,
        "audiences": ["taskyard"],
        "user": {
            "username": "system:serviceaccount:demo:default",
            "extra": {
                "authentication.kubernetes.io/pod-name": ["hello-1"],
                "authentication.kubernetes.io/pod-uid": [UID],
            },
            **user,
        },
    }
