"""The table of refusals: what the API server says, and what follows for each kind of object."""

from __future__ import annotations

import pytest

from taskyard.core import refusal
from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Answer, Attempt, Fail, GoOn, Wait

POD = Attempt("create", "Pod", "web-1")
CLAIM = Attempt("create", "PersistentVolumeClaim", "web-home")
BUILD = Attempt("create", "WorkspaceBuild", "web-4")
POLICY = Attempt("create", "NetworkPolicy", "taskyard-tasks")
SNAPSHOT = Attempt("create", "ConfigMap", "web-snapshot", by="gateway")
EVENT = Attempt("create", "Event", "web.1")
ALL = [POD, CLAIM, BUILD, POLICY, SNAPSHOT]

STORAGE = (
    "exceeded quota: few, requested: requests.storage=1Gi, used: requests.storage=0, limited: requests.storage=500Mi"
)
GOLD = "exceeded quota: few, requested: gold.storageclass.storage.k8s.io/requests.storage=1Gi, used: …, limited: …"
SCOPES = "insufficient quota to match these scopes: [{PriorityClass In [high]}]"
UNCOUNTED = "status unknown for quota: few, resources: count/workspacebuilds.taskyard.dev"
ACCOUNT = 'pods "web-1" is forbidden: error looking up service account team/default: serviceaccount "default" not found'
RIGHT = 'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group "" in "team"'
ENDING = "unable to create new content in namespace team because it is being terminated"
WEBHOOK = 'Internal error occurred: failed calling webhook "a.b": Post "https://x": dial tcp: connection refused'
SLOW = 'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post "https://x?timeout=10s": '
SLOW += "context deadline exceeded"
PASSED_ON = f'admission webhook "outer.example.org" denied the request: {SLOW}'
OVERLOADED = 'admission webhook "a.b" denied the request: try again later'
LIMIT = "maximum storage usage per PersistentVolumeClaim is 500Mi, but request is 1Gi"
POLICY_DENIED = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no claims here"
STARTING_UP = "not yet ready to handle request"


@pytest.mark.parametrize("row", refusal.TABLE, ids=lambda row: row.reason)
def test_each_kind_of_refusal_has_its_remedy_behind_the_api_servers_words(row: refusal.Row) -> None:
    answers = [Answer(403, text) for text in (STORAGE, ACCOUNT, RIGHT, STARTING_UP)]
    answers += [Answer(403, ENDING, causes=("NamespaceTerminating",)), Answer(500, WEBHOOK, "InternalError")]
    answers += [Answer(503, OVERLOADED)]
    (answer,) = [answer for answer in answers if row.fits(answer)]
    verdict = refusal.of(answer, POD)
    assert isinstance(verdict, Wait)
    assert verdict.obstacle.message.endswith(f"{answer.message}. {row.helps}") and row.helps.endswith(".")


@pytest.mark.parametrize("attempt", ALL, ids=lambda attempt: attempt.kind)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(Answer(403, STORAGE), "QuotaExceeded", id="quota"),
        pytest.param(Answer(403, GOLD), "QuotaExceeded", id="quota of a storage class"),
        pytest.param(Answer(403, SCOPES), "QuotaExceeded", id="no quota for the priority"),
        pytest.param(Answer(403, UNCOUNTED), "QuotaExceeded", id="a quota that is not counted yet"),
        pytest.param(Answer(403, ACCOUNT), "ServiceAccountMissing", id="service account"),
        pytest.param(Answer(403, ENDING, causes=("NamespaceTerminating",)), "NamespaceTerminating", id="namespace"),
        pytest.param(Answer(500, WEBHOOK, "InternalError"), "WebhookFailed", id="a webhook that is down"),
        pytest.param(Answer(500, SLOW, "InternalError"), "WebhookFailed", id="a webhook that is slow"),
        pytest.param(Answer(504, SLOW, "Timeout"), "WebhookFailed", id="a webhook that is slow, as a time-out"),
        pytest.param(Answer(403, WEBHOOK, "Forbidden"), "WebhookFailed", id="a webhook that is down, as a 403"),
        pytest.param(Answer(400, WEBHOOK, "BadRequest"), "WebhookFailed", id="a webhook that is down, as a 400"),
        pytest.param(Answer(403, PASSED_ON, "Forbidden"), "WebhookFailed", id="a webhook that asks another one"),
        pytest.param(Answer(429, OVERLOADED), "WebhookFailed", id="a webhook that has too much to do"),
        pytest.param(Answer(503, OVERLOADED), "WebhookFailed", id="a webhook with a fault of its own"),
        pytest.param(Answer(403, STARTING_UP), "APIServerNotReady", id="an API server that starts"),
    ],
)
def test_what_passes_is_waited_for_whatever_is_made(attempt: Attempt, answer: Answer, reason: str) -> None:
    """K1, K2."""
    verdict = refusal.of(answer, attempt)
    assert isinstance(verdict, Wait)
    assert verdict.obstacle.reason == reason
    assert answer.message in verdict.obstacle.message, "the API server's words are kept"
    if reason == "QuotaExceeded":
        assert verdict.seconds <= 5
        assert attempt.kind in verdict.obstacle.message


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [pytest.param(POD, "OperatorForbidden", id="operator"), pytest.param(SNAPSHOT, "GatewayForbidden", id="gateway")],
)
def test_a_missing_right_names_the_process_that_lacks_it(attempt: Attempt, reason: str) -> None:
    verdict = refusal.of(Answer(403, RIGHT), attempt)
    assert isinstance(verdict, Wait) and verdict.obstacle.reason == reason


