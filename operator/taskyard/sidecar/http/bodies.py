"""Request bodies, bounded in size and time, and the error responses for them."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

BODY_TIMEOUT = 5.0
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
CLOSING = (408, 413)


class ProblemError(Exception):
    """An error response: its status, what is wrong, and the fields of the body that are at fault."""

    def __init__(
        self, status: int, detail: str, errors: list[dict[str, Any]] | None = None, *, close: bool = False
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors or []
        self.close = close or status in CLOSING

    def response(self, headers: dict[str, str] | None = None) -> Response:
        body: dict[str, Any] = {"title": TITLES.get(self.status, "Error"), "status": self.status, "detail": str(self)}
        if self.errors:
            body["errors"] = self.errors
        headers = {**(headers or {}), **({"Connection": "close"} if self.close else {})}
        return JSONResponse(body, self.status, headers, media_type="application/problem+json")


async def read(request: Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes that arrive within BODY_TIMEOUT seconds. Raises ProblemError."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise ProblemError(413, f"the body may hold at most {limit} bytes")
    except TimeoutError:
        raise ProblemError(408, f"the body did not arrive within {BODY_TIMEOUT:.0f} s") from None
    except ClientDisconnect:
        raise ProblemError(400, "the client went away") from None
    return bytes(body)
