"""The bearer token of a request."""

from fastapi import Request

from taskyard.gateway.http.errors import HttpError

MAX_TOKEN_CHARACTERS = 8192


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer`, else of `Coder-Session-Token`. Raises HttpError 401 without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else request.headers.get("coder-session-token", "").strip()
    if not token or len(token) > MAX_TOKEN_CHARACTERS:
        raise HttpError(401, "A token is needed.", detail="Send it as `Authorization: Bearer <token>`.")
    return token
