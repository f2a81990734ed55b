"""Nothing that a person says, and no token, is in any line that a gateway writes, whatever route it is sent to."""

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.auditlog import lines_of
from integration.gateway.rest.rest_namespace import Agent, RestNamespace, paused
from integration.gateway.rest.test_events import say
from taskyard.core.security.keyring import Keyring
from taskyard.gateway.audit.line import Verb
from taskyard.gateway.rest.audited_routes import ROUTES

# In no name that Kubernetes allows, so that no object can be called so.
SECRET = "S3CRET"
EXAMPLES = 12

_numbers = itertools.count(1)


def secret() -> str:
    """A text that appears nowhere else."""
    return f"{SECRET}{next(_numbers)}x{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Place:
    """A namespace with Tasks of which one runs, one is paused, and its callers' tokens."""

    ns: RestNamespace
    gateway: Gateway
    tokens: dict[str, str]
    names: dict[str, list[str]]


@pytest.fixture(scope="module")
def place(admin: Administrator, gateway: Gateway, keyring: Keyring) -> Iterator[Place]:
    name = f"said-{uuid.uuid4().hex[:8]}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    admin.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    ns, agent = RestNamespace(admin, gateway, keyring, name), Agent()
    # What the agent says is as secret.
    said = {"messages": [{"id": 0, "role": "agent", "content": secret(), "time": ""}]}
    agent.answers["/messages"] = 200, said
    agent.answers["/events"] = say((0, "agent", secret()))
    pod = ns.running_task(address=agent.address)
    ns.task("calm", prompt=secret(), status=paused())
    ns.task("doomed", prompt=secret())
    uid = ns.owner.get("/tasks/me/hello").json()["id"]
    build = ns.owner.get(ns.url("/tasks/me/hello/builds")).json()["builds"][0]["id"]
    names = {
        "user": ["me", name],
        "task": ["hello", "calm", uid],
        "organization": ["default"],
        "namespace": ["me", name],
        "name": ["shell"],
        "template": ["shell"],
        "version": ["shell-v1"],
        "workspace": [uid],
        "build": [build],
    }
    tokens = {role: ns.token(role) for role in ("owner", "reader", "nobody")}
    with agent.serving(keyring, pod):
        yield Place(ns, gateway, tokens, names)
    ns.close()


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies of requests, valid and not, all of them with a secret in them."""

    def made(shape: str) -> bytes:
        text = secret()
        shapes: dict[str, Any] = {
            # A Task without a name is called after its prompt.
            "valid": {
                "input": text,
                "content": text,
                "template_version_id": "shell-v1",
                "name": f"task-{next(_numbers)}",
                "display_name": text,
            },
            "an answer": {"content": text, "answers": "q-1", "resume": True},
            "as every field": dict.fromkeys(("input", "content", "template_version_id", "name", "display_name"), text),
            "of other types": {"input": [text], "content": {text: text}, "type": text, "answers": text},
            "raw": {"content": text, "type": "raw"},
            "a command of two lines": {"content": f"/{text}\n{text}", "type": "control"},
            "too long": {"input": text * 3000, "content": text * 3000, "template_version_id": "shell-v1"},
            "NUL": {"input": f"{text}\0", "content": f"{text}\0", "template_version_id": "shell-v1"},
            "half of a pair": {"input": f"{text}\ud800", "content": f"{text}\ud800", "template_version_id": "shell-v1"},
            "an unknown field": {text: text},
            "text": text,
        }
        broken = {"no JSON": f'{{"input": "{text}"'.encode(), "no UTF-8": text.encode() + b"\xff", "NaN": b"[NaN]"}
        return broken[shape] if shape in broken else json.dumps(shapes[shape]).encode()

    names = ["valid", "an answer", "as every field", "of other types", "raw", "a command of two lines", "too long"]
    names += ["NUL", "half of a pair", "an unknown field", "text", "no JSON", "no UTF-8", "NaN"]
    return st.sampled_from(names).map(made)


@pytest.mark.parametrize(("method", "path"), [pytest.param(*route, id=" ".join(route)) for route in ROUTES])
def test_no_line_has_a_secret(place: Place, method: str, path: str) -> None:
    """Of each route: with a valid token or without, of a Task that is there or not, with secrets wherever text goes."""
    asked: list[tuple[int, str]] = []

    @hypothesis.seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        role=st.sampled_from(["owner", "owner", "reader", "nobody", "", "made up"]),
        misplaced=st.sampled_from(["", "", "", "path", "query", "request id"]),
        body=bodies(),
        data=st.data(),
    )
    def ask(role: str, misplaced: str, body: bytes, data: st.DataObject) -> None:
        token = place.tokens.get(role) or (secret() if role else "")
        known = {name: data.draw(st.sampled_from(values), label=name) for name, values in place.names.items()}
        if misplaced == "path":
            known = dict.fromkeys(known, secret())
        if method == "DELETE":
            known["task"] = "doomed"
        headers = {"X-Request-Id": token[:64] if misplaced == "request id" else f"ask-{uuid.uuid4().hex}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        query = {"timeout_seconds": "1"} if path.endswith(("/watch", "/events")) else {}
        if misplaced == "query":
            query |= {"q": secret(), "limit": secret(), "token": token}
        url = f"https://localhost:{place.gateway.people_port}{path.format(**known)}"
        with place.ns.client() as client:
            answer = client.request(method, url, headers=headers, params=query, content=body)
            assert answer.status_code != 500, answer.text
            asked.append((answer.status_code, answer.headers["X-Request-Id"]))

    ask()
    decision = ROUTES[method, path]
    # Lines without a token, and of what was asked too often, may be left out.
    expected = {identifier for status, identifier in asked if status not in (401, 429)}
    until = time.monotonic() + 2
    while True:
        log = place.gateway.log.read_text()
        lines = {line["request"]: line for line in lines_of(log)}
        # The last ones may still be on their way.
        if not isinstance(decision, Verb) or expected <= set(lines) or time.monotonic() > until:
            break
        time.sleep(0.05)
    assert SECRET.lower() not in log.lower()
    for token in place.tokens.values():
        for part in token.split("."):
            assert part not in log
    told = [identifier for _, identifier in asked if identifier in lines]
    if isinstance(decision, Verb):
        assert expected
        assert expected <= set(told), "every request of an audited route has its line"
    else:
        assert told == []
