"""The route by which a sidecar enrols: `POST /api/v1alpha1/enroll`."""

import logging
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from taskyard.apiclient import ApiError
from taskyard.core.security.certificates import POD_CERTIFICATE_LIFETIME, issue_serving_certificate
from taskyard.core.security.keys import encode_pod_token, pod_key
from taskyard.core.times import rfc3339
from taskyard.gateway import metrics
from taskyard.gateway.context import Context
from taskyard.gateway.http.bearer import bearer
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.request_body import read_model
from taskyard.gateway.sidecars import enrollment
from taskyard.gateway.sidecars.enrollment import Refused, Review
from taskyard.gateway.sidecars.evidence import gather
from taskyard.gateway.sidecars.pod_binding import Evidence
from taskyard.gateway.sidecars.task_status import update_status

_BODY_BYTES = 4096
# The form of a service account's token. Nothing else is worth a TokenReview.
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

logger = logging.getLogger(__name__)


class EnrollRequest(BaseModel):
    """The body of a sidecar's request."""

    protocol_versions: Annotated[list[int], Field(alias="protocolVersions", max_length=16)]
    sidecar_version: Annotated[
        str, Field(alias="sidecarVersion", pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]*$", max_length=64)
    ]


def routes(context: Context) -> APIRouter:
    """The route, working with `context`."""
    router = APIRouter()

    @router.post("/api/v1alpha1/enroll")
    async def enroll(request: Request) -> JSONResponse:
        token = bearer(request)
        if not _JWT.fullmatch(token):
            raise HttpError(401, "The token is not valid.")
        asked = await read_model(request, EnrollRequest, _BODY_BYTES)
        protocol_version = _agree(asked)
        review = await _review(context, token, caller=request.client.host if request.client else "")
        _enforce(review, enrollment.refuse_token(review))
        evidence = await _admit(context, review, asked.sidecar_version)
        logger.info("pod %s/%s enrolled (sidecar %s)", review.namespace, review.pod, asked.sidecar_version)
        return JSONResponse(_answer(context, evidence, protocol_version), headers={"Cache-Control": "no-store"})

    return router


def _agree(asked: EnrollRequest) -> int:
    version = enrollment.common_protocol_version(asked.protocol_versions)
    if version is None:
        spoken = ", ".join(map(str, enrollment.PROTOCOL_VERSIONS))
        raise HttpError(400, "No protocol version in common.", detail=f"This gateway speaks {spoken}.")
    return version


async def _review(context: Context, token: str, *, caller: str) -> Review:
    wait = context.reviews.take(caller, context.monotonic())
    if wait:
        context.metrics.token_reviewed(metrics.LIMITED)
        raise HttpError(429, "Too many token reviews.", retry_after=wait)
    try:
        review = enrollment.review_from(await context.cluster.review_token(token, enrollment.AUDIENCE))
    except ApiError:
        context.metrics.token_reviewed(metrics.FAILED)
        raise
    context.metrics.token_reviewed(metrics.REFUSED if enrollment.refuse_token(review) else metrics.ACCEPTED)
    return review


def _enforce(review: Review, refused: Refused | None) -> None:
    if refused is None:
        return
    if refused.status == 403:
        logger.warning("pod %s/%s may not enrol: %s", review.namespace, review.pod, refused.message)
    raise HttpError(refused.status, refused.message)


async def _admit(context: Context, review: Review, sidecar_version: str) -> Evidence:
    """Decide whether the Pod may enrol and record the sidecar's version; start over whenever the Task has changed.
    Returns the evidence of the last decision."""

    async def read() -> Evidence:
        evidence = await gather(context, namespace=review.namespace, build=review.pod, pod_uid=review.pod_uid)
        decision = enrollment.decide(review, evidence)
        _enforce(review, decision if isinstance(decision, Refused) else None)
        return evidence

    evidence, _ = await update_status(
        context,
        read,
        lambda evidence: _status_change(evidence, sidecar_version),
        contended=HttpError(409, "The Task changes too often."),
    )
    return evidence


def _status_change(evidence: Evidence, sidecar_version: str) -> dict[str, Any]:
    """What to merge into the Task's status; empty if it already has the sidecar's version."""
    assert evidence.task is not None
    is_recorded = (evidence.task.status.get("workspace") or {}).get("sidecarVersion") == sidecar_version
    return {} if is_recorded else {"workspace": {"sidecarVersion": sidecar_version}}


def _answer(context: Context, evidence: Evidence, protocol_version: int) -> dict[str, Any]:
    task, build, pod_uid = evidence.task, evidence.build, evidence.pod_uid
    assert task is not None and build is not None
    keyring = context.keyring
    certificate = issue_serving_certificate(
        keyring.authority, dns_names=[pod_uid], now=context.now(), lifetime=POD_CERTIFICATE_LIFETIME
    )
    return {
        "protocolVersion": protocol_version,
        "certificate": certificate.certificate_pem,
        "privateKey": certificate.key_pem,
        "notAfter": rfc3339(certificate.not_after),
        "key": pod_key(keyring.master_key, pod_uid),
        "token": encode_pod_token(keyring.master_key, namespace=build.namespace, build=build.name, pod_uid=pod_uid),
        "prompt": task.prompt,
        "promptSHA256": build.prompt_sha256,
        "task": {"namespace": task.namespace, "name": task.name, "uid": task.uid},
        "build": {"name": build.name, "number": build.number},
    }
