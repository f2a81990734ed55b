"""The kubelet's probe of the agent's readiness: during a start it is answered when there is something to tell."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from taskyard.sidecar.http import probes as probes_module
from taskyard.sidecar.http.probes import Probes, application


class Agent:
    """An agent that is not ready until it is told to be."""

    def __init__(self) -> None:
        self.reason = "the agent has not answered yet"
        self.probes = Probes(lambda: self.reason, "key")
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application(self.probes)), base_url="http://sidecar"
        )


async def test_the_probe_is_answered_at_the_moment_of_the_first_readiness() -> None:
    agent, loop = Agent(), asyncio.get_running_loop()
    asked = asyncio.create_task(agent.client.get("/readyz"))
    await asyncio.sleep(0.2)
    assert not asked.done(), "there is nothing to tell yet"
    agent.reason, ready_at = "", loop.time()
    answer = await asyncio.wait_for(asked, 1.2)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert loop.time() - ready_at < 1.0


async def test_an_agent_that_is_not_ready_is_told_before_the_kubelet_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probes_module.START_HOLD < 2.0, "the probe's timeout"
    monkeypatch.setattr(probes_module, "START_HOLD", 0.1)
    answer = await Agent().client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the agent has not answered yet\n")


async def test_an_agent_that_was_ready_and_is_not_is_told_at_once() -> None:
    agent = Agent()
    agent.reason = ""
    assert (await agent.client.get("/readyz")).status_code == 200
    agent.reason = "the agent is gone"
    answer = await asyncio.wait_for(agent.client.get("/readyz"), 1.2)
    assert (answer.status_code, answer.text) == (503, "the agent is gone\n")
