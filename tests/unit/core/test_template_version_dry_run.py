"""The condition Valid of a TemplateVersion."""

from __future__ import annotations

import pytest

from taskyard.core import template_version_dry_run
from taskyard.core.conditions import Verdict
from taskyard.core.manifests import pod
from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Answer
from taskyard.core.template_version_dry_run import Outcome, Refused, Taken, Undecided
from taskyard.core.template_version_words import Words
from taskyard.limits import MAX_TASK_NAME_CHARACTERS
from unit.core.builders import build, installation, task, template_version


def test_the_probe_is_the_pod_of_a_task_that_cannot_exist() -> None:
    probe = template_version_dry_run.probe(
        template_version(), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    name = probe["metadata"]["name"]
    assert MAX_TASK_NAME_CHARACTERS < len(name) <= 63
    assert probe["metadata"]["namespace"] == "team"


def test_the_probe_differs_from_a_real_pod_in_its_names_alone() -> None:
    probe = template_version_dry_run.probe(
        template_version(), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    real = pod.manifest(task(), build(), template_version(), installation())
    for key in ("restartPolicy", "securityContext", "automountServiceAccountToken", "terminationGracePeriodSeconds"):
        assert probe["spec"][key] == real["spec"][key]
    for kind in ("initContainers", "containers"):
        for tried, made in zip(probe["spec"][kind], real["spec"][kind], strict=True):
            assert {k: v for k, v in tried.items() if k != "env"} == {k: v for k, v in made.items() if k != "env"}
            assert [entry["name"] for entry in tried["env"]] == [entry["name"] for entry in made["env"]]


def test_the_probe_has_the_resources_of_a_task_that_chooses_nothing() -> None:
    preset = {"name": "large", "default": True, "resources": {"limits": {"memory": "2Gi"}}}
    tried = template_version_dry_run.probe(
        template_version(presets=[preset]), installation(), namespace="team", uid="u-1", now="2026-01-31T12:00:00Z"
    )
    assert tried["spec"]["containers"][0]["resources"] == {"limits": {"memory": "2Gi"}}


MISSPELLED = 'unknown field "spec.pod.spec.containers[0].imagePulPolicy"'
HIDDEN = 'spec.pod.spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'
FULL = Obstacle("QuotaExceeded", "The Pod waits for room in the namespace's quota: used: pods=3, limited: pods=3.")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(
            Taken(), Verdict("Valid", True, "DryRunPassed", "The API server would accept the Pod."), id="taken"
        ),
        pytest.param(
            Refused("image: Required value"),
            Verdict("Valid", False, "PodRefused", "image: Required value. Create a version without this fault."),
            id="refused",
        ),
        pytest.param(
            Taken((MISSPELLED, MISSPELLED)),
            Verdict(
                "Valid",
                True,
                "UnknownField",
                f"The API server would accept the Pod, and drop what it does not know: {MISSPELLED}. Correct the "
                "spelling or the place of the field in a new version.",
            ),
            id="unknown",
        ),
        pytest.param(
            Taken((HIDDEN,)),
            Verdict(
                "Valid",
                True,
                "DryRunWarned",
                f"The API server would accept the Pod, and warns: {HIDDEN}. Change that in a new version, unless it is "
                "meant.",
            ),
            id="warned",
        ),
        pytest.param(
            Taken((HIDDEN, MISSPELLED)),
            Verdict(
                "Valid",
                True,
                "UnknownField",
                f"The API server would accept the Pod, and drop what it does not know: {MISSPELLED}. Correct the "
                f"spelling or the place of the field in a new version. It also warns: {HIDDEN}. Change that in a new "
                "version, unless it is meant.",
            ),
            id="both",
        ),
        pytest.param(
            Undecided(FULL, 10.0),
            Verdict(
                "Valid",
                None,
                "QuotaExceeded",
                "It cannot be told yet whether the API server would accept the Pod. The Pod waits for room in the "
                "namespace's quota: used: pods=3, limited: pods=3. It is asked again every 10 s.",
            ),
            id="undecided",
        ),
    ],
)
def test_verdict(outcome: Outcome, expected: Verdict) -> None:
    assert template_version_dry_run.verdict(outcome) == expected


@pytest.mark.parametrize("warnings", [300 * ("x" * 200,), tuple(f'unknown field "spec.{n}"' for n in range(500))])
def test_warnings_without_end_leave_room_for_the_remedy(warnings: tuple[str, ...]) -> None:
    message = template_version_dry_run.verdict(Taken(warnings)).message
    assert len(message) < 1000 and " in a new version" in message