@pytest.mark.parametrize("attempt", [POD, CLAIM], ids=lambda attempt: attempt.kind)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(403, LIMIT), id="LimitRange"),
        pytest.param(Answer(403, 'violates PodSecurity "restricted:latest": privileged'), id="Pod Security"),
        pytest.param(Answer(403, "failed quota: few: must specify limits.cpu for: agent"), id="a quota wants limits"),
        pytest.param(Answer(422, "spec.resources[storage]: Invalid value", "Invalid"), id="invalid"),
        pytest.param(Answer(422, POLICY_DENIED, "Invalid"), id="admission policy"),
        pytest.param(Answer(401, POLICY_DENIED, "Unauthorized"), id="admission policy with another status"),
        pytest.param(Answer(403, 'admission webhook "a" denied the request: no'), id="admission webhook"),
        pytest.param(Answer(400, 'admission webhook "a" denied the request: no'), id="admission webhook with a 400"),
        pytest.param(
            Answer(403, 'admission webhook "a" denied the request: the webhook of the image failed'),
            id="like a failure",
        ),
        pytest.param(Answer(413, "Request entity too large"), id="too large"),
    ],
)
def test_what_only_a_person_can_mend_fails_a_start_with_cause_and_remedy(attempt: Attempt, answer: Answer) -> None:
    """K1."""
    verdict = refusal.of(answer, attempt)
    assert isinstance(verdict, Fail)
    assert verdict.message.startswith(f"the API server refuses {attempt.kind} {attempt.name}: {answer.message}. ")
    assert "pause and resume the Task" in verdict.message


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        pytest.param(BUILD, "WorkspaceBuildRefused", id="build"),
        pytest.param(POLICY, "NetworkPolicyRefused", id="policy"),
        pytest.param(SNAPSHOT, "ConfigMapRefused", id="snapshot"),
        pytest.param(Attempt("delete", "Pod", "web-1"), "PodRefused", id="deletion"),
        pytest.param(Attempt("update", "WorkspaceBuild", "web-1"), "WorkspaceBuildRefused", id="update"),
    ],
)
def test_what_no_start_can_fail_for_is_tried_again_and_says_so(attempt: Attempt, reason: str) -> None:
    """K2."""
    verdict = refusal.of(Answer(422, POLICY_DENIED, "Invalid"), attempt)
    assert isinstance(verdict, Wait)
    assert verdict.obstacle == Obstacle(
        reason,
        f"The API server refuses to {attempt.verb} {attempt.kind} {attempt.name}: {POLICY_DENIED}. Change the rule "
        "that refuses it; it is tried again by itself.",
    )
    assert verdict.seconds == 30


def test_events_are_told_and_the_work_goes_on() -> None:
    assert refusal.of(Answer(403, STORAGE), EVENT) == GoOn(f"Event web.1 is not written: {STORAGE}")


@pytest.mark.parametrize("answer", [Answer(403, POLICY_DENIED), Answer(403, RIGHT), Answer(500, WEBHOOK)])
def test_nothing_waits_for_the_removal_of_what_is_no_longer_needed(answer: Answer) -> None:
    """K2."""
    verdict = refusal.of(answer, Attempt("delete", "WorkspaceBuild", "web-1", is_needed=False))
    assert verdict == GoOn(f"WorkspaceBuild web-1 is not deleted: {answer.message}")


def test_a_pod_that_cannot_be_deleted_says_so() -> None:
    verdict = refusal.of(Answer(500, WEBHOOK), Attempt("delete", "Pod", "web-1"))
    assert isinstance(verdict, Wait)
    assert verdict.obstacle.message.startswith("Pod web-1 cannot be deleted. The Pod waits for an admission webhook")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(0, "the API server cannot be reached"), id="no answer"),
        pytest.param(Answer(401, "Unauthorized"), id="a token that has expired"),
        pytest.param(Answer(404, "not found", "NotFound"), id="missing"),
        pytest.param(Answer(409, "the object has been modified", "Conflict"), id="a conflict over the quota"),
        pytest.param(Answer(429, "too many requests"), id="too many requests"),
        pytest.param(Answer(500, "Internal error occurred: resource quota evaluation timed out"), id="time-out"),
        pytest.param(Answer(503, "the server is currently unable to handle the request"), id="unavailable"),
    ],
)
@pytest.mark.parametrize("attempt", [*ALL, EVENT], ids=lambda attempt: attempt.kind)
def test_an_api_server_that_has_trouble_refuses_nothing(attempt: Attempt, answer: Answer) -> None:
    assert refusal.of(answer, attempt) is None


def test_a_cause_of_any_length_leaves_room_for_the_remedy() -> None:
    """K6."""
    verdict = refusal.of(Answer(422, "env: Invalid value: BAD=NAME, " * 1500, "Invalid"), POD)
    assert isinstance(verdict, Fail)
    assert len(verdict.message) < 1024
    assert "more characters)" in verdict.message
    assert verdict.message.endswith("then pause and resume the Task.")


def test_what_others_use_of_a_quota_is_no_news() -> None:
    one, two = (
        Obstacle("QuotaExceeded", f"exceeded quota: few, requested: pods=1, used: pods={used}, limited: pods=10")
        for used in ("10", "1200m")
    )
    other = Obstacle("QuotaExceeded", "exceeded quota: more, requested: pods=1, used: pods=3, limited: pods=3")
    assert not refusal.is_news(one, two)
    assert refusal.is_news(one, other) and refusal.is_news(one, None)


def test_a_port_a_time_and_an_id_are_no_news() -> None:
    one, two = (
        Obstacle("WebhookFailed", f"read tcp 10.0.0.5:{port}->10.96.1.2:443: reset at {time}, request {uid}")
        for port, time, uid in (("41325", "12:00:01.5Z", "a1b2-c3"), ("7", "12:00:05Z", "99ff-00"))
    )
    assert not refusal.is_news(one, two)
