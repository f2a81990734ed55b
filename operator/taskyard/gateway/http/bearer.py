"""The bearer token of a request."""

from fastapi import Request

from taskyard.gateway.http.errors import HttpError

MAX_TOKEN_CHARACTERS = 8192

_COOKIE = "coder_session_token"


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer`, else of `Coder-Session-Token`, else of the cookie with which clients open a
    websocket. Raises HttpError 401 without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else request.headers.get("coder-session-token", "").strip()
    if not token and request.headers.get("upgrade") and "origin" not in request.headers:
        # A browser says where a page comes from: no page may use a cookie of its visitor here.
        token = request.cookies.get(_COOKIE, "").strip()
    if not token or len(token) > MAX_TOKEN_CHARACTERS:
        raise HttpError(401, "A token is needed.", detail="Send it as `Authorization: Bearer <token>`.")
    return token
