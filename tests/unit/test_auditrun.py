"""What the clients of the tests send is noted, and found if a gateway writes it into its log."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditrun import AuditRun
from taskyard.gateway.audit.line import encoded
from unit.gateway.audit.test_line import line

SECRET = "a word that is nobody's business"
CLEAN = encoded(line()).decode()


@pytest.fixture
def run() -> Iterator[AuditRun]:
    run = AuditRun()
    with run.searching():
        yield run


def answered(document: Any = None) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(200, json=document or {}))


def client(run: AuditRun, answer: Any = None) -> httpx.Client:
    return httpx.Client(base_url="https://gateway", transport=answered(answer), event_hooks=run.hooks())


def is_known(run: AuditRun) -> bool:
    return bool(run.faults([CLEAN.replace('"reason":null', f'"reason":"{SECRET}"')]))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"headers": {"Authorization": f"Bearer {SECRET}"}}, id="a token"),
        pytest.param({"headers": {"Coder-Session-Token": SECRET}}, id="a token in a header of its own"),
        pytest.param({"headers": {"Cookie": f"a=b; coder_session_token={SECRET}"}}, id="a token in a cookie"),
        pytest.param({"params": {"token": SECRET}}, id="a token in the query"),
        pytest.param({"json": {"input": SECRET, "name": "hello"}}, id="a prompt"),
        pytest.param({"json": {"content": SECRET}}, id="a message"),
        pytest.param({"json": {"input": [1, {SECRET: 2}]}}, id="a prompt of another type"),
        pytest.param({"json": SECRET}, id="a text alone"),
        pytest.param({"content": f'{{"input": "{SECRET}"'.encode()}, id="no JSON"),
        pytest.param({"json": {"kind": "Task", "spec": {"prompt": SECRET}}}, id="a Task"),
        pytest.param({"json": {"kind": "TaskInput", "spec": {"content": SECRET}}}, id="a TaskInput"),
        pytest.param({"json": {"spec": {"prompt": SECRET}}}, id="a patch"),
        pytest.param({"json": {"kind": "Secret", "stringData": {"value": SECRET}}}, id="a Secret"),
        pytest.param(
            {"json": {"kind": "Secret", "data": {"value": base64.b64encode(SECRET.encode()).decode()}}},
            id="a Secret in base64",
        ),
        pytest.param(
            {"json": {"kind": "ConfigMap", "data": {"a": json.dumps({"messages": [{"content": SECRET}]})}}},
            id="a snapshot",
        ),
    ],
)
def test_what_is_sent_is_noted(run: AuditRun, sent: dict[str, Any]) -> None:
    assert not is_known(run)
    client(run).post("/tasks/me", **sent)
    assert is_known(run)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v1/namespaces/a/serviceaccounts/b/token", {"status": {"token": SECRET}}),
        ("/api/v1alpha1/enroll", {"token": f"team/hello-1/{SECRET}"}),
        ("/api/v1alpha1/enroll", {"token": "", "key": SECRET}),
        ("/api/v1alpha1/enroll", {"privateKey": SECRET}),
    ],
)
def test_what_is_handed_out_is_noted(run: AuditRun, path: str, answer: Any) -> None:
    client(run, answer).post(path)
    assert is_known(run)


def test_names_are_no_secrets(run: AuditRun) -> None:
    document = {"kind": "Task", "metadata": {"name": "fix-the-build", "namespace": "team-of-seven"}, "spec": {}}
    client(run).post("/tasks/me", json=document, headers={"Authorization": "Bearer team-of-seven/fix-the-build-1/x.y"})
    run.note_manifests(json.dumps(document))
    assert len(run.secrets) == 0


def test_manifests_for_kubectl_are_noted(run: AuditRun) -> None:
    run.note_manifests(f"kind: Task\nspec: {{}}\n---\nkind: TaskInput\nspec:\n  content: |\n    {SECRET}\n")
    assert is_known(run)


def test_what_an_agent_says_is_noted(run: AuditRun) -> None:
    run.note_document(json.dumps({"id": 0, "role": "agent", "message": SECRET, "time": ""}))
    assert is_known(run)


def test_nothing_is_noted_while_nothing_is_searched() -> None:
    run = AuditRun()
    client(run).post("/tasks/me", json={"input": SECRET})
    run.note_manifests(f"spec: {{prompt: {SECRET}}}")
    run.note_document({"prompt": SECRET})
    assert len(run.secrets) == 0


def test_a_line_with_what_was_sent_fails_the_run_once_it_is_written(run: AuditRun, tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    run.watch(log)
    run.search()
    client(run).post("/tasks/me", json={"input": SECRET})
    log.write_text(CLEAN)
    run.search()
    assert run.acts == {("delete", "allowed"): 1}
    planted = CLEAN.replace('"name":"hello"', f'"name":"{base64.b64encode(SECRET.encode()).decode()}"')
    with log.open("a") as file:
        file.write(planted[:200])
        file.flush()
        run.search()
        file.write(planted[200:])
    with pytest.raises(AssertionError, match="is a part of a secret"):
        run.search()
    run.search()


def test_what_is_written_at_the_very_end_is_searched_too(tmp_path: Path) -> None:
    run, log = AuditRun(), tmp_path / "gateway.log"
    with pytest.raises(AssertionError, match="not a line of the audit log"), run.searching():
        run.watch(log)
        log.write_text(CLEAN[:100] + "\n")
