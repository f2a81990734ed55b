"""The plain HTTP port 8486 for the kubelet: the sidecar's liveness, the agent's readiness, and the preStop hook."""

import asyncio
import hmac
import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from taskyard.sidecar.gateway.client import GatewayError
from taskyard.sidecar.gateway.reporter import SnapshotUploader
from taskyard.sidecar.session import Session

logger = logging.getLogger(__name__)

PRESTOP_TIMEOUT = 5.0
# The kubelet asks every two seconds and waits two: until the agent was ready for the first time, most of that is spent
# in one request, which is answered when it is. A start would take a second longer on average.
START_HOLD = 1.5
START_LOOK = 0.05


class Probes:
    """`not_ready` returns the reason why the agent cannot be reached, empty when it can. Only a caller with `hook_key`
    can announce the end of the Pod: others that reach the port, the agent among them, change nothing.
    """

    def __init__(self, not_ready: Callable[[], str], hook_key: str) -> None:
        self._not_ready = not_ready
        self._hook_key = hook_key
        self._snapshots: SnapshotUploader | None = None
        self._session: Session | None = None
        self._was_ready = False

    def enrolled(self, session: Session, snapshots: SnapshotUploader) -> None:
        """From now on there is a conversation to save, and a session to notify of the Pod's end."""
        self._session, self._snapshots = session, snapshots

    async def healthz(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, request: Request) -> Response:
        reason = self._not_ready()
        if reason and not self._was_ready:
            reason = await self._first_readiness()
        self._was_ready = self._was_ready or not reason
        return PlainTextResponse(f"{reason}\n", 503) if reason else PlainTextResponse("ok\n")

    async def _first_readiness(self) -> str:
        """Returns when the agent is ready, or after START_HOLD why it is not."""
        for _ in range(round(START_HOLD / START_LOOK)):
            if not self._not_ready():
                break
            await asyncio.sleep(START_LOOK)
        return self._not_ready()

    async def prestop(self, request: Request) -> Response:
        """Succeeds even if the snapshot fails: a failed hook would only cause an event that nobody can act on."""
        given = request.headers.get("authorization", "").encode()
        if not self._hook_key or not hmac.compare_digest(given, f"Bearer {self._hook_key}".encode()):
            return PlainTextResponse("only for the kubelet\n", 403)
        if self._session is None or self._snapshots is None:
            return PlainTextResponse("nothing to keep\n")
        self._session.end()
        try:
            async with asyncio.timeout(PRESTOP_TIMEOUT):
                await self._snapshots.take_now()
        except (GatewayError, TimeoutError) as error:
            logger.warning("snapshot before the stop not delivered: %s", str(error) or "timed out")
            return PlainTextResponse("snapshot not delivered\n")
        return PlainTextResponse("ok\n")


def application(probes: Probes) -> Starlette:
    return Starlette(
        routes=[
            Route("/healthz", probes.healthz, methods=["GET"]),
            Route("/readyz", probes.readyz, methods=["GET"]),
            Route("/prestop", probes.prestop, methods=["GET"]),
        ]
    )
