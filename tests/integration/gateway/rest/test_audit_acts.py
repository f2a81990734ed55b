"""Each act of the audit log's schema: its line when it is allowed, and when it is refused, whoever is refused why."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.auditlog import Audit
from integration.gateway.rest.rest_namespace import Agent, RestNamespace, active, paused
from localcluster.locations import REPOSITORY
from taskyard.core.security.keyring import Keyring
from taskyard.gateway.audit.line import Text

SCHEMA = json.loads((REPOSITORY / "docs" / "audit.schema.json").read_text())
VERBS: list[str] = SCHEMA["$defs"]["Verb"]["enum"]
PAGE = (REPOSITORY / "docs" / "audit.md").read_text()

INPUTS, EVENTS = "/api/v1alpha1/tasks/me/hello/inputs", "/api/v1alpha1/tasks/me/hello/events?timeout_seconds=1"
TEXT = "mend what is broken since Tuesday"

Object = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """The request that is an act, of a Task called hello; by whom and with which status it is allowed. `early` is the
    verb in the line of whom the path alone is refused, before what decides between two verbs is known."""

    method: str
    path: str
    status: int
    body: Object | None = None
    text: str | None = None
    by: str = "owner"
    early: str = ""
    # The status of whom the namespace shows nothing, and why; and of who may see the Task, but not do this.
    nobody: int = 404
    cause: str = "The user has no right to get tasks."
    reader: int = 404
    running: bool = False
    task: Object = field(default_factory=paused)


ACTS = {
    "create": Act(
        "POST",
        "/tasks/me",
        201,
        {"template_version_id": "shell-v1", "input": TEXT, "name": "made"},
        text=TEXT,
        nobody=400,
        cause="Template version not found or you do not have access to this resource",
    ),
    "delete": Act("DELETE", "/tasks/me/hello", 202, reader=403),
    "pause": Act("POST", "/tasks/me/hello/pause", 202, reader=403, task=active("none")),
    "resume": Act("POST", "/tasks/me/hello/resume", 202, reader=403),
    "change-prompt": Act("PATCH", "/tasks/me/hello/input", 204, {"input": TEXT}, text=TEXT, reader=403),
    "send": Act("POST", "/tasks/me/hello/send", 204, {"input": TEXT}, text=TEXT, running=True),
    "queue-input": Act("POST", INPUTS, 201, {"content": TEXT}, text=TEXT, reader=403),
    "answer": Act("POST", INPUTS, 201, {"content": TEXT, "answers": "q-1"}, text=TEXT, reader=403, early="queue-input"),
    "read-log": Act("GET", "/tasks/me/hello/logs", 200),
    "read-inputs": Act("GET", INPUTS, 200),
    # Whoever may see the Task may follow it: the reader is not refused.
    "follow": Act("GET", EVENTS, 200, by="reader", reader=0, early="read-log"),
}


@pytest.fixture
def audit(gateway: Gateway) -> Audit:
    return Audit(gateway)


@pytest.fixture
def place(ns: RestNamespace, keyring: Keyring, verb: str) -> Iterator[RestNamespace]:
    """The namespace with the Task in the state in which the act is possible."""
    if not ACTS[verb].running:
        ns.task(status=ACTS[verb].task)
        yield ns
        return
    agent = Agent()
    with agent.serving(keyring, ns.running_task(address=agent.address)):
        yield ns


def line_of(act: Act, audit: Audit, ns: RestNamespace, role: str) -> Object:
    """The one line of the request by a service account, or without a token."""
    client = ns.as_(role) if role else ns.client()
    url = ns.url(act.path.removeprefix("/api/v1alpha1")) if act.path.startswith("/api/") else act.path
    options = {"json": act.body} if act.body else {}
    lines: list[Object] = []
    # Of requests without a token some are left out, and other tests make many of them.
    for _ in range(1 if role else 10):
        answer, lines = audit.of(client, act.method, url, **options)
        if lines:
            break
        time.sleep(1.1)
    assert [line["status"] for line in lines] == [answer.status_code]
    return lines[0]


def account(ns: RestNamespace, role: str) -> str:
    return f"system:serviceaccount:{ns.name}:{role}"


def test_every_act_of_the_schema_and_of_the_page_is_tested() -> None:
    [row] = re.findall(r"^\| `verb` \|(.*)\|$", PAGE, re.MULTILINE)
    assert set(ACTS) == set(VERBS) == set(re.findall(r"`([a-z-]+)`", row))


@pytest.mark.parametrize("verb", VERBS)
def test_an_act_that_is_allowed_has_its_line(place: RestNamespace, audit: Audit, verb: str) -> None:
    act = ACTS[verb]
    line = line_of(act, audit, place, act.by)
    assert (line["verb"], line["outcome"], line["status"], line["reason"]) == (verb, "allowed", act.status, None)
    assert line["who"]["user"] == account(place, act.by)
    assert line["task"]["name"] == ("made" if verb == "create" else "hello")
    assert line["task"]["namespace"] == place.name
    assert line["text"] == (Text.of(act.text).model_dump() if act.text else None)


@pytest.mark.parametrize("verb", VERBS)
def test_an_act_of_somebody_without_rights_has_its_line(place: RestNamespace, audit: Audit, verb: str) -> None:
    act = ACTS[verb]
    line = line_of(act, audit, place, "nobody")
    assert (line["verb"], line["outcome"], line["status"]) == (act.early or verb, "refused", act.nobody)
    assert line["who"]["user"] == account(place, "nobody")
    assert line["reason"] == act.cause


@pytest.mark.parametrize("verb", [verb for verb in VERBS if ACTS[verb].reader])
def test_an_act_of_somebody_who_may_only_look_has_its_line(place: RestNamespace, audit: Audit, verb: str) -> None:
    act = ACTS[verb]
    line = line_of(act, audit, place, "reader")
    assert (line["verb"], line["outcome"], line["status"]) == (verb, "refused", act.reader)
    assert line["who"]["user"] == account(place, "reader")
    assert line["reason"]


@pytest.mark.parametrize("verb", VERBS)
def test_an_act_without_a_token_has_its_line(place: RestNamespace, audit: Audit, verb: str) -> None:
    act = ACTS[verb]
    line = line_of(act, audit, place, "")
    assert (line["verb"], line["outcome"], line["status"]) == (act.early or verb, "refused", 401)
    assert (line["who"], line["reason"]) == (None, "A token is needed.")
