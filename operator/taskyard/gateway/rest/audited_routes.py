"""Which routes are audited: a decision about each of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute

from taskyard.gateway.audit.line import Verb


@dataclass(frozen=True)
class NotAudited:
    """No line is written, for this reason."""

    reason: str


_STATE = NotAudited("it shows a Task's state and prompt, which clients ask for again and again, and no conversation")
_BUILD = NotAudited("it shows what starts and stops have done, and no conversation")
_CATALOG = NotAudited("it shows what Tasks can be created from")
_CALLER = NotAudited("it shows the caller to themselves, and which namespaces there are")
_PUBLIC = NotAudited("it shows the same to everybody, without a token")
_INCOMPLETE = NotAudited("it names no Task and always answers 400")

_TASK = "/api/v2/tasks/{user}/{task}"
_BEYOND = "/api/v1alpha1/tasks/{user}/{task}"
_TEMPLATES = "/api/v2/organizations/{organization}/templates"

ROUTES: Final[dict[tuple[str, str], Verb | NotAudited]] = {
    ("POST", "/api/v2/tasks/{user}"): Verb.CREATE,
    ("GET", "/api/v2/tasks"): _STATE,
    ("GET", "/api/v2/tasks/{user}/"): _INCOMPLETE,
    ("DELETE", "/api/v2/tasks/{user}/"): _INCOMPLETE,
    ("GET", _TASK): _STATE,
    ("DELETE", _TASK): Verb.DELETE,
    ("PATCH", f"{_TASK}/input"): Verb.CHANGE_PROMPT,
    ("POST", f"{_TASK}/pause"): Verb.PAUSE,
    ("POST", f"{_TASK}/resume"): Verb.RESUME,
    ("POST", f"{_TASK}/send"): Verb.SEND,
    ("GET", f"{_TASK}/logs"): Verb.READ_LOG,
    ("GET", "/api/v1alpha1/tasks"): _STATE,
    ("GET", f"{_BEYOND}/builds"): _BUILD,
    ("GET", "/api/v1alpha1/tasks/watch"): _STATE,
    # With the conversation, for those who may read it; to others it is `follow`.
    ("GET", f"{_BEYOND}/events"): Verb.READ_LOG,
    # What answers a question of the agent is `answer`.
    ("POST", f"{_BEYOND}/inputs"): Verb.QUEUE_INPUT,
    ("GET", f"{_BEYOND}/inputs"): Verb.READ_INPUTS,
    ("GET", "/api/v2/workspaces"): _STATE,
    ("GET", "/api/v2/workspaces/{workspace}"): _STATE,
    ("GET", "/api/v2/users/{user}/workspace/{task}"): _STATE,
    ("GET", "/api/v2/workspacebuilds/{build}"): _BUILD,
    ("GET", "/api/v2/workspacebuilds/{build}/logs"): _BUILD,
    ("GET", "/api/v2/templates"): _CATALOG,
    ("GET", "/api/v2/templates/{template}"): _CATALOG,
    ("GET", "/api/v2/templateversions/{version}"): _CATALOG,
    ("GET", "/api/v2/templateversions/{version}/presets"): _CATALOG,
    ("GET", _TEMPLATES): _CATALOG,
    ("GET", f"{_TEMPLATES}/{{name}}"): _CATALOG,
    ("GET", f"{_TEMPLATES}/{{namespace}}/{{name}}"): _CATALOG,
    ("GET", f"{_TEMPLATES}/{{name}}/versions/{{version}}"): _CATALOG,
    ("GET", f"{_TEMPLATES}/{{namespace}}/{{name}}/versions/{{version}}"): _CATALOG,
    ("GET", "/api/v2/organizations"): _CALLER,
    ("GET", "/api/v2/organizations/{organization}"): _CALLER,
    ("GET", "/api/v2/organizations/{organization}/members/{user}"): _CALLER,
    ("GET", "/api/v2/users/{user}"): _CALLER,
    ("GET", "/api/v2/users/{user}/organizations"): _CALLER,
    ("GET", "/api/v2/users/{user}/organizations/{organization}"): _CALLER,
    ("GET", "/api/v2/buildinfo"): _PUBLIC,
    ("GET", "/openapi.json"): _PUBLIC,
    ("GET", "/docs"): _PUBLIC,
}


def audited(routes: Iterable[Any]) -> dict[tuple[str, Callable[..., Any]], Verb]:
    """The verbs of the audited routes, by method and function. Raises KeyError for a route about which nothing has been
    decided."""
    found: dict[tuple[str, Callable[..., Any]], Verb] = {}
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            decision = ROUTES[method, route.path]
            if isinstance(decision, Verb):
                found[method, route.endpoint] = decision
    return found
