"""However much is sent, asked for, or answered by a sidecar, the gateway holds a bounded number of bytes."""

from __future__ import annotations

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import plainhttp
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import NOT_FOUND, Agent, RestNamespace
from integration.gateway.rest.stream import opened
from taskyard.core.security.keyring import Keyring
from taskyard.sidecarclient import MESSAGES_BYTES

MIB = 1 << 20


def resident(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024


def bounds(gateway: Gateway, bound: str) -> float:
    """How often a bound was reached."""
    name = f'taskyard_gateway_bounds_reached_total{{bound="{bound}"}}'
    text = plainhttp.get(f"http://localhost:{gateway.health_port}/metrics").text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))


HOSTILE = "x" * 8000


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"/tasks/{HOSTILE}/hello", id="the namespace of a Task"),
        pytest.param(f"/tasks/me/{HOSTILE}", id="the name of a Task"),
        pytest.param("/tasks/me/a%20b", id="a name with a blank"),
        pytest.param(f"/tasks/me/{HOSTILE}/logs", id="a log"),
        pytest.param(f"/users/{HOSTILE}", id="a user"),
        pytest.param(f"/users/{HOSTILE}/workspace/hello", id="a workspace"),
        pytest.param(f"/templateversions/{HOSTILE}", id="a template version"),
    ],
)
def test_what_cannot_have_such_a_name_is_absent(own_ns: RestNamespace, own_gateway: Gateway, path: str) -> None:
    before = bounds(own_gateway, "name")
    answer = own_ns.as_("nobody").get(path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert bounds(own_gateway, "name") > before


def test_a_conversation_that_is_too_large_is_refused_and_its_messages_are_shortened(
    ns: RestNamespace, keyring: Keyring
) -> None:
    agent = Agent()
    pod = ns.running_task(address=agent.address)
    with agent.serving(keyring, pod):
        agent.answers["/messages"] = (200, b'{"messages":[' + b" " * MESSAGES_BYTES + b"]}")
        answer = ns.owner.get("/tasks/me/hello/logs")
        assert (answer.status_code, answer.json()["message"]) == (502, "Failed to get messages from task app.")
        assert "more than 12582912 bytes" in answer.json()["detail"]
        long = [{"id": number, "role": "agent", "content": "x" * 2 * MIB, "time": ""} for number in range(3)]
        agent.answers["/messages"] = (200, {"messages": long})
        answer = ns.owner.get("/tasks/me/hello/logs?offset=1&limit=1")
        [entry] = answer.json()["logs"]
        assert (entry["id"], len(entry["content"]) < MIB // 2) == (1, True)
        assert answer.links["next"]["url"].endswith("/tasks/me/hello/logs?limit=1&offset=2")


def test_many_large_conversations_at_once_are_read_in_turns(
    own_ns: RestNamespace, own_gateway: Gateway, keyring: Keyring
) -> None:
    """Sixteen requests for 28 MiB each took 448 MiB."""
    count, messages = 16, [{"id": number, "role": "agent", "content": "x" * MIB, "time": ""} for number in range(11)]
    agent = Agent()
    pod = own_ns.running_task(address=agent.address)
    agent.answers["/messages"] = (200, json.dumps({"messages": messages}).encode())
    highest = before = resident(own_gateway)
    with agent.serving(keyring, pod), ThreadPoolExecutor(count) as threads:
        asked = [threads.submit(own_ns.owner.get, "/tasks/me/hello/logs", timeout=60) for _ in range(count)]
        while not all(answer.done() for answer in asked):
            highest = max(highest, resident(own_gateway))
        answers = [answer.result() for answer in asked]
    # 503 for one whose turn does not come within 10 s, on a busy machine.
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    assert 200 in {answer.status_code for answer in answers}
    assert highest - before < 80 * MIB, f"{(highest - before) / MIB:.0f} MiB"


def test_a_list_of_the_largest_prompts_takes_little_memory_and_comes_in_pages(
    own_ns: RestNamespace, own_gateway: Gateway, keyring: Keyring
) -> None:
    names = {f"large-{number}" for number in range(40)}
    for name in names:
        own_ns.task(name, prompt="\N{SLIGHTLY SMILING FACE}" * 65_536)
    before = resident(own_gateway)
    highest = before
    token = own_ns.token("owner")

    def whole(_: int) -> Any:
        context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
        url = f"https://localhost:{own_gateway.people_port}/api/v2/tasks"
        return httpx.get(
            url, headers={"Authorization": f"Bearer {token}"}, verify=context, timeout=60, trust_env=False
        ).json()

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(whole, number) for number in range(16)]
        while not all(answer.done() for answer in asked):
            highest = max(highest, resident(own_gateway))
    for answer in asked:
        assert {task["name"] for task in answer.result()["tasks"]} == names
    assert highest - before < 50 * MIB, f"{(highest - before) / MIB:.0f} MiB"
    found: set[str] = set()
    query: dict[str, str] = {}
    while True:
        page = own_ns.owner.get(own_ns.url("/tasks"), params=query).json()
        assert 1 <= page["count"] <= 16
        assert not found & {task["name"] for task in page["tasks"]}
        found |= {task["name"] for task in page["tasks"]}
        if "continue" not in page:
            break
        query = {"continue": page["continue"]}
    assert found == names


@pytest.mark.long
def test_more_long_prompts_than_the_gateway_holds_are_shown_all_the_same(
    own_ns: RestNamespace, own_gateway: Gateway
) -> None:
    """A prompt of 128 KiB is part of what was kept of each Task: some 3,000 of them were the end of a gateway."""
    count, before = 1000, resident(own_gateway)
    prompts = {f"long-{number}": f"{number} " + "ü" * 65_000 for number in range(count)}
    bodies = [own_ns.manifest(name, prompt) for name, prompt in prompts.items()]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda body: own_ns.admin.create(own_ns.workspace.path("tasks"), body), bodies))
    # The last ones were created at the same time, in any order.
    for number in range(count - 16, count):
        own_ns.wait(f"/tasks/me/long-{number}", lambda answer: answer.status_code == 200)
    found: dict[str, str] = {}
    query: dict[str, str] = {}
    while True:
        page = own_ns.owner.get(own_ns.url("/tasks"), params=query, timeout=60).json()
        found |= {task["name"]: task["initial_prompt"] for task in page["tasks"]}
        if "continue" not in page:
            break
        query = {"continue": page["continue"]}
    assert found == prompts
    assert own_ns.owner.get("/tasks/me/long-0").json()["initial_prompt"] == prompts["long-0"]
    with opened(own_ns.owner, own_ns.url("/tasks/me/long-1/events")) as stream:
        assert stream.until("task").data["initial_prompt"] == prompts["long-1"]
    grown = resident(own_gateway) - before
    assert grown < 100 * MIB, f"{grown / MIB:.0f} MiB"
