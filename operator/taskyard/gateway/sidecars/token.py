"""Authenticates a sidecar by its token, checked against the key and against what the operator has recorded."""

from dataclasses import dataclass

from fastapi import Request

from taskyard.core.security.keys import verify_pod_token
from taskyard.gateway.context import Context
from taskyard.gateway.http.bearer import bearer
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.sidecars.evidence import gather
from taskyard.gateway.sidecars.objects import Build, Task
from taskyard.gateway.sidecars.pod_binding import Evidence, PodBinding, pod_binding_of


@dataclass(frozen=True)
class Caller:
    """The sidecar of the Pod that the Task's newest start build created."""

    pod_uid: str
    build: Build
    task: Task


async def authenticate(context: Context, request: Request) -> Caller:
    """The caller. Raises HttpError 401 (enrol again) or 409 (a newer build has replaced this Pod), and ApiError."""
    token = verify_pod_token(context.keyring.master_key, bearer(request))
    if token is None:
        raise HttpError(401, "The token is not valid.")
    return caller_of(await gather(context, namespace=token.namespace, build=token.build, pod_uid=token.pod_uid))


def caller_of(evidence: Evidence) -> Caller:
    """The caller, given the evidence about the Pod of a valid token. Raises HttpError 401 or 409."""
    binding = pod_binding_of(evidence)
    if binding is PodBinding.SUPERSEDED and evidence.build and evidence.build.pod_uid == evidence.pod_uid:
        raise HttpError(409, binding.value)
    if binding is not PodBinding.CURRENT or evidence.build is None or evidence.task is None:
        raise HttpError(401, "The token is no longer valid.", detail=binding.value)
    return Caller(pod_uid=evidence.pod_uid, build=evidence.build, task=evidence.task)