def words() -> Words:
    return Words({}, {})


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        pytest.param(Answer(403, "exceeded quota: few"), "QuotaExceeded", 10.0, id="quota"),
        pytest.param(
            Answer(403, "error looking up service account team/x"), "ServiceAccountMissing", 10.0, id="account"
        ),
        pytest.param(Answer(500, "failed calling webhook x"), "WebhookFailed", 10.0, id="webhook"),
        pytest.param(Answer(403, 'User "o" cannot create resource "pods"'), "OperatorForbidden", 10.0, id="right"),
        pytest.param(Answer(422, "image: Required value"), None, 300.0, id="invalid"),
        pytest.param(Answer(403, 'violates PodSecurity "restricted"'), None, 30.0, id="namespace's rule"),
        pytest.param(
            Answer(422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"), None, 30.0, id="policy"
        ),
        pytest.param(Answer(400, "admission webhook x denied the request: no"), None, 30.0, id="webhook with 400"),
        pytest.param(Answer(409, "admission webhook denied the request: no"), None, 30.0, id="webhook's rule"),
    ],
)
def test_what_a_refusal_says_of_a_version(answer: Answer, reason: str | None, seconds: float) -> None:
    found = template_version_dry_run.refusal_of(answer, words(), (), sidecar=None)
    assert isinstance(found, Refused | Undecided)
    assert (found.obstacle.reason if isinstance(found, Undecided) else None, found.seconds) == (reason, seconds)
    message = template_version_dry_run.verdict(found).message
    assert answer.message in message and "the Task" not in message


@pytest.mark.parametrize("status", [403, 422])
def test_what_the_sidecar_breaks_has_the_charts_remedy_and_not_a_tasks(status: int) -> None:
    found = template_version_dry_run.refusal_of(Answer(status, "no"), words(), (), sidecar="Set sidecar.resources")
    assert found is not None
    message = template_version_dry_run.verdict(found).message
    assert message.startswith("no. Set sidecar.resources") and message.endswith(".") and "the Task" not in message


@pytest.mark.parametrize("status", [0, 409, 429, 503])
def test_an_answer_that_says_nothing_of_the_version_is_none(status: int) -> None:
    assert template_version_dry_run.refusal_of(Answer(status, "busy"), words(), (), sidecar=None) is None


@pytest.mark.parametrize(
    ("status", "reason", "message", "expected"),
    [
        pytest.param("Unknown", "QuotaExceeded", "used: pods=3", True, id="but for numbers"),
        pytest.param("Unknown", "QuotaExceeded", "used: secrets=2", False, id="another resource"),
        pytest.param("Unknown", "WebhookFailed", "used: pods=2", False, id="another reason"),
        pytest.param("False", "QuotaExceeded", "used: pods=2", False, id="another status"),
    ],
)
def test_what_is_the_same(status: str, reason: str, message: str, expected: bool) -> None:
    former = {"type": "Valid", "status": status, "reason": reason, "message": message}
    found = Verdict("Valid", None, "QuotaExceeded", "used: pods=2")
    assert template_version_dry_run.is_same(found, former) is expected
    assert not template_version_dry_run.is_same(found, None)


def test_what_can_be_told_without_the_api_server() -> None:
    assert template_version_dry_run.problem(template_version()) is None
    assert template_version_dry_run.problem(template_version(agent=None)) is None, (
        "such a version is fine, though no Task can use it"
    )
    preset = {"name": "large", "default": False, "parameters": [{"name": "branch", "value": "x y"}]}
    declared = [{"name": "branch", "type": "string", "required": False, "pattern": "[a-z]+"}]
    assert template_version_dry_run.problem(template_version(parameters=declared, presets=[preset])) == (
        'Parameter "branch": the value of preset "large" does not match the pattern [a-z]+ as a whole; '
        "give one that does"
    )
    assert template_version_dry_run.problem(template_version(pod={"spec": {}})) == (
        'spec.pod has no container "agent", which spec.agent.container names'
    )


def test_a_pattern_of_the_screen_that_cannot_be_used_is_a_fault() -> None:
    version = template_version(agent={"container": "agent", "protocol": "Terminal", "ready": "(a"})
    found = template_version_dry_run.problem(version)
    assert found is not None
    assert found.startswith("spec.agent.ready cannot be used as a pattern: missing )")
