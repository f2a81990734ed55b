"""What a request in progress tells about itself, for its line in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Scope

from taskyard.gateway.audit.line import Text, Verb, Who, who

_KEY = "taskyard.act"


@dataclass
class Act:
    """The facts so far. `verb` stands for that of the route once it is known better; `also` writes one more line about
    this request at once, for what begins while it is being answered."""

    request: str
    who: Who | None = None
    verb: Verb | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    text: Text | None = None
    input: str | None = None
    reason: str = ""
    also: Callable[[Verb], None] = field(default=lambda verb: None, repr=False)

    def by(self, user: str, uid: str, groups: Sequence[str]) -> None:
        """Who does it."""
        self.who = who(user, uid, groups)

    def on(self, namespace: str | None, name: str | None, uid: str | None) -> None:
        """The Task, or what is known of it."""
        self.namespace, self.name, self.uid = namespace, name, uid

    def says(self, text: str) -> None:
        """The prompt or the message."""
        self.text = Text.of(text)


def begin(scope: Scope, act: Act) -> None:
    """From now on `act` is that of the request."""
    scope[_KEY] = act


def of(request: Request) -> Act:
    """The request's act. Outside the REST API, where nothing is audited, one that nobody reads."""
    found: Act = request.scope.setdefault(_KEY, Act(request=""))
    return found
