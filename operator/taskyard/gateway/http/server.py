"""The gateway's servers and their limits: sidecars and people over TLS, probes in plain HTTP."""

import ssl

from starlette.types import ASGIApp

from taskyard.httpserver import Admission, HttpServer

GRACE_SECONDS = 10
MAX_CONNECTIONS, MAX_CONNECTIONS_EACH = 512, 64

_PATIENCE = 10.0
_KEEP_ALIVE = 5


def server_for(
    app: ASGIApp,
    *,
    tls: ssl.SSLContext | None,
    most_each: int = MAX_CONNECTIONS_EACH,
    grace: int = GRACE_SECONDS,
) -> HttpServer:
    """A server for `app`. It accepts at most `most_each` connections from one address; when told to stop, requests in
    flight have `grace` seconds to end."""
    return HttpServer(
        app,
        admission=Admission(most=MAX_CONNECTIONS, most_each=most_each, group=lambda peer, _own: peer),
        tls=tls,
        patience=_PATIENCE,
        keep_alive=_KEEP_ALIVE,
        grace=grace,
    )
