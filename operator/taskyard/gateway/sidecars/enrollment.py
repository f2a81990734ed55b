"""Whether a Pod may enrol: a pure decision over what was read.

The Pod's identity comes only from the API server's review of its token, never from what the Pod claims.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from taskyard.core.security.keys import prompt_sha256
from taskyard.gateway.sidecars.pod_binding import Evidence, PodBinding, pod_binding_of

AUDIENCE = "taskyard"
PROTOCOL_VERSIONS = (1,)

_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):[^:]+")
_POD_NAME = "authentication.kubernetes.io/pod-name"
_POD_UID = "authentication.kubernetes.io/pod-uid"


@dataclass(frozen=True)
class Refused:
    """The Pod may not enrol. 403 is final for this Pod, 409 means that it should retry."""

    status: int
    message: str


@dataclass(frozen=True)
class Enrolled:
    """The Pod may enrol."""


@dataclass(frozen=True)
class Review:
    """A reviewed token. `namespace`, `pod` and `pod_uid` are empty if it is not bound to a Pod."""

    authenticated: bool
    audiences: tuple[str, ...] = ()
    namespace: str = ""
    pod: str = ""
    pod_uid: str = ""


def review_from(status: Mapping[str, Any]) -> Review:
    """Read the status of a TokenReview."""
    user = status.get("user") or {}
    extra = user.get("extra") or {}
    account = _SERVICE_ACCOUNT.fullmatch(str(user.get("username", "")))
    return Review(
        authenticated=bool(status.get("authenticated")),
        audiences=tuple(status.get("audiences") or ()),
        namespace=account["namespace"] if account else "",
        pod=_single(extra, _POD_NAME) if account else "",
        pod_uid=_single(extra, _POD_UID) if account else "",
    )


def refuse_token(review: Review) -> Refused | None:
    """The refusal if the token alone requires one, else None."""
    return next((refused for check in _TOKEN_CHECKS if (refused := check(review))), None)


def decide(review: Review, evidence: Evidence) -> Enrolled | Refused:
    """Whether this Pod may enrol, given what was read about it."""
    if refused := refuse_token(review):
        return refused
    binding = pod_binding_of(evidence)
    if binding is PodBinding.UNRECORDED:
        return Refused(409, binding.value)
    if binding is not PodBinding.CURRENT:
        return Refused(403, binding.value)
    return _prompt_is_not_the_builds(evidence) or Enrolled()


def common_protocol_version(offered: list[int]) -> int | None:
    """The highest protocol version that both sides support, None without one."""
    return max(set(offered) & set(PROTOCOL_VERSIONS), default=None)


def _token_is_not_valid(review: Review) -> Refused | None:
    return None if review.authenticated else Refused(401, "The token is not valid.")


def _token_is_for_another_audience(review: Review) -> Refused | None:
    # An authenticator without support for audiences reports none; any service would accept its tokens.
    return None if AUDIENCE in review.audiences else Refused(401, f'The token is not for the audience "{AUDIENCE}".')


def _token_is_no_pods(review: Review) -> Refused | None:
    is_pods = review.namespace and review.pod and review.pod_uid
    return None if is_pods else Refused(403, "The token is not bound to a Pod.")


_TOKEN_CHECKS: tuple[Callable[[Review], Refused | None], ...] = (
    _token_is_not_valid,  # Forged, expired, or of a Pod that is gone
    _token_is_for_another_audience,  # Meant for another service
    _token_is_no_pods,  # A person's, or a service account's without a Pod
)


def _prompt_is_not_the_builds(evidence: Evidence) -> Refused | None:
    assert evidence.task is not None and evidence.build is not None
    if prompt_sha256(evidence.task.prompt) == evidence.build.prompt_sha256:
        return None
    return Refused(409, "The Task's prompt is not the one that its newest build was made for.")


def _single(extra: Mapping[str, Any], name: str) -> str:
    values: list[object] = list(extra.get(name) or ())
    return str(values[0]) if len(values) == 1 else ""
