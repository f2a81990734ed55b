"""Who calls: a sidecar's token, checked against the key and against what the operator has recorded."""

from dataclasses import dataclass

from fastapi import Request

from taskyard.core.keys import verify_pod_token
from taskyard.gateway.context import Context, gather
from taskyard.gateway.errors import HttpError
from taskyard.gateway.objects import Build, Task
from taskyard.gateway.standing import Evidence, Standing, standing_of

MAX_TOKEN = 8192


@dataclass(frozen=True)
class Caller:
    """The sidecar of the Pod that the Task's newest start build made."""

    pod_uid: str
    build: Build
    task: Task


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer`, else of `Coder-Session-Token`; HttpError 401 without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else request.headers.get("coder-session-token", "").strip()
    if not token or len(token) > MAX_TOKEN:
        raise HttpError(401, "A token is needed.", detail="Send it as `Authorization: Bearer <token>`.")
    return token


async def authenticate(context: Context, request: Request) -> Caller:
    """The caller. HttpError 401 (enrol again) or 409 (a newer build has replaced this Pod); ApiError."""
    token = verify_pod_token(context.keyring.master_key, bearer(request))
    if token is None:
        raise HttpError(401, "The token is not valid.")
    return caller_of(await gather(context, namespace=token.namespace, build=token.build, pod_uid=token.pod_uid))


def caller_of(evidence: Evidence) -> Caller:
    """The caller, given what was read about the Pod of a valid token."""
    standing = standing_of(evidence)
    if standing is Standing.SUPERSEDED and evidence.build and evidence.build.pod_uid == evidence.pod_uid:
        raise HttpError(409, standing.value)
    if standing is not Standing.CURRENT or evidence.build is None or evidence.task is None:
        raise HttpError(401, "The token is not valid any more.", detail=standing.value)
    return Caller(pod_uid=evidence.pod_uid, build=evidence.build, task=evidence.task)
