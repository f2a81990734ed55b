"""Temporary and permanent refusals of a Pod."""

from __future__ import annotations

import pytest

from taskyard.core.pod_admission import pod_obstacle

QUOTA = 'pods "web-1" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3'
ACCOUNT = 'pods "web-1" is forbidden: error looking up service account team/default: serviceaccount "default" not found'
RIGHT = 'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group ""'


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(QUOTA, "QuotaExceeded", id="quota"),
        pytest.param(ACCOUNT, "ServiceAccountMissing", id="service account"),
        pytest.param(RIGHT, "OperatorForbidden", id="the operator's rights"),
    ],
)
def test_temporary_refusals_are_waited_for_and_the_message_is_kept(message: str, reason: str) -> None:
    obstacle = pod_obstacle(message)
    assert obstacle
    assert obstacle.reason == reason
    assert message in obstacle.message


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            'pods "web-1" is forbidden: violates PodSecurity "restricted:latest": privileged', id="Pod Security"
        ),
        pytest.param('Pod "web-1" is invalid: spec.containers[0].image: Required value', id="invalid"),
        pytest.param('pods "web-1" is forbidden: failed quota: q: must specify limits.cpu', id="a quota wants limits"),
        pytest.param("", id="nothing said"),
    ],
)
def test_permanent_refusals(message: str) -> None:
    assert pod_obstacle(message) is None
