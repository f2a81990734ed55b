"""The gateway's metrics. Labels take values from bounded sets only: never a name, an address or a token."""

import re
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskyard import __version__
from taskyard.api.vocabulary import InputReason, State
from taskyard.httpconnection import UPGRADE, Upgraded

TYPE = "text/plain; version=0.0.4; charset=utf-8"

ENROLL, REPORT, OUTPUTS, SNAPSHOT, OTHER = "enroll", "app-status", "outputs", "log-snapshot", "other"
# What is bounded besides rates (docs/operations.md).
BOUNDS = ("answer", "body", "event", "list", "log", "message", "name", "query")
# What memory is held for.
HELD = ("answers", "bodies", "conversations", "events", "logs", "prompts", "rights", "tokens")
ACCEPTED, REFUSED, LIMITED, FAILED = "accepted", "refused", "limited", "failed"
# What became of a line of the audit log.
WRITTEN, LEFT_OUT, LOST = "written", "left_out", "lost"

_ROUTES = (
    (re.compile(r"/api/v1alpha1/enroll"), ENROLL),
    (re.compile(r"/api/v2/workspaceagents/me/app-status"), REPORT),
    (re.compile(r"/api/v1alpha1/outputs"), OUTPUTS),
    (re.compile(r"/api/v2/workspaceagents/me/tasks/[^/]+/log-snapshot"), SNAPSHOT),
    # For people.
    (re.compile(r"/api/v2/tasks"), "tasks"),
    (re.compile(r"/api/v2/tasks/[^/]+"), "create"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+"), "task"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+/input"), "input"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+/send"), "send"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+/logs"), "logs"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+/pause"), "pause"),
    (re.compile(r"/api/v2/tasks/[^/]+/[^/]+/resume"), "resume"),
    (re.compile(r"/api/v1alpha1/tasks"), "tasks"),
    (re.compile(r"/api/v1alpha1/tasks/watch"), "watch"),
    (re.compile(r"/api/v1alpha1/tasks/[^/]+/[^/]+/events"), "events"),
    (re.compile(r"/api/v1alpha1/tasks/[^/]+/[^/]+/inputs"), "inputs"),
    (re.compile(r"/api/v1alpha1/tasks/[^/]+/[^/]+/builds"), "builds"),
    (re.compile(r"/openapi\.json|/docs"), "documentation"),
    (re.compile(r"/api/v2/workspaces|/api/v2/users/[^/]+/workspace/[^/]+"), "workspace"),
    (re.compile(r"/api/v2/(users|organizations|templates|templateversions)(/.*)?"), "lookup"),
    (re.compile(r"/api/v2/(workspaces|workspacebuilds)/[^/]+(/logs)?"), "workspace"),
)
_ENROLMENTS = {200: ACCEPTED, 401: REFUSED, 403: REFUSED, 409: "early", 429: LIMITED}
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1024, 4096, 8192, 16_384, 32_768, 65_536)


