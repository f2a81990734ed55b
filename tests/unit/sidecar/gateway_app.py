"""A small gateway for the tests: the real contract over real TLS, on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unit.sidecar.authority import Authority

POD_UID = "5f0e1d52-7d0e-4f6e-9a52-0c1f3c7b9a10"
TASK_UID = "0b1c9a4e-4d8f-4b57-8e0a-3f1b2c3d4e5f"
TOKEN = "service-account-token"


class GatewayApp:
    """Set `prompt`, `life`, `refusals` (answers given to the next enrolments) and read `reports`, `outputs`
    and `snapshots`."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.authority = authority
        self.key = secrets.token_hex(32)
        self.token = f"team/shell-1/{POD_UID}.{self.key}"
        self.prompt = ""
        self.life = datetime.timedelta(hours=1)
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.failures: list[int] = []
        self.enrolments: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.outputs: list[list[dict[str, str]]] = []
        self.seen_statuses: list[int] = []
        issued = authority.issue("127.0.0.1")
        self._pem = folder / "gateway.pem"
        self._pem.write_text(issued.private_key + issued.certificate)
        self._port = 0
        self._app = Starlette(
            routes=[
                Route("/api/v1alpha1/enroll", self._enrol, methods=["POST"]),
                Route("/api/v2/workspaceagents/me/app-status", self._status, methods=["PATCH"]),
                Route("/api/v1alpha1/outputs", self._outputs, methods=["PATCH"]),
                Route("/api/v2/workspaceagents/me/tasks/{task}/log-snapshot", self._snapshot, methods=["POST"]),
            ]
        )

    @property
    def last_report(self) -> dict[str, Any]:
        """Empty before the first."""
        return self.reports[-1] if self.reports else {}

    def _serve(self) -> None:
        asyncio.run(self._server.serve())

    def start(self) -> None:
        """Starts to serve; after a stop, at the same address."""
        configured = uvicorn.Config(
            self._app,
            host="127.0.0.1",
            port=self._port,
            log_config=None,
            lifespan="off",
            ssl_certfile=str(self._pem),
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(configured)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the tests' gateway did not start"
            time.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    async def _enrol(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"message": "the token is not valid for audience taskyard"}, 401)
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return JSONResponse({"message": "ask again"}, status, headers)
        self.enrolments.append(await request.json())
        issued = self.authority.issue(POD_UID, self.life)
        return JSONResponse(
            {
                "protocolVersion": 1,
                "certificate": issued.certificate,
                "privateKey": issued.private_key,
                "notAfter": issued.not_after.isoformat().replace("+00:00", "Z"),
                "key": self.key,
                "token": self.token,
                "prompt": self.prompt,
                "promptSHA256": hashlib.sha256(self.prompt.encode()).hexdigest(),
                "task": {"namespace": "team", "name": "shell", "uid": TASK_UID},
                "build": {"name": "shell-1", "number": 1},
            }
        )

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.seen_statuses.append(401)
            return JSONResponse({"message": "unknown key"}, 401)
        if self.failures:
            status = self.failures.pop(0)
            self.seen_statuses.append(status)
            return JSONResponse({"message": "not now"}, status)
        return None

    async def _status(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        self.reports.append(await request.json())
        return JSONResponse({"message": "ok"})

    async def _outputs(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        self.outputs.append((await request.json())["outputs"])
        return JSONResponse({})

    async def _snapshot(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.body()
        assert request.path_params["task"] == TASK_UID
        assert dict(request.query_params) == {"format": "agentapi"}
        assert len(body) <= 65_536
        self.snapshots.append(await request.json())
        return Response(status_code=204)
