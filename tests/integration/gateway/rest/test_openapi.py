"""The OpenAPI document against the gateway: generated requests of its operations, with and without a token."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from auditrun import RUN
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import Agent, RestNamespace
from integration.gateway.rest.test_events import say
from localcluster.locations import REPOSITORY
from taskyard.core.security.keyring import Keyring

FILE = REPOSITORY / "docs" / "openapi.json"
DOCUMENT = json.loads(FILE.read_text())
OPERATIONS = [result.ok() for result in schemathesis.openapi.from_path(FILE).get_all_operations()]
STREAMS = ("watch", "events")
# Pausing waits a second for an operator, and there is none here.
SLOW = (*STREAMS, "pauseTask")
EXAMPLES, EXAMPLES_OF_SLOW, EXAMPLES_WITHOUT_A_TOKEN = 15, 4, 5
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@dataclass(frozen=True)
class Place:
    """A namespace with an active Task, its URL, and the existing values of each path parameter."""

    url: str
    authority: str
    tokens: dict[str, str]
    names: dict[str, list[str]]


@pytest.fixture(scope="module")
def place(
    admin: Administrator, gateway: Gateway, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    name = f"made-up-{uuid.uuid4().hex[:8]}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    admin.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    ns, agent = RestNamespace(admin, gateway, keyring, name), Agent()
    agent.answers["/messages"] = 200, {"messages": [{"id": 0, "role": "agent", "content": "hi", "time": ""}]}
    agent.answers["/events"] = say((0, "agent", "hi"))
    pod = ns.running_task(address=agent.address)
    ns.task("doomed")
    uid = ns.owner.get("/tasks/me/hello").json()["id"]
    build = ns.owner.get(ns.url("/tasks/me/hello/builds")).json()["builds"][0]["id"]
    authority: Path = tmp_path_factory.mktemp("authority") / "ca.crt"
    authority.write_text(keyring.authority.certificate_pem)
    names = {
        "user": ["me", name],
        "task": ["hello", uid],
        "organization": ["default"],
        "namespace": ["me", name],
        "name": ["shell"],
        "template": ["shell"],
        "version": ["shell-v1", ns.version["metadata"]["uid"]],
        "workspace": [uid],
        "build": [build],
    }
    tokens = {role: ns.token(role) for role in ("owner",)}
    url = f"https://localhost:{gateway.people_port}"
    with agent.serving(keyring, pod):
        yield Place(url, str(authority), {**tokens, "nobody": ""}, names)
    ns.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"])
@pytest.mark.parametrize("role", ["owner", "nobody"])
def test_made_up_requests_get_documented_answers(place: Place, role: str, operation: Any) -> None:
    name = operation.definition.raw["operationId"]
    most = EXAMPLES_OF_SLOW if name in SLOW else EXAMPLES
    both = st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    real = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in place.names.items()})
    headers = {"Authorization": f"Bearer {place.tokens[role]}"} if place.tokens[role] else {}

    @hypothesis.seed(20)
    @settings(
        max_examples=most if role == "owner" else EXAMPLES_WITHOUT_A_TOKEN,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=both, known=st.sampled_from([True, True, True, False]), names=real)
    def ask(case: Any, known: bool, names: dict[str, str]) -> None:
        if known:
            # Almost no generated name exists.
            case.path_parameters = {name: names[name] for name in case.path_parameters or {}}
            if isinstance(case.body, dict) and "template_version_id" in case.body:
                case.body["template_version_id"] = names["version"]
        if case.method.upper() == "DELETE" and known:
            # The other cases use the existing one.
            case.path_parameters["task"] = "doomed"
        if name in STREAMS and case.query is not None:
            case.query["timeout_seconds"] = 1
        RUN.note_document(case.body)
        answer = case.call(base_url=place.url, session=session, headers=headers, verify=place.authority)
        assert answer.status_code != 500, answer.text
        if not headers and operation.definition.raw.get("security") != []:
            assert answer.status_code == 401
        case.validate_response(answer, checks=CHECKS)

    with requests.Session() as session:
        session.trust_env = False
        ask()


def test_the_document_is_served_to_everybody(place: Place) -> None:
    answer = requests.get(f"{place.url}/openapi.json", verify=place.authority, timeout=10)
    assert answer.json() == DOCUMENT
    assert answer.headers["content-type"] == "application/json"


def test_the_page_is_served_to_everybody_and_fetches_nothing(place: Place) -> None:
    answer = requests.get(f"{place.url}/docs", verify=place.authority, timeout=10)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in DOCUMENT["paths"]:
        assert path in answer.text
