"""Requests that no route has: logged at debug level, so that an operator sees what a client misses."""

import logging
import re
from collections.abc import Callable

# The same route is logged again after that time, and so many routes are remembered, and logged, in it.
SECONDS = 60.0
MAX_ROUTES = 64

_MAX_SEGMENTS = 12
# What follows one of these words is a name that a user chose, though it may look like a word of a route.
_NAMES = {
    "groups": ("group",),
    "members": ("user",),
    "organizations": ("organization",),
    "tasks": ("user", "task"),
    "templates": ("template",),
    "templateversions": ("version",),
    "users": ("user",),
    "versions": ("version",),
    "workspace": ("workspace",),
    "workspacebuilds": ("build",),
    "workspaces": ("workspace",),
}
# Any other word may be a name or a secret, however much it looks like a word of a route.
_WORDS = frozenset(
    """
    access agents ai api app-status appearance apps audit auth authcheck autofill autostart autoupdates
    buildinfo builds cancel chats config connection containers coordinate debug default deployment
    dynamic-parameters entitlements evaluate experiments extend external-auth favorite files gitsshkey groups
    healthz host icons inbox input inputs insights jobs keys licenses listening-ports livez log-snapshot login
    logout logs manifest me members metadata metrics notifications oauth2 organizations parameters password
    pause port-share preferences presets profile provisionerdaemons provisionerjobs provisionerkeys pty queue
    readyz regions replicas resources resume rich-parameters roles rpc send settings share ssh state stats
    status stream system tasks templates templateversions timings tokens ttl updatecheck upload usage users
    variables versions watch watch-ws workspace workspaceagents workspacebuilds workspaceproxies workspaces
    """.split()  # noqa: SIM905 - ninety lines otherwise
)
_VERSION = re.compile(r"v\d{1,3}(?:(?:alpha|beta)\d{1,3})?")
_METHOD = re.compile(r"[A-Z]{1,16}")

logger = logging.getLogger(__name__)


class MissedRoutes:
    """Logs each route at most once in a minute, and at most 64 routes in a minute, whatever is asked for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._logged: dict[str, float] = {}
        self._overflow = float("-inf")

    def missed(self, method: str, path: str) -> None:
        """No route has this request; `path` is without the query."""
        if not logger.isEnabledFor(logging.DEBUG):
            return
        now = self._monotonic()
        route = f"{method if _METHOD.fullmatch(method) else '?'} {normalized(path)}"
        if now - self._logged.get(route, float("-inf")) < SECONDS:
            return
        self._logged = {known: at for known, at in self._logged.items() if now - at < SECONDS}
        if len(self._logged) < MAX_ROUTES:
            self._logged[route] = now
            logger.debug("no route for %s", route)
        elif now - self._overflow >= SECONDS:
            self._overflow = now
            logger.debug("no route for more than %d different requests: others are not logged for a while", MAX_ROUTES)


def normalized(path: str) -> str:
    """The path with whatever is no word of a route of this API or its model replaced: neither what users call their
    things nor a secret gets into the log, and the same route is the same text."""
    shown: list[str] = []
    names: tuple[str, ...] = ()
    for segment in path.split("/")[1:]:
        if len(shown) == _MAX_SEGMENTS:
            shown.append("…")
            break
        if names and segment:
            shown.append(f"{{{names[0]}}}")
            names = names[1:]
        elif not segment or segment in _WORDS or _VERSION.fullmatch(segment):
            shown.append(segment)
            names = _NAMES.get(segment, ())
        else:
            shown.append("{id}")
    return "/" + "/".join(shown)
