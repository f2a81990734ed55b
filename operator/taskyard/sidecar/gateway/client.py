"""The gateway's client: enrolment, state reports, snapshots. The only module that talks to the gateway."""

import asyncio
import datetime
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx

from taskyard import __version__
from taskyard.backoff import Backoff
from taskyard.sidecar.conversation import task_outputs
from taskyard.sidecar.conversation.reports import Report
from taskyard.sidecar.gateway import tls
from taskyard.sidecar.settings import Settings

logger = logging.getLogger(__name__)

PROTOCOL_VERSIONS = [1]
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
NOT_RECORDED_FIRST, NOT_RECORDED_LAST = 0.2, 5.0
REFUSED_FIRST, REFUSED_LAST = 5.0, 60.0
FAILED_FIRST, FAILED_LAST = 0.5, 15.0
KEEP_ALIVE = 3.0  # the gateway closes after 5 s


def enrolment_backoff(status: int) -> Backoff:
    """The delays between enrolments that are answered with this status; 0: with none."""
    match status:
        case 409:
            return Backoff(first=NOT_RECORDED_FIRST, longest=NOT_RECORDED_LAST)
        case 403:
            return Backoff(first=REFUSED_FIRST, longest=REFUSED_LAST)
        case _:
            return Backoff(first=FAILED_FIRST, longest=FAILED_LAST)


class GatewayError(Exception):
    """A call failed. `permanent`: a retry would fail too. `retry_after` is in seconds."""

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        return 400 <= self.status < 500 and self.status not in (401, 408, 429)


class Enrolment(NamedTuple):
    """What makes this process the sidecar of its Pod. Certificate and private key are PEM.

    `key` is what callers must present, `token` what this process presents to the gateway.
    """

    certificate: str
    private_key: str
    issued_at: datetime.datetime
    not_after: datetime.datetime
    key: str
    token: str
    prompt: str
    prompt_sha256: str

    @property
    def renew_at(self) -> datetime.datetime:
        """When half of the certificate's lifetime is over."""
        return self.issued_at + (self.not_after - self.issued_at) / 2


class Gateway:
    """`enrolled` is called with every enrolment, also when a refused token or an old certificate caused it."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime.datetime],
        enrolled: Callable[[Enrolment], None] = lambda enrolment: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._client = httpx.AsyncClient(
            base_url=settings.gateway_url,
            verify=tls.trust(settings.ca_certificate),
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE),
            headers={"User-Agent": f"taskyard-sidecar/{__version__}"},
            trust_env=False,  # a proxy for the internet does not lead to the gateway
        )
        self._enrolment: Enrolment | None = None
        self._enrolling = asyncio.Lock()
        self._enrolled = enrolled

    async def close(self) -> None:
        await self._client.aclose()

    async def enrol(self) -> Enrolment:
        """Retries until the gateway accepts; only cancellation ends it earlier."""
        async with self._enrolling:
            return await self._enrol()

    async def _enrol(self) -> Enrolment:
        told = ""
        status, backoff = 0, enrolment_backoff(0)
        while True:
            try:
                enrolment = await self._ask()
            except GatewayError as error:
                if error.status != status:
                    status, backoff = error.status, enrolment_backoff(error.status)
                delay = backoff.next()
                if str(error) != told:
                    logger.warning("%s: not enrolled yet: %s", self._settings.task, error)
                    told = str(error)
                await asyncio.sleep(error.retry_after if error.retry_after is not None else delay)
                continue
            self._enrolment = enrolment
            self._enrolled(enrolment)
            logger.info(
                "%s: enrolled at %s until %s", self._settings.task, self._settings.gateway_url, enrolment.not_after
            )
            return enrolment

    async def _ask(self) -> Enrolment:
        try:
            token = self._settings.token_file.read_text().strip()  # read each time: the kubelet renews it
        except OSError as error:
            raise GatewayError(f"token {self._settings.token_file}: {error.strerror}") from error
        response = await self._request(
            "POST",
            "/api/v1alpha1/enroll",
            token,
            json={"protocolVersions": PROTOCOL_VERSIONS, "sidecarVersion": __version__},
        )
        return _enrolment(response, self._clock())

    async def report(self, report: Report) -> None:
        """Raises GatewayError."""
        await self._call("PATCH", "/api/v2/workspaceagents/me/app-status", json=report.body())

    async def store_outputs(self, values: Mapping[str, str]) -> None:
        """Adds to the Task's outputs, or replaces their values. Raises GatewayError."""
        await self._call("PATCH", "/api/v1alpha1/outputs", json=task_outputs.body(values))

    async def upload(self, body: bytes) -> None:
        """Replaces the last snapshot. Raises GatewayError."""
        await self._call(
            "POST",
            f"/api/v2/workspaceagents/me/tasks/{self._settings.task_uid}/log-snapshot?format=agentapi",
            content=body,
            headers={"Content-Type": "application/json"},
        )

    async def _call(self, method: str, path: str, **arguments: Any) -> None:
        enrolment = self._enrolment
        if enrolment is None:
            raise GatewayError("not enrolled yet")
        try:
            await self._request(method, path, enrolment.token, **arguments)
        except GatewayError as error:
            if error.status != 401:
                raise
            renewed = await self._enrol_instead_of(enrolment)
            await self._request(method, path, renewed.token, **arguments)

    async def _enrol_instead_of(self, refused: Enrolment) -> Enrolment:
        async with self._enrolling:
            if self._enrolment is not None and self._enrolment is not refused:
                return self._enrolment
            return await self._enrol()

    async def _request(self, method: str, path: str, token: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | arguments.pop("headers", {})
        try:
            response = await self._client.request(method, path, headers=headers, **arguments)
        except httpx.HTTPError as error:
            raise GatewayError(f"{self._settings.gateway_url}: {str(error) or type(error).__name__}") from error
        if response.is_success:
            return response
        raise GatewayError(
            f"{method} {path.partition('?')[0]}: {response.status_code} {_reason(response)}",
            status=response.status_code,
            retry_after=_retry_after(response),
        )


def _reason(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.reason_phrase
    for name in ("message", "detail", "title"):
        if isinstance(body, dict) and isinstance(body.get(name), str):
            return str(body[name])[:300]
    return response.reason_phrase


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdecimal() else None


def _enrolment(response: httpx.Response, now: datetime.datetime) -> Enrolment:
    try:
        match response.json():
            case {
                "protocolVersion": 1,
                "certificate": str(certificate),
                "privateKey": str(private_key),
                "notAfter": str(not_after),
                "key": str(key),
                "token": str(token),
                "prompt": str(prompt),
                "promptSHA256": str(prompt_sha256),
            } if key and token:
                expires = datetime.datetime.fromisoformat(not_after)
            case _:
                raise GatewayError("the gateway's answer to the enrolment is incomplete")
    except ValueError as error:
        raise GatewayError(f"the gateway's answer to the enrolment is malformed: {error}") from error
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=datetime.UTC)
    if hashlib.sha256(prompt.encode(errors="replace")).hexdigest() != prompt_sha256.lower():
        raise GatewayError("the prompt is not the one that the build was made for", status=409)
    return Enrolment(certificate, private_key, now, expires, key, token, prompt, prompt_sha256.lower())
