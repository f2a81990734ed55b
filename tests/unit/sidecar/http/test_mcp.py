"""The protocol's messages, one by one; test_agent_reports sends them over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.conversation import reports
from taskyard.sidecar.conversation.task_outputs import OutputError
from taskyard.sidecar.http import mcp


class Agent:
    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []
        self.server = mcp.Server(self.report, self.set_output)

    def report(self, state: object, summary: object, link: object) -> None:
        reports.agent_report(state, summary, link)
        self.said.append((state, summary, link))

    def set_output(self, name: object, value: object) -> None:
        if name == "bad":
            raise OutputError("not this one")
        self.said.append((name, value))

    def ask(self, method: str, **params: Any) -> Any:
        return self.server.answer(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]


@pytest.fixture
def agent() -> Agent:
    return Agent()


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        pytest.param("2025-06-18", "2025-06-18", id="known"),
        pytest.param("2099-01-01", mcp.PROTOCOL_VERSIONS[0], id="unknown"),
        pytest.param(None, mcp.PROTOCOL_VERSIONS[0], id="none"),
    ],
)
def test_initialize_agrees_on_a_version(agent: Agent, asked: object, agreed: str) -> None:
    result = agent.ask("initialize", protocolVersion=asked, capabilities={})["result"]
    assert result["protocolVersion"] == agreed
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "taskyard"


def test_there_are_two_tools(agent: Agent) -> None:
    assert agent.ask("ping")["result"] == {}
    tools = {tool["name"]: tool["inputSchema"] for tool in agent.ask("tools/list")["result"]["tools"]}
    assert tools["report_task"]["properties"]["state"]["enum"] == ["working", "idle", "complete", "failed"]
    assert tools["report_task"]["properties"]["summary"]["maxLength"] == 160
    assert tools["set_output"]["required"] == ["name", "value"]


def test_tools_do_what_they_say(agent: Agent) -> None:
    assert agent.call("report_task", state="complete", summary="done")["isError"] is False
    assert agent.call("report_task", state="working", summary="x", link="https://a/")["isError"] is False
    assert agent.call("set_output", name="pr", value="1")["content"] == [{"type": "text", "text": "ok"}]
    assert agent.said == [("complete", "done", ""), ("working", "x", "https://a/"), ("pr", "1")]


def test_the_model_is_told_why_a_call_is_refused(agent: Agent) -> None:
    result = agent.call("report_task", state="finished", summary="done")
    assert result["isError"] is True
    assert "working, idle, complete, failed" in result["content"][0]["text"]
    assert agent.call("set_output", name="bad", value="1")["content"][0]["text"] == "not this one"
    assert agent.ask("tools/call", name="report_task")["result"]["isError"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", -32700, id="nothing"),
        pytest.param(b"{", -32700, id="not JSON"),
        pytest.param(b"[" * 10_000, -32700, id="deep nesting"),
        pytest.param(b"[]", -32600, id="empty batch"),
        pytest.param(b"7", -32600, id="a number"),
        pytest.param(b'{"id":1,"method":"ping"}', -32600, id="no version"),
        pytest.param(b'{"jsonrpc":"2.0","id":1}', -32600, id="no method"),
        pytest.param(b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, id="odd id"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"resources/list"}', -32601, id="unknown method"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602, id="params of the wrong kind"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}', -32602, id="no tool"),
    ],
)
def test_faults_have_the_codes_of_json_rpc(agent: Agent, body: bytes, code: int) -> None:
    answer = agent.server.answer(body)
    assert isinstance(answer, dict)
    assert answer["error"]["code"] == code


def test_notifications_and_answers_are_not_answered(agent: Agent) -> None:
    assert agent.server.answer(b'{"jsonrpc":"2.0","method":"notifications/initialized"}') is None
    assert agent.server.answer(b'{"jsonrpc":"2.0","id":1,"result":{}}') is None
    batch = b'[{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":"a","method":"ping"}]'
    assert agent.server.answer(batch) == [{"jsonrpc": "2.0", "id": "a", "result": {}}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["jsonrpc", "id", "method", "params", "name", "arguments", "state", "summary", "link"])
            | st.text(max_size=5),
            inner | st.sampled_from(["2.0", "tools/call", "initialize", "report_task", "set_output"]),
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_crashes_it(body: bytes) -> None:
    answer = Agent().server.answer(body)
    json.dumps(answer)