class Metrics:
    """All metrics of one gateway process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge(
            "taskyard_build_info", "Always 1; the label is the version.", ["component", "version"], registry=registry
        ).labels("gateway", __version__).set(1)
        self._requests = Counter(
            "taskyard_gateway_requests", "Requests of sidecars and people.", ["route", "code"], registry=registry
        )
        self._seconds = Histogram(
            "taskyard_gateway_request_duration_seconds",
            "From a request's head to its response.",
            ["route"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self.streams = Gauge(
            "taskyard_gateway_streams",
            "Open event streams and websockets.",
            registry=registry,
        )
        self._enrolments = Counter(
            "taskyard_gateway_enrolments",
            "Enrolments; early ones are retried, since the operator has not recorded the Pod yet.",
            ["result"],
            registry=registry,
        )
        self._reviews = Counter("taskyard_gateway_token_reviews", "Token reviews.", ["result"], registry=registry)
        self._reports = Counter(
            "taskyard_gateway_reports", "State reports of agents that were stored.", ["state"], registry=registry
        )
        self._snapshot_bytes = Histogram(
            "taskyard_gateway_snapshot_bytes",
            "Sizes of the snapshots that were stored.",
            registry=registry,
            buckets=_SIZES,
        )
        self._snapshots_refused = Counter(
            "taskyard_gateway_snapshots_refused",
            "Snapshots that the API server refused, by the reason of the condition ConversationStored.",
            ["reason"],
            registry=registry,
        )
        self._inputs_refused = Counter(
            "taskyard_gateway_inputs_refused",
            "Inputs that were refused since as many as may wait already do, for the Task or in the namespace.",
            ["bound"],
            registry=registry,
        )
        self._api_requests = Counter(
            "taskyard_api_requests",
            "Requests to the API server; code is none when no response came.",
            ["component", "verb", "code"],
            registry=registry,
        )
        self._bounds = Counter(
            "taskyard_gateway_bounds_reached",
            "Times that a bound refused a request, or shortened an answer.",
            ["bound"],
            registry=registry,
        )
        self._held = Gauge(
            "taskyard_gateway_held_bytes",
            "Bytes that caches, and requests in progress, hold in memory, by what they are for.",
            ["what"],
            registry=registry,
        )
        self._audit_lines = Counter(
            "taskyard_gateway_audit_lines",
            "Lines of the audit log: written; left out, since too many were alike; lost, since nobody took them.",
            ["result"],
            registry=registry,
        )
        for result in (WRITTEN, LEFT_OUT, LOST):
            self._audit_lines.labels(result)
        for bound in BOUNDS:
            self._bounds.labels(bound)
        for what in HELD:
            self._held.labels(what)
        for result in (ACCEPTED, REFUSED, LIMITED, FAILED):
            self._reviews.labels(result)
        for result in (ACCEPTED, REFUSED, "early", LIMITED, FAILED):
            self._enrolments.labels(result)
        for state in State:
            self._reports.labels(state)
        for bound in InputReason:
            self._inputs_refused.labels(bound)
        for reason in ("QuotaExceeded", "GatewayForbidden", "ConfigMapRefused", "NameConflict"):
            self._snapshots_refused.labels(reason)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def api_request(self, verb: str, status: int) -> None:
        """A request to the API server was answered with `status`, or not at all for 0."""
        self._api_requests.labels("gateway", verb, str(status or "none")).inc()

    def token_reviewed(self, result: str) -> None:
        """A token was reviewed, or was not: `result` is accepted, refused, limited or failed."""
        self._reviews.labels(result).inc()

    def report_stored(self, state: str) -> None:
        """The state of an agent was written to its Task."""
        self._reports.labels(state).inc()

    def snapshot_stored(self, size: int) -> None:
        """A snapshot of `size` bytes was written."""
        self._snapshot_bytes.observe(size)

    def snapshot_refused(self, reason: str) -> None:
        """A snapshot was refused; `reason` is one of the table of refusals, or NameConflict."""
        self._snapshots_refused.labels(reason).inc()

    def input_refused(self, bound: InputReason) -> None:
        """An input was refused, for this reason."""
        self._inputs_refused.labels(bound).inc()

    def audit_line(self, result: str) -> None:
        """A line of the audit log was written, left_out or lost. May be called from any thread."""
        self._audit_lines.labels(result).inc()

    def bound_reached(self, bound: str) -> None:
        """One of the BOUNDS refused a request, or shortened an answer."""
        self._bounds.labels(bound).inc()

    def watch_bytes(self, what: str, read: Callable[[], float]) -> None:
        """Show what `read` returns as the bytes that are held for `what`, one of HELD."""
        self._held.labels(what).set_function(read)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered after `seconds`."""
        route = next((name for pattern, name in _ROUTES if pattern.fullmatch(path)), OTHER)
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if route == ENROLL:
            self._enrolments.labels(_ENROLMENTS.get(status, FAILED)).inc()


class Measured:
    """ASGI middleware that counts every response; a request without one counts as 499 (the client left) or, after an
    error, 500."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499
        # A stream counts as answered when it begins.
        streaming_since = 0.0

        def begin_stream() -> None:
            nonlocal streaming_since
            streaming_since = time.perf_counter()
            self._metrics.streams.inc()

        def taking_over() -> Upgraded:
            nonlocal status
            status = 101
            begin_stream()
            return take_over()

        if upgrade := scope.get("extensions", {}).get(UPGRADE):
            take_over: Callable[[], Upgraded] = upgrade["take_over"]
            upgrade["take_over"] = taking_over

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_stream(message):
                    begin_stream()
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            status = 500
            raise
        finally:
            if streaming_since:
                self._metrics.streams.dec()
            self._metrics.answered(scope["path"], status, (streaming_since or time.perf_counter()) - began)


def _is_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )
