"""The gateway's audit log: a line for each act of a person, and for each that is refused."""

import contextlib
import hashlib
import os
import resource
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import plainhttp
from auditrun import RUN
from auditsearch import Secrets, faults
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.auditlog import Audit, lines_of
from integration.gateway.rest.rest_namespace import RBAC, Agent, RestNamespace, active, paused
from integration.gateway.rest.stream import opened
from taskyard.core.security.keyring import Keyring

NOBODY = "The user has no right to get tasks."


@pytest.fixture
def audit(gateway: Gateway) -> Audit:
    return Audit(gateway)


@pytest.fixture
def agent(ns: RestNamespace, keyring: Keyring) -> Iterator[Agent]:
    agent = Agent()
    pod = ns.running_task(address=agent.address)
    with agent.serving(keyring, pod):
        yield agent


def account(ns: RestNamespace, role: str) -> str:
    return f"system:serviceaccount:{ns.name}:{role}"


def of_text(text: str) -> dict[str, Any]:
    return {"bytes": len(text.encode()), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def short(line: Any) -> tuple[Any, ...]:
    return line["verb"], line["outcome"], line["status"], line["reason"]


def test_the_life_of_a_task_is_told_line_by_line(ns: RestNamespace, audit: Audit) -> None:
    body = {"template_version_id": "shell-v1", "input": "für 🦊", "name": "hello"}
    answer, [made] = audit.of(ns.owner, "POST", "/tasks/me", json=body, headers={"X-Forwarded-For": "203.0.113.9"})
    uid = answer.json()["id"]
    who = made.pop("who")
    assert who["user"] == account(ns, "owner")
    assert who["uid"] == ns.admin.get(f"/api/v1/namespaces/{ns.name}/serviceaccounts/owner")["metadata"]["uid"]
    assert set(who["groups"]) >= {"system:serviceaccounts", f"system:serviceaccounts:{ns.name}", "system:authenticated"}
    assert made.pop("from") == {"address": "127.0.0.1", "forwarded_for": "203.0.113.9"}
    for varying in ("time", "request", "left_out"):
        del made[varying]
    task = {"namespace": ns.name, "name": "hello", "uid": uid}
    assert made == {
        "audit": "taskyard.dev/v1",
        "verb": "create",
        "task": task,
        "outcome": "allowed",
        "status": 201,
        "reason": None,
        "text": of_text("für 🦊"),
        "input": None,
    }

    ns.change("hello", paused())
    beyond = ns.url(f"/tasks/{ns.name}/hello")
    acts: list[tuple[str, Any, Any, tuple[Any, ...], str | None]] = [
        ("GET", "/tasks/me/hello/logs", None, ("read-log", "allowed", 200), None),
        ("PATCH", "/tasks/me/hello/input", {"input": "another"}, ("change-prompt", "allowed", 204), "another"),
        ("POST", f"{beyond}/inputs", {"content": "hi"}, ("queue-input", "allowed", 201), "hi"),
        ("POST", f"{beyond}/inputs", {"content": "y", "answers": "q-1"}, ("answer", "allowed", 201), "y"),
        ("GET", f"{beyond}/inputs", None, ("read-inputs", "allowed", 200), None),
        ("GET", f"{beyond}/events?timeout_seconds=1", None, ("read-log", "allowed", 200), None),
        # By its UID, for which the user of the path does not matter.
        ("POST", f"/tasks/nobody-else/{uid}/resume", None, ("resume", "allowed", 202), None),
        ("POST", "/tasks/me/HELLO/pause", None, ("pause", "allowed", 202), None),
        ("DELETE", "/tasks/me/hello", None, ("delete", "allowed", 202), None),
    ]
    for method, url, body, expected, text in acts:
        line = audit.one(ns.owner, method, url, json=body)
        assert short(line) == (*expected, None)
        assert line["task"] == task
        assert line["who"]["user"] == account(ns, "owner")
        assert line["text"] == (of_text(text) if text else None)
        if expected[0] in ("queue-input", "answer"):
            assert ns.admin.find(ns.workspace.path("taskinputs", line["input"]))
    by_all = [line["verb"] for line in lines_of(ns_log(ns)) if line["task"]["uid"] == uid]
    assert by_all == ["create", *(expected[0] for *_, expected, _ in acts)], "in their order"


def ns_log(ns: RestNamespace) -> str:
    return str(ns._gateway.log.read_text())


def test_a_message_that_is_sent(ns: RestNamespace, agent: Agent, audit: Audit) -> None:
    line = audit.one(ns.owner, "POST", "/tasks/me/hello/send", json={"input": "go on"})
    assert short(line) == ("send", "allowed", 204, None)
    assert line["text"] == of_text("go on")
    agent.answers["/status"] = 200, {"status": "running"}
    line = audit.one(ns.owner, "POST", "/tasks/me/hello/send", json={"input": "go on"})
    assert short(line) == ("send", "refused", 409, "Task app is not ready to accept input.")


def test_an_agent_that_does_not_answer_is_a_failure(ns: RestNamespace, audit: Audit) -> None:
    ns.running_task(address="127.0.0.9")
    line = audit.one(ns.owner, "POST", "/tasks/me/hello/send", json={"input": "go on"})
    assert short(line) == ("send", "failed", 502, "Failed to reach task app endpoint.")
    assert line["text"] == of_text("go on")


def test_an_object_that_the_gateway_makes_names_its_creator(ns: RestNamespace, audit: Audit) -> None:
    body = {"template_version_id": "shell-v1", "input": "x", "name": "by-me"}
    line = audit.one(ns.owner, "POST", "/tasks/me", json=body)
    made = ns.admin.get(ns.workspace.path("tasks", "by-me"))
    assert made["metadata"]["annotations"]["taskyard.dev/created-by"] == line["who"]["user"]
    line = audit.one(ns.owner, "POST", ns.url("/tasks/me/by-me/inputs"), json={"content": "hi"})
    made = ns.admin.get(ns.workspace.path("taskinputs", line["input"]))
    assert made["metadata"]["annotations"] == {"taskyard.dev/created-by": line["who"]["user"]}
    assert line["who"]["user"] == account(ns, "owner")


def test_a_denial_that_looks_like_absence_is_told_apart_from_it(ns: RestNamespace, audit: Audit) -> None:
    task = ns.task(status=paused())
    ns.task("other")
    stranger = ns.as_("nobody")
    gone = {"namespace": ns.name, "name": "gone", "uid": None}
    named = {"namespace": ns.name, "name": "hello", "uid": task["metadata"]["uid"]}
    for method, path in (("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("GET", "/logs")):
        line = audit.one(stranger, method, f"/tasks/me/hello{path}")
        assert short(line)[1:] == ("refused", 404, NOBODY)
        assert (line["task"], line["who"]["user"]) == (named, account(ns, "nobody"))
        line = audit.one(ns.owner, method, f"/tasks/me/gone{path}")
        assert short(line)[1:] == ("refused", 404, "There is no such Task.")
        assert line["task"] == gone
    line = audit.one(stranger, "DELETE", f"/tasks/me/{task['metadata']['uid']}")
    assert (line["task"], line["reason"]) == (named, NOBODY)
    other = str(uuid.uuid4())
    assert audit.one(stranger, "DELETE", f"/tasks/me/{other}")["task"]["uid"] == other


def test_each_right_that_is_missing_is_named(ns: RestNamespace, audit: Audit) -> None:
    ns.task("calm", status=paused())
    reader = ns.as_("reader")
    body = {"template_version_id": "shell-v1", "input": "x"}
    refused: list[tuple[str, str, Any, tuple[Any, ...]]] = [
        ("POST", "/tasks/me", body, ("create", "refused", 404, "The user has no right to create tasks.")),
        ("GET", "/tasks/me/calm/logs", None, ("read-log", "refused", 404, "The user has no right to get tasks/log.")),
        ("GET", ns.url("/tasks/me/calm/inputs"), None,
         ("read-inputs", "refused", 404, "The user has no right to list taskinputs.")),
        ("POST", "/tasks/me/calm/resume", None, ("resume", "refused", 403, "Forbidden.")),
        ("PATCH", "/tasks/me/calm/input", {"input": "x"}, ("change-prompt", "refused", 403, "Forbidden.")),
        ("DELETE", "/tasks/me/calm", None, ("delete", "refused", 403, "Forbidden.")),
        ("POST", ns.url("/tasks/me/calm/inputs"), {"content": "x"}, ("queue-input", "refused", 403, "Forbidden.")),
    ]  # fmt: skip
    for method, url, body_, expected in refused:
        line = audit.one(reader, method, url, json=body_)
        assert short(line) == expected
        assert line["who"]["user"] == account(ns, "reader")
    ns.change("calm", active("none"))
    line = audit.one(reader, "POST", "/tasks/me/calm/send", json={"input": "x"})
    assert short(line) == ("send", "refused", 404, "The user has no right to create taskinputs.")


def test_what_is_invalid_or_comes_at_the_wrong_time_is_told(ns: RestNamespace, audit: Audit) -> None:
    ns.task(status=active("none"))
    line = audit.one(ns.owner, "PATCH", "/tasks/me/hello/input", json={"input": "later"})
    assert short(line)[:3] == ("change-prompt", "refused", 409)
    assert line["text"] == of_text("later")
    for url, body in (("/tasks/me/hello/send", {"input": " "}), ("/tasks/me", {"input": 1}), ("/tasks/me", None)):
        line = audit.one(ns.owner, "POST", url, json=body)
        assert (line["outcome"], line["status"]) == ("refused", 400)
        assert line["reason"]
    line = audit.one(ns.owner, "POST", "/tasks/me", json={"template_version_id": "none", "input": "x"})
    assert line["reason"] == "Template version not found or you do not have access to this resource"


@pytest.mark.parametrize("token", ["", "made.up.token"])
def test_without_a_valid_token_nobody_did_it(ns: RestNamespace, audit: Audit, token: str) -> None:
    ns.task()
    client = ns.client(token)
    line = audit.one(client, "DELETE", f"/tasks/{ns.name}/hello")
    assert line["who"] is None
    assert short(line)[:3] == ("delete", "refused", 401)
    assert line["task"] == {"namespace": ns.name, "name": "hello", "uid": None}
    assert audit.one(client, "DELETE", "/tasks/me/hello")["task"]["namespace"] is None


def test_a_stream_of_somebody_who_may_not_read_the_log_becomes_a_read_once_they_may(
    ns: RestNamespace, audit: Audit
) -> None:
    ns.task(status=paused(1))
    identifier = f"stream-{uuid.uuid4().hex[:8]}"
    url = ns.url("/tasks/me/hello/events")
    with opened(ns.as_("reader"), url, X_Request_Id=identifier) as stream:
        stream.until("build")
        assert [line["verb"] for line in audit.lines(identifier)] == ["follow"]
        role = f"{RBAC}/namespaces/{ns.name}/roles/reader"
        rule = {"apiGroups": ["taskyard.dev"], "resources": ["tasks/log"], "verbs": ["get"]}
        ns.admin.patch(role, {"rules": [*ns.admin.get(role)["rules"], rule]})
        until = time.monotonic() + 20
        while len(found := audit.lines(identifier)) < 2:
            assert time.monotonic() < until, found
            time.sleep(0.2)
    assert [line["verb"] for line in found] == ["follow", "read-log"]


def test_looking_at_tasks_has_no_line_and_every_answer_has_an_identifier(ns: RestNamespace, audit: Audit) -> None:
    ns.task()
    for path in ("/tasks", "/tasks/me/hello", "/buildinfo", "/templates", "/no-such-route", ns.url("/tasks")):
        answer, lines = audit.of(ns.owner, "GET", path)
        assert (answer.headers["X-Request-Id"], lines) != ("", None)
        assert lines == [], path
    answer = ns.owner.put("/tasks/me/hello")
    assert answer.status_code == 405
    assert uuid.UUID(answer.headers["X-Request-Id"])


def test_what_is_refused_over_a_limit_is_told(
    admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, namespace: str
) -> None:
    limits = {"TASKYARD_MAX_QUEUED_PER_TASK": "1", "TASKYARD_PEOPLE_RATE": "1", "TASKYARD_PEOPLE_BURST": "40"}
    with fresh_gateway.serving(keyring, **limits) as gateway:
        ns, audit = RestNamespace(admin, gateway, keyring, namespace), Audit(gateway)
        ns.task()
        url = ns.url("/tasks/me/hello/inputs")
        ns.owner.post(url, json={"content": "one"})
        ns.wait(url, lambda answer: answer.json()["count"] == 1)
        line = audit.one(ns.owner, "POST", url, json={"content": "two"})
        assert short(line) == ("queue-input", "refused", 429, "Too many inputs are waiting.")
        assert line["text"] == of_text("two")
        answers = [ns.owner.delete("/tasks/me/gone") for _ in range(80)]
        too_many = sum(answer.status_code == 429 for answer in answers)
        assert too_many > 30
        end(gateway)
        lines = [line for line in lines_of(gateway.log.read_text()) if line["reason"] == "Too many requests."]
        assert 15 <= len(lines) <= 25, "with the burst of that user's share"
        assert all(line["who"]["user"] == account(ns, "owner") for line in lines)
        ns.close()


def end(gateway: Gateway) -> None:
    assert gateway.stop() == 0


def test_no_line_is_lost_at_the_end(own_ns: RestNamespace, own_gateway: Gateway) -> None:
    own_ns.task()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(own_ns.owner.delete, f"/tasks/me/gone-{number}") for number in range(200)]
        answers = [one.result() for one in asked[:150]]
        own_gateway.terminate()
        for one in asked[150:]:
            # After its end it refuses connections.
            with contextlib.suppress(httpx.TransportError):
                answers.append(one.result())
    own_gateway.wait()
    told = {line["request"] for line in lines_of(own_gateway.log.read_text())}
    assert {answer.headers["X-Request-Id"] for answer in answers} <= told
    assert len(answers) >= 150


def test_other_lines_of_the_gateway_are_no_json(own_ns: RestNamespace, own_gateway: Gateway) -> None:
    own_ns.owner.delete("/tasks/me/gone")
    end(own_gateway)
    lines = own_gateway.log.read_text().splitlines()
    assert [line for line in lines if line.startswith("{")] == [line for line in lines if '"audit"' in line]
    assert any("serving people" in line for line in lines if not line.startswith("{"))


def test_it_can_be_switched_off(admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, namespace: str) -> None:
    with fresh_gateway.serving(keyring, TASKYARD_AUDIT="false") as gateway:
        ns = RestNamespace(admin, gateway, keyring, namespace)
        ns.task()
        answer = ns.owner.delete("/tasks/me/hello", headers={"X-Request-Id": "still-there"})
        assert (answer.status_code, answer.headers["X-Request-Id"]) == (202, "still-there")
        ns.close()
        end(gateway)
    assert lines_of(fresh_gateway.log.read_text()) == []


@pytest.mark.parametrize("breaks", ["closed", "full"])
def test_a_broken_output_does_not_stop_the_gateway(
    admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, namespace: str, breaks: str
) -> None:
    """Whoever reads it is gone, or reads nothing more."""
    fresh_gateway.make_keys(keyring)
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as output:
        fresh_gateway.start(output=output, TASKYARD_PEOPLE_RATE="1000", TASKYARD_PEOPLE_BURST="10000")
    try:
        fresh_gateway.wait_until("/readyz", 200)
        ns = RestNamespace(admin, fresh_gateway, keyring, namespace)
        ns.task()
        if breaks == "closed":
            os.close(reading)
        slowest = 0.0
        for _ in range(150):
            began = time.monotonic()
            assert ns.owner.delete("/tasks/me/gone").status_code == 404
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 5
        if breaks == "closed":
            assert metric(fresh_gateway, "lost") >= 149
            assert "lines of the audit log are lost" in fresh_gateway.log.read_text()
        else:
            written = metric(fresh_gateway, "written")
            assert 50 < written < 150, "a pipe takes 64 KiB"
        assert fresh_gateway.probe("/healthz") == 200
        ns.close()
        if breaks == "full":
            heard = os.read(reading, 1 << 16)
            assert heard.startswith(b"20")
            os.close(reading)
    finally:
        fresh_gateway.end()


def test_a_full_disk_loses_whole_lines_and_stops_nobody(
    admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, namespace: str, tmp_path: Path
) -> None:
    """Its files may have no more bytes than they have, and a part of a line: that is a full disk to it."""
    fresh_gateway.make_keys(keyring)
    told = tmp_path / "told"
    RUN.watch(told)
    with told.open("ab") as output:
        fresh_gateway.start(output=output)
    try:
        fresh_gateway.wait_until("/readyz", 200)
        ns = RestNamespace(admin, fresh_gateway, keyring, namespace)
        asked: dict[str, list[str]] = {"before": [], "full": [], "after": []}

        def ask(when: str) -> None:
            for number in range(4):
                answer = ns.owner.delete(f"/tasks/me/gone-{number}")
                assert answer.status_code == 404
                asked[when].append(answer.headers["X-Request-Id"])

        ask("before")
        wait_until_written(fresh_gateway, 4)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(fresh_gateway.pid, resource.RLIMIT_FSIZE, (told.stat().st_size + 300, hard))
        ask("full")
        wait_until_written(fresh_gateway, 8)
        assert metric(fresh_gateway, "lost") == 4
        resource.prlimit(fresh_gateway.pid, resource.RLIMIT_FSIZE, (hard, hard))
        ask("after")
        ns.close()
        end(fresh_gateway)
    finally:
        fresh_gateway.end()
    assert faults(told.read_text().splitlines(), Secrets()) == []
    assert [line["request"] for line in lines_of(told.read_text())] == asked["before"] + asked["after"]


def wait_until_written(gateway: Gateway, number: int) -> None:
    """Returns once so many lines have been written or lost."""
    until = time.monotonic() + 10
    while (found := metric(gateway, "written") + metric(gateway, "lost")) < number:
        assert time.monotonic() < until, found
        time.sleep(0.02)


def metric(gateway: Gateway, result: str) -> float:
    text = plainhttp.get(f"http://127.0.0.1:{gateway.health_port}/metrics").text
    begin = f'taskyard_gateway_audit_lines_total{{result="{result}"}} '
    return next(float(line.removeprefix(begin)) for line in text.splitlines() if line.startswith(begin))
